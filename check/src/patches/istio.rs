//! One patch of an EnvoyFilter.
//! <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>

use super::opens;
use crate::Finding;
use crate::context::Context;
use crate::http_filter::disabled;
use crate::switched_off::{self, AT_FIRST, OUT};
use crate::tree::Node;

/// What it does to a filter of ours. What it adds is whole, and judged where it stands; what it inserts beside one of ours
/// is another.
pub(super) fn check(context: Context<'_>, patch: &Node) -> Option<Vec<Finding>> {
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
