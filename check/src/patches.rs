//! Patches of an EnvoyPatchPolicy that change a filter which another object makes, such as `deploy/envoy-gateway/flag.yaml`.
//! <https://gateway.envoyproxy.io/docs/api/extension_types/#jsonpatchoperation>

use std::path::Path;

use crate::Finding;
use crate::fail_open::{FAILS_OPEN, lets_in};
use crate::plugin::names_us;
use crate::tree::{Entry, Node};

/// What is wrong in the patches of an object, or nothing if none of them is of wx-session.
pub(crate) fn check(file: &Path, object: &Node) -> Option<Vec<Finding>> {
    let named = names_us(object.at(&["metadata", "name"]).and_then(Node::text));
    let all = object.at(&["spec", "jsonPatches"])?.items();
    let operations = all.iter().filter_map(|patch| patch.get("operation"));
    let ours: Vec<&Node> = operations
        .filter(|operation| named || names_us(operation.get("jsonPath").and_then(Node::text)))
        .collect();
    if ours.is_empty() {
        return None;
    }
    let mut findings = Vec::new();
    for operation in ours {
        let Some(value) = operation.entry("value") else {
            continue;
        };
        let path = operation.get("path").and_then(Node::text);
        let field = path.and_then(|path| path.rsplit('/').next());
        // What the path names, and whatever stands in the value.
        let mut fields = vec![Entry {
            name: field.unwrap_or_default().to_owned(),
            ..value.clone()
        }];
        value
            .node
            .visit(&mut |node| fields.extend_from_slice(node.entries()));
        for entry in fields.iter().filter(|entry| lets_in(entry)) {
            findings.push(Finding {
                file: file.to_owned(),
                line: entry.line,
                field: entry.name.clone(),
                problem: FAILS_OPEN.to_owned(),
            });
        }
    }
    Some(findings)
}
