//! What switches the filter off, for a listener or for a route: Envoy takes it without a word, and what then reaches the app
//! may say of itself who it is.
//! <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/http_filters#route-based-filter-chain>

use std::path::Path;

use crate::Finding;
use crate::plugin::names_us;
use crate::tree::{Entry, Node};
use crate::wasm;

const OFF: &str = "switches the filter off: nobody needs a session there, and the client's own X-WX-OPENID reaches the app. \
                   What is to be open gets `session: public` in wx-session's own routes; a route past it needs \
                   request_headers_to_remove with x-wx-openid and all the others";

/// An action of Envoy's matchers.
const SKIP: &str = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";

/// Every place where a filter of ours is switched off.
pub(crate) fn check(file: &Path, document: &Node) -> Vec<Finding> {
    let mut filters = Vec::new();
    document.visit(&mut |node| filters.extend(Filter::of(node)));
    let mut findings = Vec::new();
    for filter in filters.iter().filter(|filter| filter.is_ours) {
        findings.extend(disabled(file, filter.node));
        findings.extend(skipped(file, filter.node));
    }
    overrides(file, document, &filters, &mut findings);
    findings
}

/// What routes, and what holds routes, say of the filters by their names.
fn overrides(file: &Path, node: &Node, filters: &[Filter<'_>], findings: &mut Vec<Finding>) {
    // On purpose: nothing that the app believes comes that way, neither here nor in what this holds.
    if takes_identity_off(node) {
        return;
    }
    // The filter may stand in another file.
    let is_ours = |name: &str| {
        let mut known = filters.iter().filter(|filter| filter.name == name);
        match known.next() {
            Some(first) => first.is_ours || known.any(|filter| filter.is_ours),
            None => names_us(Some(name)),
        }
    };
    let all = node.field("typed_per_filter_config");
    let all = all.map_or(&[][..], |all| all.node.entries()).iter();
    for entry in all.filter(|entry| is_ours(&entry.name)) {
        findings.extend(disabled(file, &entry.node));
        findings.extend(skipped(file, &entry.node));
    }
    for child in node.children() {
        overrides(file, child, filters, findings);
    }
}

/// Whether a route, or what holds routes, takes the user's name off requests.
fn takes_identity_off(node: &Node) -> bool {
    let list = node.field("request_headers_to_remove");
    let names = list.map_or(&[][..], |list| list.node.items()).iter();
    let mut names = names.filter_map(Node::text);
    names.any(|name| name.eq_ignore_ascii_case("x-wx-openid"))
}

/// What is wrong if this is of a filter of ours: `disabled` of an `HttpFilter` or of a `FilterConfig`.
pub(crate) fn disabled(file: &Path, node: &Node) -> Option<Finding> {
    node.field("disabled")
        .filter(|entry| switches_off(entry))
        .map(|entry| finding(file, entry.line, &entry.name))
}

/// Whether a field of one of them does so.
pub(crate) fn switches_off(Entry { name, node, .. }: &Entry) -> bool {
    name == "disabled" && node.is_true()
}

pub(crate) fn finding(file: &Path, line: usize, field: &str) -> Finding {
    Finding {
        file: file.to_owned(),
        line,
        field: field.to_owned(),
        problem: OFF.to_owned(),
    }
}

/// What matchers around the filter pass it over by.
fn skipped(file: &Path, node: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    node.visit(&mut |node| {
        let action = node.entry("@type");
        let skips = |entry: &&Entry| entry.node.text().is_some_and(|text| text.ends_with(SKIP));
        findings.extend(
            action
                .filter(skips)
                .map(|entry| finding(file, entry.line, "SkipFilter")),
        );
    });
    findings
}

/// An `HttpFilter`.
struct Filter<'a> {
    node: &'a Node,
    name: &'a str,
    is_ours: bool,
}

impl<'a> Filter<'a> {
    fn of(node: &'a Node) -> Option<Self> {
        let name = node.get("name").and_then(Node::text)?;
        let is_ours = if let Some(filter) = node.field_at(&["typed_config"]) {
            // A matcher may stand around it.
            let inner = filter.field_at(&["extension_config", "typed_config"]);
            let config = wasm::config(inner.unwrap_or(filter));
            config.is_some_and(wasm::is_ours)
        } else {
            node.field("config_discovery").is_some() && names_us(Some(name))
        };
        let is_filter = is_ours || node.field("typed_config").is_some();
        is_filter.then_some(Self {
            node,
            name,
            is_ours,
        })
    }
}
