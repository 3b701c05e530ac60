//! An application as its `spin.toml` says: what Spin refuses in one is refused here, and what Spin passes over without a
//! word is passed over. Only what the manifests of this repository and its tests use of the format; other fields of
//! Spin's are an error, never ignored. <https://spinframework.dev/manifest-reference>

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use toml::Value;

use crate::arrival::chained_component;
use crate::components::compose;
use crate::manifest::{Inherited, Manifest, Upstream};

/// What `spin up` would serve.
pub struct Application {
    /// The component of the public route, with its middleware around it.
    pub component: Vec<u8>,
    /// What it has.
    pub manifest: Manifest,
    /// Its id, after which Spin names the file of its log, also that of a middleware around it.
    pub id: String,
    /// Holds the files that the component sees.
    _files: Option<TempDir>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    spin_manifest_version: u8,
    #[serde(rename = "application")]
    _application: Value,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: BTreeMap<String, Vec<Trigger>>,
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    default: Option<String>,
    #[serde(default, rename = "required")]
    _required: bool,
    #[serde(default, rename = "secret")]
    _secret: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trigger {
    component: String,
    route: Value,
    /// Spin looks at `middleware` alone. If that is not there, it looks at none.
    #[serde(default)]
    dependencies: BTreeMap<String, Vec<Dependency>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dependency {
    component: String,
    inherit_configuration: Option<Inherit>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Inherit {
    All(bool),
    Some(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Component {
    source: PathBuf,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    files: Vec<PathBuf>,
    #[serde(default)]
    key_value_stores: Vec<String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(rename = "build")]
    _build: Option<Value>,
}

impl Application {
    /// Reads a manifest. The values of its variables are those of `environment`, by their names there.
    ///
    /// # Errors
    /// Whatever Spin would refuse to start with.
    pub fn load(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let document: Document = toml::from_str(&text)?;
        ensure!(document.spin_manifest_version == 2, "version 2 is expected");
        let folder = path.parent().unwrap_or(Path::new("."));
        let trigger = public_trigger(&document)?;
        let (component, inherited) = composed(&document, trigger, folder)?;
        let own = find(&document, &trigger.component)?;
        let variables = document.values(own, environment)?;
        let files = staged(&own.files, folder)?;
        let mut outbound = BTreeMap::new();
        for allowed in &own.allowed_outbound_hosts {
            let allowed = document.filled_in(allowed, environment)?;
            let upstream = upstream(&document, &allowed, folder)?;
            outbound.insert(allowed, upstream);
        }
        let manifest = Manifest {
            variables,
            key_value_stores: own.key_value_stores.clone(),
            outbound,
            files: files.as_ref().map(|files| files.path().to_owned()),
            inherited,
            ..Manifest::default()
        };
        manifest.check()?;
        Ok(Self {
            component,
            manifest,
            id: trigger.component.clone(),
            _files: files,
        })
    }
}

impl Document {
    /// A component's variables, with their values.
    fn values(
        &self,
        component: &Component,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<String, String>> {
        let all = component.variables.iter();
        all.map(|(name, text)| Ok((name.clone(), self.filled_in(text, environment)?)))
            .collect()
    }

    /// `{{ name }}` is a variable of the application, wherever it stands.
    fn filled_in(
        &self,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String> {
        let mut parts = text.split("{{");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").context("{{ without }}")?;
            let name = name.trim();
            let variable = self.variables.get(name);
            let variable = variable.with_context(|| format!("no variable for {name:?}"))?;
            let source = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
            let value = environment(&source).or_else(|| variable.default.clone());
            let value = value.with_context(|| format!("{name} is required: set {source}"))?;
            whole.push_str(&value);
            whole.push_str(rest);
        }
        Ok(whole)
    }
}

/// The one trigger that clients reach. Others must be private, to be reached by service chaining.
fn public_trigger(document: &Document) -> Result<&Trigger> {
    let triggers = document.trigger.get("http").context("no HTTP trigger")?;
    let is_public = |trigger: &&Trigger| trigger.route.is_str();
    let mut public = triggers.iter().filter(is_public);
    let trigger = public.next().context("no public route")?;
    if public.next().is_some() || trigger.route.as_str() != Some("/...") {
        bail!("this host has one public route, which is \"/...\"");
    }
    Ok(trigger)
}

fn find<'a>(document: &'a Document, id: &str) -> Result<&'a Component> {
    let found = document.component.get(id);
    found.with_context(|| format!("there is no component {id:?}"))
}

fn source(document: &Document, id: &str, folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join(&find(document, id)?.source);
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// A trigger's component with its middleware around it, and what that inherits.
fn composed(document: &Document, trigger: &Trigger, folder: &Path) -> Result<(Vec<u8>, Inherited)> {
    let app = source(document, &trigger.component, folder)?;
    let Some(chain) = trigger.dependencies.get("middleware") else {
        return Ok((app, Inherited::All));
    };
    ensure!(
        trigger.dependencies.len() == 1,
        "the HTTP trigger's only allowed trigger dependency is `middleware`"
    );
    let [middleware] = chain.as_slice() else {
        bail!("this host takes one middleware");
    };
    let own = find(document, &middleware.component)?;
    ensure!(
        own.variables.is_empty()
            && own.files.is_empty()
            && own.key_value_stores.is_empty()
            && own.allowed_outbound_hosts.is_empty(),
        "a middleware has no resources of its own: {:?} declares some",
        middleware.component
    );
    let inherited = match &middleware.inherit_configuration {
        Some(Inherit::All(true)) => Inherited::All,
        Some(Inherit::All(false)) | None => Inherited::Only(Vec::new()),
        Some(Inherit::Some(names)) => Inherited::Only(names.clone()),
    };
    let component = compose(source(document, &middleware.component, folder)?, app)?;
    Ok((component, inherited))
}

fn upstream(document: &Document, allowed: &str, folder: &Path) -> Result<Upstream> {
    let (_, authority) = allowed.split_once("://").with_context(|| {
        format!("{allowed:?} does not contain a scheme (e.g., 'http://' or '*://')")
    })?;
    ensure!(!authority.contains('*'), "this host knows no wildcards");
    let Some(name) = chained_component(authority) else {
        return Ok(match authority.parse() {
            Ok(address) => Upstream::plain(address),
            Err(_) => Upstream::named(),
        });
    };
    let triggers = document.trigger.values().flatten();
    if triggers
        .into_iter()
        .any(|trigger| trigger.component == name)
    {
        return Ok(Upstream::component(source(document, name, folder)?));
    }
    Ok(Upstream::no_component())
}

/// A folder that has the files where the component is to see them.
fn staged(files: &[PathBuf], folder: &Path) -> Result<Option<TempDir>> {
    if files.is_empty() {
        return Ok(None);
    }
    let staged = tempfile::tempdir()?;
    for file in files {
        let (from, to) = (folder.join(file), staged.path().join(file));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&from, to).with_context(|| format!("cannot read {}", from.display()))?;
    }
    Ok(Some(staged))
}
