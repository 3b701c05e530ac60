//! Patches that open the filter, or take it out: in an EnvoyPatchPolicy, in an EnvoyFilter.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use support::files::{ENVOY_FILTER, FILTER_CONFIG as TYPE, findings, one, only, text};

const OFF: &str = "switches the filter off: ";
const OUT: &str = "takes the filter out: ";
const FLAG: &str = "deploy/envoy-gateway/flag.yaml";
/// As Envoy Gateway calls them.
const OURS: &str = "envoy.filters.http.wasm/envoyextensionpolicy/default/wx-session/wasm/0";
const OTHER: &str = "envoy.filters.http.wasm/envoyextensionpolicy/default/other/wasm/0";
const ROUTE: &str = "/virtual_hosts/0/routes/0";

/// An EnvoyPatchPolicy.
fn policy(name: &str, operations: &[String]) -> String {
    let mut text =
        format!("kind: EnvoyPatchPolicy\nmetadata: {{ name: {name} }}\nspec:\n  jsonPatches:\n");
    for operation in operations {
        text += &format!("    - operation: {{ {operation} }}\n");
    }
    text
}

fn escaped(name: &str) -> String {
    name.replace('/', "~1")
}

#[test]
fn a_patch_that_switches_the_filter_off_for_routes_of_envoy_gateway_is_found() {
    let host = "/virtual_hosts/0/typed_per_filter_config";
    let (ours, other) = (escaped(OURS), escaped(OTHER));
    for operation in [
        format!("op: add, path: {host}, value: {{ {OURS}: {{ {TYPE}, disabled: true }} }}"),
        format!("op: add, path: {host}/{ours}, value: {{ {TYPE}, disabled: true }}"),
        format!("op: add, path: {host}/{ours}/disabled, value: true"),
        // What enables it is taken away.
        format!("op: remove, path: {ROUTE}/typed_per_filter_config/{ours}"),
        format!("op: remove, jsonPath: '..routes[0].typed_per_filter_config', path: /{ours}"),
        format!("op: remove, path: {ROUTE}/typed_per_filter_config"),
        "op: remove, jsonPath: '..routes[0].typed_per_filter_config'".to_owned(),
        format!("op: replace, path: {ROUTE}/typed_per_filter_config, value: {{ {OTHER}: {{}} }}"),
    ] {
        only(&policy("routes", &[operation]), OFF);
    }
    for operation in [
        format!("op: remove, path: {ROUTE}/typed_per_filter_config/{other}"),
        format!("op: remove, path: {ROUTE}/typed_per_filter_config/{ours}/disabled"),
        format!(
            "op: add, path: {ROUTE}/typed_per_filter_config/{ours}, value: {{ {TYPE}, config: {{}} }}"
        ),
        format!(
            "op: replace, path: {ROUTE}/typed_per_filter_config, value: {{ {OURS}: {{ {TYPE}, config: {{}} }} }}"
        ),
    ] {
        let policy = policy("wx-session", &[operation]);
        assert_eq!(findings("part.yaml", &policy), [""; 0], "{policy}");
    }
}

#[test]
fn a_route_of_envoy_gateway_past_the_filter_that_takes_the_identity_off_is_right() {
    let off = format!(
        "op: remove, path: {ROUTE}/typed_per_filter_config/{}",
        escaped(OURS)
    );
    let removes = |operation: &str| {
        let patches = [off.clone(), format!("op: add, path: {operation}")];
        policy("routes", &patches)
    };
    for right in [
        format!("{ROUTE}/request_headers_to_remove, value: [x-wx-openid]"),
        format!("{ROUTE}/request_headers_to_remove/-, value: x-wx-openid"),
    ] {
        assert_eq!(findings("part.yaml", &removes(&right)), [""; 0], "{right}");
    }
    for wrong in [
        format!("{ROUTE}/request_headers_to_remove, value: [x-other]"),
        "/virtual_hosts/0/routes/1/request_headers_to_remove, value: [x-wx-openid]".to_owned(),
    ] {
        only(&removes(&wrong), OFF);
    }
}

#[test]
fn a_filter_of_envoy_gateway_is_made_disabled() {
    let patch = "path: /failure_policy\n        value: FAIL_RELOAD";
    assert!(text(FLAG).contains(patch));
    for right in [
        "path: /disabled\n        value: true",
        "path: \"\"\n        value: { disabled: true }",
    ] {
        let changed = text(FLAG).replacen(patch, right, 1);
        assert_eq!(findings("part.yaml", &changed), [""; 0], "{right}");
    }
}

#[test]
fn a_patch_that_takes_the_filter_out_is_found() {
    let filter = |name: &str| format!("jsonPath: \"..http_filters[?(@.name=='{name}')]\"");
    for path in ["", ", path: ''"] {
        let remove = format!("op: remove, {}{path}", filter(OURS));
        only(&policy("more", &[remove]), OUT);
    }
    for right in [
        format!("op: remove, {}", filter(OTHER)),
        format!(
            "op: remove, {}, path: /typed_config/config/fail_open",
            filter(OURS)
        ),
        format!("op: test, {}, path: ''", filter(OURS)),
    ] {
        let policy = policy("wx-session", &[right]);
        assert_eq!(findings("part.yaml", &policy), [""; 0], "{policy}");
    }
}

#[test]
fn a_patch_that_puts_another_filter_in_the_place_of_ours_is_found() {
    let replace = |value: &str| {
        let filter = format!("jsonPath: \"..http_filters[?(@.name=='{OURS}')]\"");
        policy(
            "more",
            &[format!("op: replace, {filter}, value: {{ {value} }}")],
        )
    };
    let istio = |value: &str| {
        let ours = "istio-system.wx-session";
        let filter = format!("filter: {{ name: hcm, subFilter: {{ name: {ours} }} }}");
        format!(
            "kind: EnvoyFilter\nmetadata: {{ name: more }}\nspec:\n  configPatches:\n    - applyTo: HTTP_FILTER\n      \
             match: {{ listener: {{ filterChain: {{ {filter} }} }} }}\n      patch: {{ operation: REPLACE, value: {{ \
             {value} }} }}\n"
        )
    };
    let lua =
        "typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua }";
    for other in ["other", OURS] {
        only(&replace(&format!("name: {other}, {lua}")), OUT);
    }
    for other in ["other", "istio-system.wx-session"] {
        only(&istio(&format!("name: {other}, {lua}")), OUT);
    }
    // Another version of ours.
    let shipped = text(ENVOY_FILTER);
    for name in ["istio-system.wx-session", "login"] {
        let asks = format!("name: {name}, config_discovery: {{}}");
        let added = shipped.replace("name: istio-system.wx-session", &format!("name: {name}"));
        for right in [replace(&asks), istio(&asks)] {
            let both = format!("{added}---\n{right}");
            assert_eq!(findings("part.yaml", &both), [""; 0], "{right}");
        }
    }
}

#[test]
fn a_patch_of_another_filter_is_not_of_ours() {
    let open = "value: FAIL_OPEN";
    let other = format!("jsonPath: \"..http_filters[?(@.name=='{OTHER}')].typed_config.config\"");
    let auth = "envoy.filters.http.ext_authz/securitypolicy/default/wx-session";
    let auth = format!("jsonPath: \"..http_filters[?(@.name=='{auth}')]\"");
    for right in [
        format!("op: add, {other}, path: /failure_policy, {open}"),
        format!("op: add, {auth}, path: /fail_open, value: true"),
        format!("op: remove, {auth}"),
        "op: add, jsonPath: \"..http_filters[?(@.name=='envoy.filters.http.cors')]\", path: /disabled, value: true".to_owned(),
        "op: add, path: /access_log/0, value: { disabled: true }".to_owned(),
    ] {
        let policy = policy("wx-session", &[right]);
        assert_eq!(findings("part.yaml", &policy), [""; 0], "{policy}");
    }
    // By its number alone, it is whose name the policy has.
    let first =
        format!("op: add, path: /http_filters/0/typed_config/config/failure_policy, {open}");
    only(
        &policy("wx-session", &[first]),
        "failure_policy: lets everyone in",
    );
}

#[test]
fn a_patch_of_istio_that_opens_the_filter_is_found() {
    let patch = |name: &str, operation: &str, value: &str| {
        format!(
            "kind: EnvoyFilter\nmetadata: {{ name: more }}\nspec:\n  configPatches:\n    - applyTo: HTTP_FILTER\n      \
             match: {{ listener: {{ filterChain: {{ filter: {{ name: hcm, subFilter: {{ name: {name} }} }} }} }} }}\n      \
             patch:\n        operation: {operation}\n        value: {value}\n"
        )
    };
    let ours = "istio-system.wx-session";
    only(
        &patch(ours, "MERGE", "{ disabled: true }"),
        "switches the filter off, unless a route enables it: ",
    );
    only(&patch(ours, "REMOVE", "{}"), OUT);
    only(
        &patch(
            ours,
            "MERGE",
            "{ typed_config: { config: { failure_policy: FAIL_OPEN } } }",
        ),
        "failure_policy: lets everyone in",
    );
    assert_eq!(
        findings("part.yaml", &patch(ours, "MERGE", "{ disabled: false }")),
        [""; 0]
    );
    // What else in `match` is called as we are says nothing.
    let listener = patch("cors", "MERGE", "{ disabled: true }")
        .replace("listener: { ", "listener: { name: wx-session, ");
    assert!(listener.contains("name: wx-session"));
    // Another filter beside ours, and another one's own settings.
    let both = |more: &str| text(ENVOY_FILTER) + "---\n" + more;
    let cors = "{ name: cors, disabled: true, typed_config: { \"@type\": Cors } }";
    for right in [
        patch(ours, "INSERT_BEFORE", cors),
        patch("cors", "MERGE", "{ disabled: true }"),
        patch("cors", "REMOVE", "{}"),
        listener,
    ] {
        assert_eq!(findings("part.yaml", &both(&right)), [""; 0], "{right}");
    }
}

#[test]
fn an_extension_config_that_istio_passes_over_is_found() {
    let passed_over = "operation: does nothing: of the patches of an EXTENSION_CONFIG";
    let add = "operation: ADD\n";
    for other in ["MERGE", "REPLACE", "INSERT_FIRST"] {
        let new = format!("operation: {other}");
        one(ENVOY_FILTER, add.trim(), &new, passed_over);
    }
    // Beside the one that is added.
    let more = |name: &str, config: &str| {
        let value = format!(
            "{{ name: {name}, typed_config: {{ \"@type\": type.googleapis.com/{config} }} }}"
        );
        text(ENVOY_FILTER)
            + &format!(
                "    - applyTo: EXTENSION_CONFIG\n      patch: {{ operation: MERGE, value: {value} }}\n"
            )
    };
    let wasm =
        "envoy.extensions.filters.http.wasm.v3.Wasm, config: { failure_policy: FAIL_RELOAD }";
    let both = more("istio-system.wx-session", wasm);
    only(&both, passed_over);
    // Alone, where its name says whose it is.
    let patch = both.lines().rev().take(2).collect::<Vec<_>>();
    let (head, _) = both.split_once("    # The filter itself").unwrap();
    only(&format!("{head}{}\n{}\n", patch[1], patch[0]), passed_over);
    let lua = "envoy.extensions.filters.http.lua.v3.Lua";
    for other in [more("istio-system.cors", wasm), more("wx-session-lua", lua)] {
        assert_eq!(findings("part.yaml", &other), [""; 0], "{other}");
    }
}

#[test]
fn an_extension_config_that_no_filter_asks_for_is_found() {
    let nobody = "name: no HTTP_FILTER of this file asks for istio-system.wx-session";
    let shipped = text(ENVOY_FILTER);
    let (alone, place) = shipped.split_once("    # Its place").unwrap();
    only(alone, nobody);
    let place = format!("    # Its place{place}");
    for (old, new) in [
        ("name: istio-system.wx-session", "name: istio-system.wx"),
        ("config_discovery", "other"),
        ("operation: INSERT_FIRST", "operation: MERGE"),
        ("operation: INSERT_FIRST", "operation: REMOVE"),
    ] {
        assert!(place.contains(old), "{old}");
        only(&(alone.to_owned() + &place.replacen(old, new, 1)), nobody);
    }
    // In another object of the file, in a whole connection manager, in camel case.
    let head = &shipped[..shipped.find("    # The filter itself").unwrap()];
    let manager = "    - applyTo: NETWORK_FILTER\n      patch: { operation: MERGE, value: { typed_config: { http_filters: [ { \
                   name: istio-system.wx-session, configDiscovery: {} } ] } } }\n";
    for right in [
        format!("{alone}---\n{head}{place}"),
        format!("{alone}{manager}"),
    ] {
        assert_eq!(findings("part.yaml", &right), [""; 0], "{right}");
    }
}
