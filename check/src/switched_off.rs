//! What switches the filter off, for a listener or for a route: Envoy takes it without a word, and what then reaches the app
//! may say of itself who it is.
//! <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/http_filters#route-based-filter-chain>

use crate::Finding;
use crate::context::Context;
use crate::http_filter::{HttpFilter, disabled, overrides};
use crate::tree::{Entry, Node};

/// Of a route.
pub(crate) const OFF: &str = "switches the filter off";
/// Of the filter as a whole, by a patch.
pub(crate) const OUT: &str = "takes the filter out";
/// Of the filter's own `disabled`.
pub(crate) const AT_FIRST: &str = "switches the filter off, unless a route enables it";

/// An action of Envoy's matchers.
const SKIP: &str = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";

/// Every place where a filter of ours is switched off, or nothing if no filter of ours is named.
pub(crate) fn check(context: Context<'_>, document: &Node) -> Option<Vec<Finding>> {
    let known = context.known;
    let mut is_named = false;
    let mut findings = Vec::new();
    document.visit(&mut |node| {
        is_named |= overrides(node).any(|entry| known.is_ours(&entry.name));
        let Some(filter) = HttpFilter::of(node).filter(|filter| filter.is_ours) else {
            return;
        };
        is_named = true;
        // Off at first, and on for some routes, is a way to have it.
        let off = disabled(node).filter(|_| !known.is_enabled(filter.name));
        findings.extend(off.map(|entry| finding(context, entry.line, &entry.name, AT_FIRST)));
        findings.extend(optional(context, node));
        findings.extend(skipped(context, node));
    });
    of_routes(context, document, &mut findings);
    is_named.then_some(findings)
}

/// What routes, and what holds routes, say of ours.
fn of_routes(context: Context<'_>, node: &Node, findings: &mut Vec<Finding>) {
    let has = |name: &str| node.field(name).is_some();
    // No request gets to the app, or, on purpose, none with anything that it believes: neither here nor in what this holds.
    let removed = node.field("request_headers_to_remove");
    if has("direct_response")
        || has("redirect")
        || removed.is_some_and(|list| has_identity(context, &list.node))
    {
        return;
    }
    for entry in overrides(node).filter(|entry| context.known.is_ours(&entry.name)) {
        let off = disabled(&entry.node);
        findings.extend(off.map(|entry| finding(context, entry.line, &entry.name, OFF)));
        findings.extend(skipped(context, &entry.node));
    }
    for child in node.children() {
        of_routes(context, child, findings);
    }
}

/// Whether the header with the user is among these.
pub(crate) fn has_identity(context: Context<'_>, headers: &Node) -> bool {
    let openid = context.known.openid();
    let mut found = false;
    headers.visit(&mut |node| {
        let is = |text: &str| openid.iter().any(|name| name.eq_ignore_ascii_case(text));
        found |= node.text().is_some_and(is);
    });
    found
}

pub(crate) fn finding(context: Context<'_>, line: usize, field: &str, what: &str) -> Finding {
    let name = context.known.openid().join(" or ");
    let other = name.to_ascii_lowercase().replace('-', "_");
    let problem = format!(
        "{what}: nobody needs a session there, and the client's own {name} reaches the app. What is to be open gets \
         `session: public` in wx-session's own routes. A route past it leads only to handlers that read no such header, \
         or has request_headers_to_remove with it and all the others, in each spelling that the app reads as the same \
         ({other}): Envoy removes exact names"
    );
    Finding::new(context.file, line, field, problem)
}

/// That Envoy may do without the filter: not one that is asked for by `config_discovery`, whose kind it must know.
/// <https://github.com/envoyproxy/envoy/blob/main/source/common/http/filter_chain_helper.h>
fn optional(context: Context<'_>, filter: &Node) -> Option<Finding> {
    let optional = filter.field("is_optional")?;
    let problem = "lets everyone in, without a session, where Envoy is built without Wasm: it passes the filter over";
    let is_whole = filter.field("typed_config").is_some();
    (is_whole && optional.node.is_true())
        .then(|| Finding::new(context.file, optional.line, &optional.name, problem))
}

/// What matchers around the filter pass it over by.
fn skipped(context: Context<'_>, node: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    node.visit(&mut |node| {
        let action = node.entry("@type");
        let skips = |entry: &&Entry| entry.node.text().is_some_and(|text| text.ends_with(SKIP));
        findings.extend(
            action
                .filter(skips)
                .map(|entry| finding(context, entry.line, "SkipFilter", OFF)),
        );
    });
    findings
}
