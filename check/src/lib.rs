//! What is wrong with a configuration of wx-session, before a proxy has it: by file, line and field, in the core's own
//! words. Each kind of file has a module of its own, which gives findings and never prints. Needs no secret.

mod capabilities;
mod context;
mod document;
mod envoy;
mod fail_open;
mod higress_config;
mod http_filter;
mod known;
mod kubernetes;
mod objects;
mod patch;
mod patches;
mod plugin;
mod spin;
mod switched_off;
mod toml_tree;
mod traffic_policy;
mod tree;
mod wasm;
mod yaml_tree;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use context::Context;
use tree::Node;

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// The field, such as `trigger.http[0].dependencies.middlewares` or, in the document, `routes[2].session`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Finding {
    fn new(file: &Path, line: usize, field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            field: field.into(),
            problem: problem.into(),
        }
    }
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
///
/// # Errors
/// When anything is wrong, a file cannot be read, or has no wx-session in it.
pub fn run(files: &[&str]) -> Result<()> {
    if files.is_empty() {
        bail!("which file? {USAGE}");
    }
    let mut found = 0;
    for file in files {
        let findings = match check(Path::new(file)) {
            Ok(findings) => findings,
            Err(error) => {
                println!("{file}: {error:#}");
                found += 1;
                continue;
            }
        };
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

/// What can be checked.
pub const USAGE: &str = "FILE... are Envoy's configurations, manifests of Istio, Envoy Gateway and Higress (*.yaml, *.yml, \
                         *.json), wx-session.json, and Spin's manifests (*.toml)";

/// What is wrong in one file.
///
/// # Errors
/// When it cannot be read, is not of its kind, or has no wx-session in it.
pub fn check(file: &Path) -> Result<Vec<Finding>> {
    let text = std::fs::read_to_string(file).context("cannot be read")?;
    let end = file.extension().and_then(|end| end.to_str());
    let end = end.unwrap_or_default();
    if end == "toml" {
        return spin::check(file, &text);
    }
    match yaml_tree::parse_file(end, &text) {
        Some(parsed) => documents(file, &parsed?),
        None => bail!("is no file that this command knows: {USAGE}"),
    }
}

/// The first document of a text in YAML, for tests that judge it otherwise.
///
/// # Errors
/// When it is no YAML.
pub fn to_json(text: &str) -> Result<serde_json::Value> {
    let first = yaml_tree::parse(text)?.into_iter().next();
    Ok(first.context("is empty")?.to_json())
}

fn documents(file: &Path, all: &[Node]) -> Result<Vec<Finding>> {
    let mut found: Option<Vec<Finding>> = None;
    let context = Context {
        file,
        is_json: file.extension().is_some_and(|end| end == "json"),
        buffers: kubernetes::Buffers {
            higress: higress_config::buffer(all),
            envoy_gateway: traffic_policy::buffer(all),
        },
        known: &known::Known::of(all),
    };
    for own in all.iter().filter_map(|one| objects::check(context, one)) {
        let found = found.get_or_insert_with(Vec::new);
        for finding in own {
            // What two plugins of one file share by an alias is wrong once.
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    found.context("has no wx-session in it: neither a Wasm filter nor an object of Kubernetes with that name, nor `apps`")
}
