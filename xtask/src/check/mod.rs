//! `cargo xtask check FILE…`: what is wrong with a configuration and what its host would pass over without a word.
//! Each kind of file has a module of its own, which gives findings and never prints.

mod spin;
mod toml_tree;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) file: PathBuf,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The field, such as `trigger.http[0].dependencies.middlewares`.
    pub(crate) field: String,
    pub(crate) problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            field,
            problem,
        } = self;
        write!(f, "{}:{line}: {field}: {problem}", file.display())
    }
}

/// Checks all files, says what is wrong with each, and fails if anything is.
pub(crate) fn run(files: &[&str]) -> Result<()> {
    if files.is_empty() {
        bail!("check needs a file: see cargo xtask help");
    }
    let mut found = 0;
    for file in files {
        let findings = check(Path::new(file)).with_context(|| (*file).to_owned())?;
        for finding in &findings {
            println!("{finding}");
        }
        if findings.is_empty() {
            println!("{file}: nothing is wrong");
        }
        found += findings.len();
    }
    match found {
        0 => Ok(()),
        1 => bail!("1 thing is wrong"),
        more => bail!("{more} things are wrong"),
    }
}

/// By the end of its name, what a file is.
fn check(file: &Path) -> Result<Vec<Finding>> {
    let text = std::fs::read_to_string(file).context("cannot be read")?;
    match file.extension().and_then(|end| end.to_str()) {
        Some("toml") => spin::check(file, &text),
        _ => bail!("is no file that this command knows: it checks Spin's manifests, `*.toml`"),
    }
}
