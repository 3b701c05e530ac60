//! What wx-session's configuration needs of Spin, held against what the manifest gives to the component, and for a
//! middleware against what it inherits of that.

use std::fs;

use wx_session_core::Config;
use wx_session_core::config::{HostKind, HostStore, StoreKind};

use super::hosts::allow;
use super::{Check, RESOURCES};
use crate::document::{Document, SECRET};
use crate::tree::{Entry, FieldPath, Node, Value};

/// The component whose resources they are: a service's own, a middleware's app.
pub(super) struct Holder<'a> {
    pub(super) node: &'a Node,
    pub(super) line: usize,
    pub(super) at: FieldPath,
}

impl<'a> Holder<'a> {
    pub(super) fn of(component: &'a Entry) -> Self {
        Self {
            node: &component.node,
            line: component.line,
            at: FieldPath::default().name("component").name(&component.name),
        }
    }

    pub(super) fn outbound_hosts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let list = self.node.get(OUTBOUND).map_or(&[][..], Node::items);
        list.iter().filter_map(Node::text)
    }
}

const OUTBOUND: &str = "allowed_outbound_hosts";
const VARIABLE: &str = "wx_session_config";
const FILE: &str = "wx-session.json";

/// Where a component finds its configuration.
enum Source {
    Here(Found<'static>),
    /// In a variable whose value is not in the manifest.
    Elsewhere,
    /// It finds none, which is said.
    Nowhere,
}

/// The configuration document, and where it stands.
struct Found<'a> {
    document: Document,
    /// Of all of it, where it stands in a file of its own.
    line: Option<usize>,
    at: FieldPath,
    /// What gives it to the component.
    by: &'a str,
}

impl Check<'_> {
    /// The configuration, if it can be read. `inherits` is the middleware's entry in the trigger.
    pub(super) fn resources(
        &mut self,
        holder: &Holder<'_>,
        inherits: Option<(&Node, &FieldPath)>,
    ) -> Option<Config> {
        let found = match self.document_of(holder) {
            Source::Here(found) => found,
            Source::Elsewhere => {
                // Whatever it is, it comes by a variable, and WeChat is asked.
                self.secrets(holder, &[]);
                if let Some((node, at)) = inherits {
                    self.inherited(node, at, &["variables", OUTBOUND]);
                }
                return None;
            }
            Source::Nowhere => return None,
        };
        let mut needs = vec![found.by];
        let names = found.document.secret_names();
        if !names.is_empty() {
            needs.push("variables");
            needs.dedup();
        }
        self.secrets(holder, &names);
        let config = match found.document.judge(HostKind::Spin) {
            Ok(config) => config,
            Err(wrong) => {
                let problem = format!("{}: {}", wrong.field, wrong.problem);
                self.find(found.line.unwrap_or(wrong.line), &found.at, problem);
                return None;
            }
        };
        let mut calls: Vec<String> = config
            .calls()
            .iter()
            .map(|(_, target)| (*target).to_owned())
            .collect();
        if inherits.is_none() && !config.passes_to_wechat() {
            calls.push(config.upstream_url.clone());
        }
        needs.push(OUTBOUND);
        self.outbound(holder, &calls);
        if let StoreKind::OfHost(HostStore::SpinKeyValue { label }) = &config.store {
            needs.push("key_value_stores");
            self.store(holder, label);
        }
        if let Some((node, at)) = inherits {
            self.inherited(node, at, &needs);
        }
        Some(config)
    }

    /// As the component looks for it: the variable, or else the file.
    fn document_of(&mut self, holder: &Holder<'_>) -> Source {
        let variables = holder.node.get("variables");
        if let Some(node) = variables.and_then(|all| all.get(VARIABLE)) {
            let at = holder.at.name("variables").name(VARIABLE);
            let text = node.text().unwrap_or_default().to_owned();
            if text.trim_start().starts_with("{{") {
                return Source::Elsewhere;
            }
            if text.contains("{{") {
                self.find(
                    node.line,
                    &at,
                    "holds {{, after which Spin looks for the name of a variable: write { {",
                );
                return Source::Nowhere;
            }
            let first_line = match node.value {
                Value::Text { line, .. } => line,
                _ => node.line,
            };
            return Source::Here(Found {
                document: Document::of_text(&text, first_line),
                line: None,
                at,
                by: "variables",
            });
        }
        let files = holder.node.get("files").map_or(&[][..], Node::items);
        let shipped = files.iter().find(|file| file.text() == Some(FILE));
        let Some(file) = shipped else {
            let problem = format!(
                "has neither a variable {VARIABLE} nor \"{FILE}\" among its `files`: there is no configuration"
            );
            self.find(holder.line, &holder.at, problem);
            return Source::Nowhere;
        };
        let at = holder.at.name("files");
        match fs::read_to_string(self.folder.join(FILE)) {
            Ok(text) => Source::Here(Found {
                document: Document::of_text(&text, 1),
                line: Some(file.line),
                at,
                by: "files",
            }),
            Err(error) => {
                self.find(file.line, &at, format!("{FILE} cannot be read: {error}"));
                Source::Nowhere
            }
        }
    }

    fn secrets(&mut self, holder: &Holder<'_>, names: &[String]) {
        let at = holder.at.name("variables");
        let given = holder.node.get("variables");
        for name in names {
            let lower = name.to_ascii_lowercase();
            match given.and_then(|all| all.get(&lower)) {
                None => {
                    let problem = format!(
                        "lacks {lower}, which the configuration calls {name}: {lower} = \"{{{{ {lower} }}}}\""
                    );
                    let line = given.map_or(holder.line, |all| all.line);
                    self.find(line, &at, problem);
                }
                Some(node) if !node.text().is_some_and(|text| text.contains("{{")) => {
                    let problem = format!(
                        "a secret stands in the manifest: write \"{{{{ {lower} }}}}\" and set SPIN_VARIABLE_{}",
                        lower.to_ascii_uppercase()
                    );
                    self.find(node.line, &at.name(&lower), problem);
                }
                Some(_) => {}
            }
        }
        for entry in given.map_or(&[][..], Node::entries) {
            let text = entry.node.text().unwrap_or_default();
            // In a document it is said already.
            if entry.name == VARIABLE && !text.trim_start().starts_with("{{") {
                continue;
            }
            for part in text.split("{{").skip(1) {
                let name = part.split("}}").next().unwrap_or_default().trim();
                let declared = self.document.get("variables");
                if declared.is_none_or(|all| all.get(name).is_none()) {
                    let problem = format!("[variables] has no {name}: Spin does not start");
                    self.find(entry.line, &at.name(&entry.name), problem);
                }
            }
        }
    }

    fn outbound(&mut self, holder: &Holder<'_>, calls: &[String]) {
        for url in calls.iter().filter(|url| !url.starts_with(SECRET)) {
            if !allow(holder.outbound_hosts(), url) {
                let list = holder.node.get(OUTBOUND);
                let line = list.map_or(holder.line, |list| list.line);
                let problem = format!("lacks \"{url}\": Spin refuses wx-session's requests there");
                self.find(line, &holder.at.name(OUTBOUND), problem);
            }
        }
    }

    fn store(&mut self, holder: &Holder<'_>, label: &str) {
        let name = "key_value_stores";
        let list = holder.node.get(name);
        let has = |list: &Node| list.items().iter().any(|item| item.text() == Some(label));
        if !list.is_some_and(has) {
            let line = list.map_or(holder.line, |list| list.line);
            let problem = format!("lacks \"{label}\", where the configuration keeps its sessions");
            self.find(line, &holder.at.name(name), problem);
        }
    }

    /// Names that Spin passes over, and those that are not there.
    fn inherited(&mut self, node: &Node, at: &FieldPath, needs: &[&str]) {
        let at = at.name("inherit_configuration");
        let list = node.get("inherit_configuration");
        if list.and_then(Node::flag) == Some(true) {
            return;
        }
        let items = list.map_or(&[][..], Node::items);
        for item in items {
            let name = item.text().unwrap_or_default();
            if !RESOURCES.contains(&name) {
                let problem = format!(
                    "Spin passes over {name:?} without a word: it knows {}",
                    RESOURCES.join(", ")
                );
                self.find(item.line, &at, problem);
            }
        }
        let line = list.map_or(node.line, |list| list.line);
        for need in needs {
            if !items.iter().any(|item| item.text() == Some(need)) {
                self.find(
                    line,
                    &at,
                    format!("lacks \"{need}\", which wx-session needs"),
                );
            }
        }
    }
}
