//! A Spin manifest with wx-session in it: whether every request meets it, and whether it has what it needs. Spin refuses
//! some of what is wrong here; the rest it passes over, and the app is open or every request fails.
//! <https://spinframework.dev/manifest-reference>

mod hosts;
mod resources;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Result;
use wx_session_core::Config;

use crate::Finding;
use crate::toml_tree::parse;
use crate::tree::{Entry, FieldPath, Node};
use hosts::{component_of, may_lead_to};
use resources::Holder;

/// What Spin knows in an HTTP trigger.
const TRIGGER: [&str; 6] = [
    "component",
    "dependencies",
    "executor",
    "id",
    "route",
    "static_response",
];

/// What a middleware may not declare, but can inherit: there Spin passes over all other names.
const RESOURCES: [&str; 7] = [
    "ai_models",
    "allowed_outbound_hosts",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
];

/// What is wrong in a manifest.
pub(super) fn check(file: &Path, text: &str) -> Result<Vec<Finding>> {
    let document = parse(text)?;
    let mut check = Check {
        file,
        folder: file.parent().unwrap_or(Path::new("")).to_path_buf(),
        document: &document,
        findings: Vec::new(),
    };
    check.everything();
    check.findings.sort_by_key(|finding| finding.line);
    Ok(check.findings)
}

pub(super) struct Check<'a> {
    file: &'a Path,
    folder: PathBuf,
    document: &'a Node,
    findings: Vec<Finding>,
}

/// An HTTP trigger.
struct Trigger<'a> {
    at: FieldPath,
    node: &'a Node,
    /// The id of its component; one that stands in the trigger itself has none.
    component: &'a str,
    is_public: bool,
}

impl<'a> Trigger<'a> {
    /// The component that stands in it.
    fn inline(&self) -> Option<Holder<'a>> {
        let entry = self.node.entry("component")?;
        let is_table = entry.node.text().is_none();
        is_table.then(|| Holder {
            node: &entry.node,
            line: entry.line,
            at: self.at.name("component"),
        })
    }
}

impl<'a> Check<'a> {
    fn find(&mut self, line: usize, field: &FieldPath, problem: impl Into<String>) {
        self.findings
            .push(Finding::new(self.file, line, field.to_string(), problem));
    }

    fn everything(&mut self) {
        let triggers = self.triggers();
        for trigger in &triggers {
            self.names(trigger);
        }
        let ours: Vec<&Entry> = self
            .components()
            .iter()
            .filter(|entry| is_ours(entry))
            .collect();
        let of_triggers: Vec<_> = triggers
            .iter()
            .filter_map(|trigger| Some((trigger, trigger.inline()?)))
            .filter(|(_, holder)| is_of_our_build(holder.node))
            .collect();
        for (trigger, holder) in &of_triggers {
            self.service(holder, &[trigger], &triggers);
        }
        if ours.is_empty() && of_triggers.is_empty() {
            self.find(
                1,
                &FieldPath::default().name("component"),
                "none is wx-session: its `source` is a file named wx_session_spin.wasm",
            );
        }
        for own in ours {
            let holder = Holder::of(own);
            let serving: Vec<&Trigger<'_>> = triggers
                .iter()
                .filter(|one| one.component == own.name)
                .collect();
            let around: Vec<&Trigger<'_>> = triggers
                .iter()
                .filter(|one| middleware(one.node, &own.name).is_some())
                .collect();
            if !serving.is_empty() {
                self.service(&holder, &serving, &triggers);
            }
            if !around.is_empty() {
                self.middleware(own, &around, &triggers);
            }
            if serving.is_empty() && around.is_empty() {
                self.find(
                    own.line,
                    &holder.at,
                    "no request reaches it: a service has a trigger of its own, a middleware stands in \
                     `dependencies.middleware` of the app's trigger",
                );
            }
        }
    }

    fn triggers(&self) -> Vec<Trigger<'a>> {
        let at = FieldPath::default().name("trigger").name("http");
        let http = self.document.get("trigger").and_then(|all| all.get("http"));
        let all = http.map_or(&[][..], Node::items).iter().enumerate();
        all.map(|(index, node)| Trigger {
            at: at.index(index),
            node,
            component: node.text_at(&["component"]).unwrap_or(""),
            is_public: node
                .get("route")
                .is_none_or(|route| route.get("private").and_then(Node::flag) != Some(true)),
        })
        .collect()
    }

    fn components(&self) -> &'a [Entry] {
        self.document.get("component").map_or(&[], Node::entries)
    }

    fn component(&self, id: &str) -> Option<&'a Entry> {
        self.components().iter().find(|entry| entry.name == id)
    }

    /// Names that nobody looks at.
    fn names(&mut self, trigger: &Trigger<'_>) {
        for entry in trigger.node.entries() {
            if !TRIGGER.contains(&entry.name.as_str()) {
                let problem = format!("is no field of a trigger: {}", TRIGGER.join(", "));
                self.find(entry.line, &trigger.at.name(&entry.name), problem);
            }
        }
        let Some(dependencies) = trigger.node.get("dependencies") else {
            return;
        };
        let at = trigger.at.name("dependencies");
        for entry in dependencies.entries() {
            if entry.name != "middleware" {
                self.find(
                    entry.line,
                    &at.name(&entry.name),
                    "Spin passes over this name without a word, and the app is open: write `middleware`",
                );
            }
        }
    }

    /// In front of an app: nobody may ask that app past it.
    fn service(&mut self, holder: &Holder<'_>, serving: &[&Trigger<'_>], triggers: &[Trigger<'_>]) {
        self.build(holder, false);
        let config = self.resources(holder, None);
        if config.as_ref().is_some_and(Config::passes_to_wechat) {
            // No app is behind it, and nobody but the backend may be before it.
            for trigger in serving.iter().filter(|one| one.is_public) {
                self.find(
                    trigger.node.line,
                    &trigger.at.name("route"),
                    "anybody could call WeChat in your name here: write `route = { private = true }`",
                );
            }
            return;
        }
        let upstream = config.as_ref().map(|config| config.upstream_url.as_str());
        if let Some((url, app)) = upstream.and_then(|url| Some((url, component_of(url)?)))
            && !triggers.iter().any(|one| one.component == app)
        {
            self.find(
                holder.line,
                &holder.at,
                format!(
                    "upstream.url is {url}, and no trigger has a component {app}: Spin answers every request for it \
                     with an empty 500",
                ),
            );
        }
        for trigger in triggers.iter().filter(|one| one.is_public) {
            let app = trigger.component;
            let (is_behind, otherwise) = match upstream {
                Some(url) => (component_of(url) == Some(app), ""),
                None => (
                    self.may_be_behind(holder, app),
                    ", or let allowed_outbound_hosts not reach it if it is no app of wx-session's",
                ),
            };
            if is_behind {
                self.find(
                    trigger.node.line,
                    &trigger.at.name("route"),
                    format!(
                        "{app} can be asked here past wx-session, with forged identity headers: write \
                         `route = {{ private = true }}`{otherwise}"
                    ),
                );
            }
        }
    }

    /// Without the document, whatever it may ask in this Spin, but for wx-session itself.
    fn may_be_behind(&self, holder: &Holder<'_>, app: &str) -> bool {
        let is_app = !app.is_empty() && !self.component(app).is_some_and(is_ours);
        is_app && holder.outbound_hosts().any(|entry| may_lead_to(entry, app))
    }

    /// Around an app: each of that app's triggers needs it.
    fn middleware(&mut self, own: &'a Entry, around: &[&Trigger<'_>], triggers: &[Trigger<'_>]) {
        let at = FieldPath::default().name("component").name(&own.name);
        self.build(&Holder::of(own), true);
        for entry in own.node.entries() {
            if RESOURCES.contains(&entry.name.as_str()) {
                self.find(
                    entry.line,
                    &at.name(&entry.name),
                    "a middleware declares no resources, and Spin refuses one that does: they are the app's",
                );
            }
        }
        for trigger in around {
            let Some((place, node)) = middleware(trigger.node, &own.name) else {
                continue;
            };
            let place = trigger
                .at
                .name("dependencies")
                .name("middleware")
                .index(place);
            let app = self.component(trigger.component).map(Holder::of);
            let Some(holder) = trigger.inline().or(app) else {
                self.find(
                    trigger.node.line,
                    &trigger.at.name("component"),
                    format!("there is no [component.{}]", trigger.component),
                );
                continue;
            };
            self.resources(&holder, Some((node, &place)));
            let past = triggers.iter().filter(|one| {
                one.component == trigger.component
                    && !one.component.is_empty()
                    && one.is_public
                    && middleware(one.node, &own.name).is_none()
            });
            for past in past {
                self.find(
                    past.node.line,
                    &past.at,
                    format!(
                        "leads to {} past {}: it needs `dependencies.middleware` too",
                        past.component, own.name
                    ),
                );
            }
        }
    }

    /// Service and middleware are two builds.
    fn build(&mut self, own: &Holder<'_>, is_middleware: bool) {
        let command = own.node.get("build").and_then(|build| build.get("command"));
        let Some((command, text)) = command.and_then(|node| Some((node, node.text()?))) else {
            return;
        };
        let has_feature = has_middleware_feature(text);
        if text.contains("wx-session-spin") && has_feature != is_middleware {
            let problem = if is_middleware {
                "builds the service: a middleware is built with `--features middleware`"
            } else {
                "builds the middleware: a service is built without `--features middleware`"
            };
            let at = own.at.name("build").name("command");
            self.find(command.line, &at, problem);
        }
    }
}

/// By the file that our build writes, or by the name that our manifests use.
fn is_ours(entry: &Entry) -> bool {
    entry.name == "wx-session" || is_of_our_build(&entry.node)
}

fn is_of_our_build(component: &Node) -> bool {
    let source = component.text_at(&["source"]);
    source.is_some_and(|path| path.contains("wx_session_spin"))
}

/// Where in a trigger's `dependencies.middleware` this component stands.
fn middleware<'a>(trigger: &'a Node, id: &str) -> Option<(usize, &'a Node)> {
    let chain = trigger.get("dependencies")?.get("middleware")?;
    let of = |node: &&Node| node.text_at(&["component"]) == Some(id);
    let mut places = chain.items().iter().enumerate();
    places.find(|(_, node)| of(node))
}

/// Whether a command of cargo turns the feature `middleware` on.
fn has_middleware_feature(command: &str) -> bool {
    let names_it = |list: &str| list.split(',').any(|feature| feature == "middleware");
    let mut before = "";
    command.split_whitespace().any(|word| {
        let is_list = ["--features", "-F"].contains(&std::mem::replace(&mut before, word));
        let joined = word.strip_prefix("--features=");
        is_list && names_it(word) || joined.is_some_and(names_it)
    })
}
