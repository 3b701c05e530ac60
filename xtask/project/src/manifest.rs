//! A Spin manifest of the repository as data. Never judges it: that is for its tests.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{root, target_folder};

/// A manifest, and the folder that its paths are relative to.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// In the shapes of the manifest's version 2: <https://spinframework.dev/manifest-reference>.
    pub document: Value,
    folder: PathBuf,
}

/// How one component is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The component's id.
    pub component: String,
    /// For a shell.
    pub command: String,
    /// Where the command runs.
    pub folder: PathBuf,
    /// The file that Spin will load.
    pub source: PathBuf,
}

impl Manifest {
    /// A manifest by its path in the repository.
    ///
    /// # Errors
    /// When it cannot be read or is not TOML.
    pub fn read(path: &str) -> Result<Self> {
        let path = root().join(path);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let document =
            toml::from_str(&text).with_context(|| format!("{} is not TOML", path.display()))?;
        let folder = path.parent().unwrap_or(&path).to_path_buf();
        Ok(Self { document, folder })
    }

    /// A file that the manifest names, by its path in the manifest's folder.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        plain(&self.folder.join(relative))
    }

    /// What `spin build` does.
    ///
    /// # Errors
    /// When a component has no command or no file as its source.
    pub fn builds(&self) -> Result<Vec<Build>> {
        let components = self.document.get("component").and_then(Value::as_object);
        let components = components.context("the manifest has no components")?;
        let build = |(id, component): (&String, &Value)| {
            let text = |pointer: &str| component.pointer(pointer).and_then(Value::as_str);
            let missing = |what| format!("component {id} has no {what}");
            let source = text("/source").with_context(|| missing("source that is a file"))?;
            Ok(Build {
                component: id.clone(),
                command: text("/build/command")
                    .with_context(|| missing("build command"))?
                    .to_owned(),
                folder: self.path(text("/build/workdir").unwrap_or(".")),
                source: self.path(source),
            })
        };
        components.iter().map(build).collect()
    }

    /// The manifest as Spin reads it.
    ///
    /// # Errors
    /// When it holds what TOML has not, such as null.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(&self.document)?)
    }
}

impl Build {
    /// Builds the component, with what the command says on the terminal.
    ///
    /// # Errors
    /// When the command fails, or does not write the file that Spin will load.
    pub fn run(&self) -> Result<()> {
        let status = Command::new("sh")
            .args(["-c", &self.command])
            .current_dir(&self.folder)
            // The manifests name files in the repository's own folder.
            .env("CARGO_TARGET_DIR", target_folder())
            .env_remove(crate::WRAPPER)
            .status();
        ensure!(
            status.context("cannot start a shell")?.success(),
            "`{}` failed",
            self.command
        );
        ensure!(
            self.source.is_file(),
            "`{}` does not write {}",
            self.command,
            self.source.display()
        );
        Ok(())
    }
}

/// Without `.` and `..`, which a path to a file that is not there yet may have.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_manifest() {
        let manifest = Manifest::read("examples/spin-middleware/spin.toml").unwrap();
        assert_eq!(manifest.path("../../target/x"), root().join("target/x"));
        assert_eq!(
            manifest.path("./x"),
            root().join("examples/spin-middleware/x")
        );
    }

    #[test]
    fn what_was_read_can_be_written() {
        let manifest = Manifest::read("spin.toml").unwrap();
        let again: Value = toml::from_str(&manifest.to_toml().unwrap()).unwrap();
        assert_eq!(again, manifest.document);
    }
}
