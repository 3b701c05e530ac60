//! Patches that change what another object makes: those of an EnvoyPatchPolicy, such as `deploy/envoy-gateway/flag.yaml`,
//! and those of an EnvoyFilter that change a filter or take it out.
//! <https://gateway.envoyproxy.io/docs/api/extension_types/#jsonpatchoperation>
//! <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>

use crate::Finding;
use crate::context::Context;
use crate::fail_open::{FAILS_OPEN, lets_in};
use crate::http_filter::{KIND, disabled};
use crate::plugin::names_us;
use crate::switched_off::{self, AT_FIRST, OFF, OUT};
use crate::tree::{Entry, Node, Value};

const OVERRIDES: &str = "typed_per_filter_config";

/// What is wrong in the patches of an object, or nothing if none of them is of wx-session.
pub(crate) fn check(context: Context<'_>, object: &Node) -> Option<Vec<Finding>> {
    let named = names_us(object.text_at(&["metadata", "name"]));
    let spec = object.get("spec")?;
    let all = |name: &str| spec.get(name).map_or(&[][..], Node::items).iter();
    let json: Vec<Json<'_>> = all("jsonPatches")
        .filter_map(|patch| patch.get("operation").map(Json::of))
        .collect();
    let mut found = (named && !json.is_empty()).then(Vec::new);
    let of_json = json
        .iter()
        .filter_map(|one| one.check(context, named, &json));
    for own in of_json.chain(all("configPatches").filter_map(|patch| of_istio(context, patch))) {
        found.get_or_insert_with(Vec::new).extend(own);
    }
    found
}

/// One operation of an EnvoyPatchPolicy.
struct Json<'a> {
    operation: &'a Node,
    op: &'a str,
    /// What the path begins at.
    json_path: &'a str,
    path: &'a str,
}

impl<'a> Json<'a> {
    fn of(operation: &'a Node) -> Self {
        let text = |name: &str| operation.text_at(&[name]).unwrap_or_default();
        Self {
            operation,
            op: text("op"),
            json_path: text("jsonPath"),
            path: text("path"),
        }
    }

    fn check(&self, context: Context<'_>, named: bool, all: &[Self]) -> Option<Vec<Finding>> {
        let change = self.change();
        let overrides = change
            .as_ref()
            .and_then(|change| switched_off::check(context, change));
        // The policy's own name says whose it is only where the patch names no filter.
        let unnamed = !self.json_path.contains(KIND) && !self.path.contains(KIND);
        let is_ours = self.names_ours(context) || (named && unnamed);
        let removal = self.removal(context);
        if !is_ours && overrides.is_none() && removal.is_none() {
            return None;
        }
        let mut findings = Vec::new();
        if !self.is_without_identity(context, all) {
            let op = self.operation.entry("op");
            let line = op.map_or(self.operation.line, |op| op.line);
            findings.extend(removal.map(|what| switched_off::finding(context, line, "op", what)));
            findings.extend(overrides.unwrap_or_default());
        }
        // Not that it is `disabled`: so Envoy Gateway makes every Wasm filter, and each route enables it.
        if let Some(change) = change.filter(|_| is_ours) {
            findings.extend(opens(context, &change));
        }
        Some(findings)
    }

    /// Its value, under all the names of its path.
    fn change(&self) -> Option<Node> {
        let value = self.operation.entry("value")?;
        let mut node = value.node.clone();
        for name in self.names().rev().filter(|name| !name.is_empty()) {
            let line = value.line;
            let entry = Entry { name, line, node };
            node = Node {
                line,
                value: Value::Table(vec![entry]),
            };
        }
        Some(node)
    }

    /// <https://www.rfc-editor.org/rfc/rfc6901#section-3>
    fn names(&self) -> impl DoubleEndedIterator<Item = String> {
        let names = self.path.split('/');
        names.map(|name| name.replace("~1", "/").replace("~0", "~"))
    }

    fn names_ours(&self, context: Context<'_>) -> bool {
        let mut picked = self.json_path.split(['\'', '"']);
        picked.any(|name| context.known.is_ours(name))
            || self.names().any(|name| context.known.is_ours(&name))
    }

    /// What it means if it takes out a filter of ours, or what enables one on a route of Envoy Gateway.
    fn removal(&self, context: Context<'_>) -> Option<&'static str> {
        let place = format!("{}{}", self.json_path, self.path);
        let is_remove = self.op == "remove";
        if place.contains("routes") && place.ends_with(OVERRIDES) {
            let value = self.operation.get("value");
            let names_ours = |value: &Node| {
                let mut names = value.entries().iter().map(|entry| &entry.name);
                names.any(|name| context.known.is_ours(name))
            };
            let is_replaced = self.op == "replace" && !value.is_some_and(names_ours);
            return (is_remove || is_replaced).then_some(OFF);
        }
        let last = self.names().next_back().unwrap_or_default();
        let is_entry = if last.is_empty() {
            self.json_path.ends_with(']') && self.names_ours(context)
        } else {
            context.known.is_ours(&last)
        };
        if !is_remove || !is_entry {
            return None;
        }
        if place.contains(OVERRIDES) {
            return Some(OFF);
        }
        place.contains("http_filters").then_some(OUT)
    }

    /// Whether another operation takes the user's name off the route that this one is of.
    fn is_without_identity(&self, context: Context<'_>, all: &[Self]) -> bool {
        let route = |one: &Self, name: &str| {
            let (route, _) = one.path.split_once(name)?;
            Some((one.json_path.to_owned(), route.to_owned()))
        };
        let Some(own) = route(self, OVERRIDES) else {
            return false;
        };
        all.iter().any(|other| {
            route(other, "request_headers_to_remove").is_some_and(|other| other == own)
                && other
                    .operation
                    .get("value")
                    .is_some_and(|names| switched_off::has_identity(context, names))
        })
    }
}

/// What an EnvoyFilter does to a filter of ours. What it adds is whole, and judged where it stands; what it inserts
/// beside one of ours is another.
fn of_istio(context: Context<'_>, patch: &Node) -> Option<Vec<Finding>> {
    let operation = patch.at(&["patch"])?.entry("operation")?;
    let value = patch.at(&["patch", "value"]);
    let name = match patch.field_at(&["apply_to"])?.text()? {
        "EXTENSION_CONFIG" => value?.get("name")?,
        _ => patch.field_at(&[
            "match",
            "listener",
            "filter_chain",
            "filter",
            "sub_filter",
            "name",
        ])?,
    };
    let name = name.text()?;
    if !context.known.is_ours(name) {
        return None;
    }
    match operation.node.text()? {
        "REMOVE" => {
            let found = switched_off::finding(context, operation.line, &operation.name, OUT);
            Some(vec![found])
        }
        "MERGE" => {
            let mut findings = opens(context, value?);
            let off = disabled(value?).filter(|_| !context.known.is_enabled(name));
            findings.extend(
                off.map(|entry| switched_off::finding(context, entry.line, &entry.name, AT_FIRST)),
            );
            Some(findings)
        }
        _ => None,
    }
}

/// Every field in it by which a filter lets everyone in.
fn opens(context: Context<'_>, change: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    change.visit(&mut |node| {
        let open = node.entries().iter().filter(|entry| lets_in(entry));
        findings.extend(
            open.map(|entry| Finding::new(context.file, entry.line, &entry.name, FAILS_OPEN)),
        );
    });
    findings
}
