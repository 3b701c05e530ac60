//! Lists of what Envoy may call in the module: Envoy passes over a callback that is not in one, without a word.
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/wasm/v3/wasm.proto#extensions-wasm-v3-capabilityrestrictionconfig>

use std::path::Path;

use crate::Finding;
use crate::document::Document;
use crate::tree::Node;

const OPEN: &str = "the app is open";
const HANGS: &str = "what waits is never answered";

/// What the module exports, and what comes of it where that is never called.
const CALLBACKS: [(&str, &str); 9] = [
    ("proxy_on_configure", OPEN),
    ("proxy_on_context_create", "every request fails"),
    ("proxy_on_delete", "what a request takes is never freed"),
    ("proxy_on_http_call_response", HANGS),
    ("proxy_on_request_body", OPEN),
    ("proxy_on_request_headers", OPEN),
    ("proxy_on_request_trailers", OPEN),
    (
        "proxy_on_response_headers",
        "clients do not get the token of a login on the way",
    ),
    ("proxy_on_tick", HANGS),
];

/// As well, where answers of WeChat's are looked at.
const OF_ANSWERS: (&str, &str) = (
    "proxy_on_response_body",
    "with wechat_api nobody notices that a token is dead",
);

/// What a list of a `PluginConfig` lacks. `document`: wx-session's own in it.
pub(crate) fn check(file: &Path, config: &Node, document: Option<&Node>) -> Vec<Finding> {
    let name = "capability_restriction_config";
    let vm = config.field_at(&["vm_config"]);
    let places = [vm.and_then(|vm| vm.field(name)), config.field(name)];
    // As it is judged: it may be a text.
    let serves_api = document
        .map(Document::at)
        .is_some_and(|own| own.tree().get("wechat_api").is_some());
    let mut findings = Vec::new();
    for entry in places.into_iter().flatten() {
        let Some(allowed) = entry.node.field_at(&["allowed_capabilities"]) else {
            continue;
        };
        // An empty list restricts nothing.
        if allowed.entries().is_empty() {
            continue;
        }
        let of_answers = Some(&OF_ANSWERS).filter(|_| serves_api);
        for (callback, consequence) in CALLBACKS.iter().chain(of_answers) {
            if allowed.get(callback).is_none() {
                let problem = format!(
                    "lacks {callback}: Envoy never calls the filter there, and {consequence}"
                );
                let field = format!("{name}.allowed_capabilities");
                findings.push(Finding::new(file, entry.line, field, problem));
            }
        }
    }
    findings
}
