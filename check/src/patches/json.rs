//! One operation of an EnvoyPatchPolicy.
//! <https://gateway.envoyproxy.io/docs/api/extension_types/#jsonpatchoperation>

use super::opens;
use crate::Finding;
use crate::context::Context;
use crate::http_filter::KIND;
use crate::switched_off::{self, OFF, OUT};
use crate::tree::{Entry, Node, Value};

const OVERRIDES: &str = "typed_per_filter_config";

pub(super) struct Json<'a> {
    operation: &'a Node,
    op: &'a str,
    /// What the path begins at.
    json_path: &'a str,
    path: &'a str,
}

impl<'a> Json<'a> {
    pub(super) fn of(operation: &'a Node) -> Self {
        let text = |name: &str| operation.text_at(&[name]).unwrap_or_default();
        Self {
            operation,
            op: text("op"),
            json_path: text("jsonPath"),
            path: text("path"),
        }
    }

    pub(super) fn check(
        &self,
        context: Context<'_>,
        named: bool,
        all: &[Self],
    ) -> Option<Vec<Finding>> {
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
        if !is_entry {
            return None;
        }
        if place.contains(OVERRIDES) {
            return is_remove.then_some(OFF);
        }
        let value = self.operation.get("value");
        let has_ours = value.is_some_and(|value| context.known.has_ours(value));
        let is_gone = is_remove || self.op == "replace" && !has_ours;
        (place.contains("http_filters") && is_gone).then_some(OUT)
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
