//! Fields by which a Wasm filter lets everyone in when it fails, as Envoy reads them.

use crate::tree::Entry;

pub(crate) const FAILS_OPEN: &str = "lets everyone in, without a session, when the filter fails";

/// Whether a field of a `PluginConfig` is one.
/// <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/wasm/v3/wasm.proto#enum-extensions-wasm-v3-failurepolicy>
pub(crate) fn lets_in(Entry { name, node, .. }: &Entry) -> bool {
    match name.as_str() {
        "failure_policy" | "failurePolicy" => {
            // By its name, large or small, or by its number.
            node.number() == Some(3)
                || node
                    .text()
                    .is_some_and(|text| text.eq_ignore_ascii_case("FAIL_OPEN"))
        }
        "fail_open" | "failOpen" => node.is_true(),
        _ => false,
    }
}
