//! One patch of an EnvoyFilter.
//! <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>

use super::opens;
use crate::Finding;
use crate::context::Context;
use crate::http_filter::disabled;
use crate::switched_off::{self, AT_FIRST, OUT};
use crate::tree::{Entry, Node};

/// What it does to a filter of ours. What it adds is whole, and judged where it stands; what it inserts beside one of ours
/// is another.
pub(super) fn check(context: Context<'_>, patch: &Node) -> Option<Vec<Finding>> {
    let operation = patch.at(&["patch"])?.entry("operation")?;
    let value = patch.at(&["patch", "value"]);
    if patch.field_at(&["apply_to"])?.text()? == "EXTENSION_CONFIG" {
        return of_extension(context, operation, value?);
    }
    let filter = ["match", "listener", "filter_chain", "filter"];
    let name = patch.field_at(&filter)?.field_at(&["sub_filter", "name"])?;
    let name = name.text()?;
    if !context.known.is_ours(name) {
        return None;
    }
    match operation.node.text()? {
        "REPLACE" if value.is_some_and(|own| context.known.has_ours(own)) => None,
        "REMOVE" | "REPLACE" => {
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

/// What filters are handed that ask Istio for it by its name.
fn of_extension(context: Context<'_>, operation: &Entry, value: &Node) -> Option<Vec<Finding>> {
    let known = context.known;
    let name = value.entry("name")?;
    let text = name.node.text().filter(|name| known.is_ours(name))?;
    let (place, problem) = if operation.node.text()? != "ADD" {
        let problem = "does nothing: of the patches of an EXTENSION_CONFIG, Istio takes those that ADD one, and passes over \
                       all others without a word";
        (operation, problem.to_owned())
    } else if !known.is_asked_for(text) {
        let problem = format!(
            "no HTTP_FILTER of this file asks for {text} by its config_discovery: unless another file does, it is in no \
             filter chain, and the app is open"
        );
        (name, problem)
    } else {
        return None;
    };
    let found = Finding::new(context.file, place.line, &place.name, problem);
    Some(vec![found])
}
