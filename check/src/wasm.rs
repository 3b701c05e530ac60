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
    names(config).any(|name| names_us(Some(name)))
}

/// What a `PluginConfig`, or a part of one, is called, and its module.
pub(crate) fn names(config: &Node) -> impl Iterator<Item = &str> {
    let code = config.field_at(&["vm_config", "code"]);
    let places = [&["local", "filename"][..], &["remote", "http_uri", "uri"]];
    let of_code = places
        .into_iter()
        .filter_map(move |place| code?.field_at(place)?.text());
    config.text_at(&["name"]).into_iter().chain(of_code)
}
