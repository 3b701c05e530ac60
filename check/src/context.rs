//! Where a document stands, and what is known there.

use std::path::Path;

use crate::known::Known;
use crate::kubernetes::Buffers;

#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) file: &'a Path,
    /// Whether it is written in JSON.
    pub(crate) is_json: bool,
    pub(crate) buffers: Buffers,
    /// Of the whole file.
    pub(crate) known: &'a Known,
}
