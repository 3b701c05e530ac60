//! A Wasm filter as Envoy has it, and whether it is wx-session. Never judges it.
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/wasm/v3/wasm.proto>

use crate::plugin::names_us;
use crate::tree::Node;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The `PluginConfig` of a Wasm filter.
pub(crate) fn config(node: &Node) -> Option<&Node> {
    let is = |name: &str| {
        node.field_at(&[name])
            .and_then(Node::text)
            .is_some_and(|text| text.ends_with(WASM))
    };
    if is("@type") {
        return node.get("config");
    }
    // As a TypedStruct.
    if is("type_url") {
        return node.at(&["value", "config"]);
    }
    None
}

/// Whether a `PluginConfig` is one of ours.
pub(crate) fn is_ours(config: &Node) -> bool {
    let code = ["vm_config", "code"];
    let places = [&["local", "filename"][..], &["remote", "http_uri", "uri"]];
    let of_code = |place: &&[&str]| {
        names_us(
            config
                .field_at(&code)
                .and_then(|code| code.field_at(place))
                .and_then(Node::text),
        )
    };
    names_us(config.text_at(&["name"])) || places.iter().any(of_code)
}
