//! Programs of Debian that tests need: on PATH, or else out of their packages.
//! Never lets a package start its service.

use std::path::PathBuf;

use anyhow::Result;

use crate::redis::install::{Program, find};

/// The path of a program, installed if it is missing.
///
/// # Errors
/// When it is missing and cannot be installed; the message names it and its package.
pub fn program(name: &'static str, package: &'static str) -> Result<PathBuf> {
    find(Program { name, package })
}
