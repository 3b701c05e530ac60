//! Finds `redis-server`, `redis-cli`, `webdis` and `nginx`: on PATH, or else out of Debian's packages.
//! Never replaces a program that is there, and never lets a package start its service.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::on_path;

/// A program and Debian's package of it.
#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    package: &'static str,
}

const SERVER: Program = Program {
    name: "redis-server",
    package: "redis-server",
};
const CLI: Program = Program {
    name: "redis-cli",
    package: "redis-tools",
};
const WEBDIS: Program = Program {
    name: "webdis",
    package: "webdis",
};
const NGINX: Program = Program {
    name: "nginx",
    package: "nginx",
};

/// Run by root with the packages as arguments. `policy-rc.d` is how a package asks whether it may start its service.
const INSTALL: &str = "\
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy || exit 1
fi
export DEBIAN_FRONTEND=noninteractive
install='apt-get install --yes --quiet --no-install-recommends'
$install \"$@\" || { apt-get update --quiet && $install \"$@\"; }
";

/// Installs what is missing of Redis's programs and webdis.
///
/// # Errors
/// When one is missing and cannot be installed; the message names it and its package.
pub fn ensure_redis() -> Result<()> {
    for program in [SERVER, CLI, WEBDIS] {
        find(program)?;
    }
    Ok(())
}

/// The path of `redis-server`.
///
/// # Errors
/// As [`ensure_redis`].
pub fn redis_server() -> Result<PathBuf> {
    find(SERVER)
}

/// The path of `redis-cli`.
///
/// # Errors
/// As [`ensure_redis`].
pub fn redis_cli() -> Result<PathBuf> {
    find(CLI)
}

/// The path of `webdis`.
///
/// # Errors
/// As [`ensure_redis`].
pub fn webdis() -> Result<PathBuf> {
    find(WEBDIS)
}

/// The path of `nginx`.
///
/// # Errors
/// As [`ensure_redis`].
pub fn nginx() -> Result<PathBuf> {
    find(NGINX)
}

/// The path of any other program, out of the package that has it if it is missing.
///
/// # Errors
/// When it is missing and cannot be installed; the message names it and its package.
pub fn program(name: &'static str, package: &'static str) -> Result<PathBuf> {
    find(Program { name, package })
}

/// Many tests ask at once: one installs, the others wait and then find.
fn find(program: Program) -> Result<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    if let Some(found) = on_path(program.name) {
        return Ok(found);
    }
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if on_path(program.name).is_none() {
        install(program.package).with_context(|| missing(program))?;
    }
    on_path(program.name).with_context(|| missing(program))
}

fn missing(program: Program) -> String {
    let Program { name, package } = program;
    format!(
        "no `{name}` on PATH. Install it: in Debian and Ubuntu it is in the package `{package}`"
    )
}

fn install(package: &str) -> Result<()> {
    let mut command = if on_path("apt-get").is_none() {
        bail!("there is no apt-get here");
    } else if rustix::process::geteuid().is_root() {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "sh"]);
        sudo
    };
    let output = command
        .args(["-c", INSTALL, "sh", package])
        .output()
        .context("neither root nor sudo")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("apt-get could not install `{package}`: {}", said.trim());
    }
    Ok(())
}
