//! Patches that change what another object makes: those of an EnvoyPatchPolicy, such as `deploy/envoy-gateway/flag.yaml`,
//! and those of an EnvoyFilter that are merged into a filter.
//! <https://gateway.envoyproxy.io/docs/api/extension_types/#jsonpatchoperation>
//! <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>

use crate::around::Around;
use crate::fail_open::{FAILS_OPEN, lets_in};
use crate::http_filter::disabled;
use crate::plugin::names_us;
use crate::tree::{Entry, Node, Value};
use crate::{Finding, switched_off};

/// What is wrong in the patches of an object, or nothing if none of them is of wx-session.
pub(crate) fn check(around: Around<'_>, object: &Node) -> Option<Vec<Finding>> {
    let named = names_us(object.at(&["metadata", "name"]).and_then(Node::text));
    let spec = object.get("spec")?;
    let all = |name: &str| spec.get(name).map_or(&[][..], Node::items).iter();
    let json = all("jsonPatches").filter_map(|patch| patch.get("operation").map(json));
    let merged = all("configPatches").filter_map(merged);
    let mut found: Option<Vec<Finding>> = None;
    for patch in json.chain(merged) {
        // A route names the filter in the value alone.
        let value = Value::Table(vec![patch.change.clone()]);
        let line = patch.change.line;
        let overrides = switched_off::check(around, &Node { line, value });
        if named || patch.names_us || overrides.is_some() {
            let found = found.get_or_insert_with(Vec::new);
            found.extend(overrides.unwrap_or_default());
            found.extend(patch.check(around));
        }
    }
    found
}

struct Patch {
    /// Whether what it changes is called as we are.
    names_us: bool,
    /// Its value, under the name of the field that it goes to.
    change: Entry,
}

/// One operation of an EnvoyPatchPolicy.
fn json(operation: &Node) -> Patch {
    let text = |name: &str| operation.get(name).and_then(Node::text);
    let path = text("path").unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let change = match operation.entry("value") {
        Some(value) => Entry {
            name,
            ..value.clone()
        },
        None => Entry {
            name,
            line: operation.line,
            node: Node {
                line: operation.line,
                value: Value::Null,
            },
        },
    };
    Patch {
        names_us: names_us(text("jsonPath")) || names_us(Some(path)),
        change,
    }
}

/// What an EnvoyFilter merges into a filter of ours. What it adds is whole, and judged where it stands; what it inserts
/// beside one of ours is another.
fn merged(patch: &Node) -> Option<Patch> {
    let operation = patch.at(&["patch", "operation"]).and_then(Node::text);
    let value = patch.get("patch")?.entry("value")?;
    let mut names = names_us(value.node.get("name").and_then(Node::text));
    if let Some(place) = patch.get("match") {
        place.visit(&mut |node| names |= names_us(node.text()));
    }
    (names && operation == Some("MERGE")).then(|| Patch {
        names_us: true,
        change: value.clone(),
    })
}

impl Patch {
    fn check(&self, around: Around<'_>) -> Vec<Finding> {
        // What the path names, and whatever stands in the value.
        let mut fields = vec![&self.change];
        self.change
            .node
            .visit(&mut |node| fields.extend(node.entries()));
        let open = fields.into_iter().filter(|entry| lets_in(entry));
        let mut findings: Vec<Finding> = open
            .map(|entry| Finding {
                file: around.file.to_owned(),
                line: entry.line,
                field: entry.name.clone(),
                problem: FAILS_OPEN.to_owned(),
            })
            .collect();
        let off =
            Some(&self.change).filter(|entry| entry.name == "disabled" && entry.node.is_true());
        let off = off.or_else(|| disabled(&self.change.node).filter(|_| self.names_us));
        findings.extend(off.map(|entry| {
            switched_off::finding(around, entry.line, &entry.name, switched_off::OFF)
        }));
        findings
    }
}
