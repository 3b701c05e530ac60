//! `cargo xtask release`: the files of a release in `target/release-files`, with their SHA-256 and what changed.
//! Publishes nothing.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use project::{Manifest, cargo, filter, root, target_folder};

use crate::image;
use crate::steps::must;
use crate::{client, tools};

/// The component that each manifest builds beside its app, and its name in a release.
const COMPONENTS: [(&str, &str); 2] = [
    ("spin.toml", "wx_session_spin.wasm"),
    (
        "examples/spin-middleware/spin.toml",
        "wx_session_spin_middleware.wasm",
    ),
];

pub(crate) fn run(options: &[&str]) -> Result<()> {
    crate::no_options("release", options)?;
    let folder = target_folder().join("release-files");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let module = fs::read(filter::built_in_sight()?)?;
    fs::write(folder.join("wx_session.wasm"), &module)?;
    image::release(&folder, &module)?;
    for (manifest, name) in COMPONENTS {
        fs::copy(component(manifest)?, folder.join(name))?;
    }
    checker(&folder)?;
    npm_package(&folder)?;
    fs::write(folder.join("SHA256SUMS"), sums(&folder)?)?;
    let changelog = fs::read_to_string(root().join("CHANGELOG.md"))?;
    let notes = newest(&changelog).context("CHANGELOG.md has no section")?;
    fs::write(target_folder().join("release-notes.md"), notes)?;
    println!("{}", folder.display());
    Ok(())
}

/// Builds what a manifest names, and gives the component that is ours.
fn component(manifest: &str) -> Result<PathBuf> {
    let mut ours = None;
    for build in Manifest::read(manifest)?.builds()? {
        build.run()?;
        if build.source.ends_with("wx_session_spin.wasm") {
            ours = Some(build.source);
        }
    }
    ours.with_context(|| format!("{manifest} builds no wx_session_spin.wasm"))
}

/// The check as a program, for pipelines on this kind of machine.
fn checker(folder: &Path) -> Result<()> {
    must(cargo().args(["build", "--release", "-p", "wx-session-check"]))?;
    let name = format!("wx-session-check-{}-{}", env::consts::ARCH, env::consts::OS);
    fs::copy(
        target_folder().join("release/wx-session-check"),
        folder.join(name),
    )?;
    Ok(())
}

fn npm_package(folder: &Path) -> Result<()> {
    tools::need_node()?;
    tools::need_npm()?;
    let package = client::folder();
    must(tools::npm(&package).arg("ci"))?;
    let pack = ["pack", "--pack-destination"];
    must(tools::npm(&package).args(pack).arg(folder))?;
    Ok(())
}

/// As `sha256sum` writes them, by name.
fn sums(folder: &Path) -> Result<String> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    ensure!(files.len() > COMPONENTS.len(), "files are missing");
    let mut sums = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        writeln!(sums, "{}  {name}", image::sha256(&fs::read(&file)?))?;
    }
    Ok(sums)
}

/// The first section of a changelog, without its heading. An *Unreleased* that has nothing but headings is none, as in
/// `.github/tagged`.
fn newest(changelog: &str) -> Option<&str> {
    let sections = changelog.split("\n## [").skip(1);
    let mut sections = sections.filter_map(|section| section.split_once('\n'));
    let is_empty = |text: &str| {
        let mut lines = text.lines();
        lines.all(|line| line.trim().is_empty() || line.starts_with('#'))
    };
    let (_, newest) =
        sections.find(|(name, text)| !name.starts_with("Unreleased]") || !is_empty(text))?;
    Some(newest.trim())
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn the_notes_of_a_release_are_the_newest_section_of_the_changelog() {
        let changelog = "# Changelog\n\n## [2.0.0]\n\n### Added\n\n- b\n\n## [1.0.0]\n\n- a\n";
        assert_eq!(newest(changelog), Some("### Added\n\n- b"));
        assert_eq!(newest("# Changelog\n"), None);
        for empty in ["", "\n### Added\n"] {
            let next = changelog.replace("## [2", &format!("## [Unreleased]\n{empty}\n## [2"));
            assert_eq!(newest(&next), Some("### Added\n\n- b"));
        }
        let next = changelog.replace("## [2", "## [Unreleased]\n\n- c\n\n## [2");
        assert_eq!(newest(&next), Some("- c"));
    }
}
