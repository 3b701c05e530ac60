//! An `HttpFilter` of Envoy, what routes say of one, and whether it is wx-session. Never judges it.

use crate::plugin::names_us;
use crate::tree::{Entry, Node};
use crate::wasm;

/// What the names of filters begin with where Envoy Gateway gives them.
pub(crate) const KIND: &str = "envoy.filters.http.";

pub(crate) struct HttpFilter<'a> {
    pub(crate) name: &'a str,
    pub(crate) is_ours: bool,
}

impl<'a> HttpFilter<'a> {
    pub(crate) fn of(node: &'a Node) -> Option<Self> {
        let name = node.text_at(&["name"])?;
        let is_ours = if let Some(filter) = node.field_at(&["typed_config"]) {
            // A matcher may stand around it.
            let inner = filter.field_at(&["extension_config", "typed_config"]);
            let config = wasm::config(inner.unwrap_or(filter));
            // A part, of a patch, need not say whose it is.
            let is_unnamed = |config| wasm::names(config).next().is_none() && names_us(Some(name));
            config.is_some_and(|config| wasm::is_ours(config) || is_unnamed(config))
        } else {
            node.field("config_discovery").is_some() && names_us(Some(name))
        };
        let is_filter = is_ours || node.field("typed_config").is_some();
        is_filter.then_some(Self { name, is_ours })
    }
}

/// What a route, or what holds routes, says of filters by their names.
pub(crate) fn overrides(node: &Node) -> impl Iterator<Item = &Entry> {
    let all = node.field("typed_per_filter_config");
    all.map_or(&[][..], |all| all.node.entries()).iter()
}

/// The `disabled` of an `HttpFilter` or of a `FilterConfig`, if it is set.
pub(crate) fn disabled(node: &Node) -> Option<&Entry> {
    node.field("disabled").filter(|entry| entry.node.is_true())
}
