//! Patches that change what another object makes: those of an EnvoyPatchPolicy, such as `deploy/envoy-gateway/flag.yaml`,
//! and those of an EnvoyFilter that change a filter or take it out.

mod istio;
mod json;

use crate::Finding;
use crate::context::Context;
use crate::fail_open::{FAILS_OPEN, lets_in};
use crate::plugin::names_us;
use crate::tree::Node;
use json::Json;

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
    let of_istio = all("configPatches").filter_map(|patch| istio::check(context, patch));
    for own in of_json.chain(of_istio) {
        found.get_or_insert_with(Vec::new).extend(own);
    }
    found
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
