//! What switches the filter off in Envoy's own words, for a listener or a route.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use support::files::{ENVOY, ENVOY_FILTER, FILTER_CONFIG as TYPE, findings, one, only, text};

const OFF: &str = "disabled: switches the filter off";

#[test]
fn a_filter_that_is_off_is_found() {
    let filter = "- name: wx-session\n";
    for off in ["true", "yes", "\"true\""] {
        let new = format!("{filter}                    disabled: {off}");
        one(ENVOY, "- name: wx-session", &new, OFF);
    }
    for on in ["false", "\"false\"", "null"] {
        let new = format!("{filter}                    disabled: {on}\n");
        let changed = text(ENVOY).replacen(filter, &new, 1);
        assert_eq!(findings(ENVOY, &changed), [""; 0], "{on}");
    }
    // Under another name, and the settings of another filter.
    let renamed = text(ENVOY).replacen(
        filter,
        "- name: login\n                    disabled: true\n",
        1,
    );
    assert_eq!(findings(ENVOY, &renamed).len(), 1);
    let other = "- name: envoy.filters.http.header_mutation\n";
    let off = format!("{other}                    disabled: true\n");
    let changed = text(ENVOY).replacen(other, &off, 1);
    assert_eq!(findings(ENVOY, &changed), [""; 0]);
    // Where Istio's agent brings the filter itself.
    one(
        ENVOY_FILTER,
        "type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]",
        "type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]\n          disabled: true",
        OFF,
    );
}

#[test]
fn a_filter_that_envoy_may_do_without_is_found() {
    let filter = "- name: wx-session\n";
    for (optional, number) in [
        ("is_optional: true", 1),
        ("isOptional: yes", 1),
        ("is_optional: false", 0),
    ] {
        let new = format!("{filter}                    {optional}\n");
        let found = findings(ENVOY, &text(ENVOY).replacen(filter, &new, 1));
        assert_eq!(found.len(), number, "{optional}: {found:#?}");
        assert!(found.iter().all(|one| one.contains("lets everyone in")));
    }
    // Envoy does not look at it there.
    let asks = "          config_discovery:\n";
    let optional = format!("          is_optional: true\n{asks}");
    let changed = text(ENVOY_FILTER).replacen(asks, &optional, 1);
    assert!(changed.contains("is_optional"));
    assert_eq!(findings(ENVOY_FILTER, &changed), [""; 0]);
}

#[test]
fn a_filter_that_is_off_for_a_route_is_found() {
    let off =
        |field: &str, name: &str| format!("{field}: {{ {name}: {{ {TYPE}, disabled: true }} }}");
    for field in ["typed_per_filter_config", "typedPerFilterConfig"] {
        let off = off(field, "wx-session");
        for (place, indent) in [
            ("route_config:\n                  name: edge\n", 18),
            ("domains: [\"*\"]\n", 22),
            ("- match: { prefix: / }\n", 26),
        ] {
            let shipped = text(ENVOY);
            assert!(shipped.contains(place), "{place}");
            let new = format!("{place}{}{off}\n", " ".repeat(indent));
            only(&shipped.replacen(place, &new, 1), OFF);
        }
        let weighted =
            format!("weighted_clusters: {{ clusters: [ {{ name: app, weight: 1, {off} }} ] }}");
        only(
            &text(ENVOY).replacen("cluster: app\n", &format!("{weighted}\n"), 1),
            OFF,
        );
    }
    // Routes alone, which name a filter of another file.
    let routes = |override_: &str| {
        format!(
            "kind: EnvoyFilter\nmetadata: {{ name: routes }}\nspec:\n  configPatches:\n    - applyTo: HTTP_ROUTE\n      patch: {{ operation: MERGE, value: {{ {override_} }} }}\n"
        )
    };
    only(
        &routes(&off("typed_per_filter_config", "istio-system.wx-session")),
        OFF,
    );
    // Of a filter whose name alone says less.
    let renamed = text(ENVOY).replacen("- name: wx-session\n", "- name: login\n", 1);
    let there = "domains: [\"*\"]\n";
    let with = |name: &str| {
        let off = off("typed_per_filter_config", name);
        renamed.replacen(there, &format!("{there}                      {off}\n"), 1)
    };
    only(&with("login"), OFF);
    assert_eq!(findings(ENVOY, &with("envoy.filters.http.cors")), [""; 0]);
    let on = with("login").replace("disabled: true", "disabled: false");
    assert_eq!(findings(ENVOY, &on), [""; 0]);
}

#[test]
fn a_route_past_the_filter_that_takes_the_identity_off_is_right() {
    let off = format!("typed_per_filter_config: {{ wx-session: {{ {TYPE}, disabled: true }} }}");
    let host = "domains: [\"*\"]\n";
    let route = "- match: { prefix: / }\n";
    let with = |text: &str, there: &str, indent: usize, more: &str| {
        let new = format!("{there}{}{more}\n", " ".repeat(indent));
        text.replacen(there, &new, 1)
    };
    let open = with(&text(ENVOY), route, 26, &off);
    only(&open, OFF);
    for names in ["X-WX-OPENID, X-WX-UNIONID", "x-wx-openid"] {
        for field in ["request_headers_to_remove", "requestHeadersToRemove"] {
            let remove = format!("{field}: [{names}]");
            for (there, indent) in [(route, 26), (host, 22)] {
                let right = with(&open, there, indent, &remove);
                assert_eq!(findings(ENVOY, &right), [""; 0], "{there}, {remove}");
            }
        }
    }
    let other = with(&open, route, 26, "request_headers_to_remove: [x-other]");
    only(&other, OFF);
}

#[test]
fn a_route_past_the_filter_takes_the_header_off_that_the_app_believes() {
    let host = "domains: [\"*\"]\n";
    let off = format!("typed_per_filter_config: {{ wx-session: {{ {TYPE}, disabled: true }} }}");
    let removes = |document: &str, name: &str| {
        let more = format!(
            "{host}                      request_headers_to_remove: [{name}]\n                      {off}\n"
        );
        let text = text(ENVOY).replacen(host, &more, 1);
        let session = "session: &session\n";
        assert!(text.contains(session));
        text.replacen(
            session,
            &format!("{document}\n                            {session}"),
            1,
        )
    };
    let own = "identity_headers: { openid: X-User-Id }";
    let right = removes(own, "x-user-id");
    assert_eq!(findings(ENVOY, &right), [""; 0]);
    only(
        &removes(own, "x-wx-openid"),
        "the client's own X-User-Id reaches the app",
    );
    only(&removes(own, "x-wx-openid"), "(x_user_id): Envoy removes");
    only(&removes("", "x-user-id"), "own X-WX-OPENID reaches the app");
    // A document that is a text.
    let plugin = "kind: WasmPlugin\nmetadata: { name: a }\nspec: { pluginConfig: '{\"identity_headers\": {\"openid\": \"X-User-Id\"}}' }\n";
    let routes = |name: &str| format!("{plugin}---\nrequest_headers_to_remove: [{name}]\n{off}\n");
    assert_eq!(findings("a.yaml", &routes("X-USER-ID")), [""; 0]);
    only(&routes("x-wx-openid"), OFF);
    // Two that say the same.
    let both = format!("{plugin}---\n{}", routes("x-wx-openid"));
    only(&both, "own X-User-Id reaches the app");
}

#[test]
fn a_route_that_reaches_no_app_may_have_the_filter_off() {
    let off = format!("typed_per_filter_config: {{ wx-session: {{ {TYPE}, disabled: true }} }}");
    let route = "- match: { prefix: / }\n";
    for answers in [
        "{ direct_response: { status: 204 }",
        "{ redirect: { https_redirect: true }",
        "{ directResponse: { status: 204 }",
    ] {
        let new = format!(
            "- {answers}, match: {{ path: /a }}, {off} }}\n                        {route}"
        );
        let changed = text(ENVOY).replacen(route, &new, 1);
        assert_eq!(findings(ENVOY, &changed), [""; 0], "{answers}");
    }
}

#[test]
fn a_filter_that_routes_enable_may_be_off_at_first() {
    let filter = "- name: wx-session\n";
    let off = format!("{filter}                    disabled: true\n");
    let off = text(ENVOY).replacen(filter, &off, 1);
    only(&off, "off, unless a route enables it: ");
    let with = |name: &str, more: &str| {
        let route = "- match: { prefix: / }\n";
        let on = format!(
            "{route}                          typed_per_filter_config: {{ {name}: {{ {TYPE}{more} }} }}\n"
        );
        off.replacen(route, &on, 1)
    };
    assert_eq!(
        findings(ENVOY, &with("wx-session", ", config: {}")),
        [""; 0]
    );
    only(&with("cors", ", config: {}"), OFF);
    assert_eq!(
        findings(ENVOY, &with("wx-session", ", disabled: true")).len(),
        2
    );
}

#[test]
fn what_names_us_and_is_right_is_right() {
    let right = format!(
        "request_headers_to_remove: [x-wx-openid]\ntyped_per_filter_config: {{ wx-session: {{ {TYPE}, disabled: true }} }}\n"
    );
    assert_eq!(findings("part.yaml", &right), [""; 0]);
    let on = format!("typed_per_filter_config: {{ wx-session: {{ {TYPE}, config: {{}} }} }}\n");
    assert_eq!(findings("part.yaml", &on), [""; 0]);
    for (patches, path) in [
        (
            "EnvoyFilter",
            "configPatches: [ { applyTo: HTTP_ROUTE, patch: { operation: MERGE, value: VALUE } } ]",
        ),
        (
            "EnvoyPatchPolicy",
            "jsonPatches: [ { operation: { op: add, path: /virtual_hosts/0/routes/-, value: VALUE } } ]",
        ),
    ] {
        let value = format!("{{ {} }}", right.trim().replace('\n', ", "));
        let spec = path.replace("VALUE", &value);
        let object = format!("kind: {patches}\nmetadata: {{ name: a }}\nspec: {{ {spec} }}\n");
        assert_eq!(findings("part.yaml", &object), [""; 0]);
    }
}

#[test]
fn a_route_in_another_document_names_a_filter_of_this_file() {
    let route = |name: &str| {
        format!("---\ntyped_per_filter_config: {{ {name}: {{ {TYPE}, disabled: true }} }}\n")
    };
    let renamed = text(ENVOY).replacen("- name: wx-session\n", "- name: login\n", 1);
    only(&(renamed.clone() + &route("login")), OFF);
    assert_eq!(findings(ENVOY, &(renamed + &route("cors"))), [""; 0]);
    let other = "{ name: wx-session-cors, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors } }\n---\n";
    let both = other.to_owned() + &text(ENVOY) + &route("wx-session-cors");
    assert_eq!(findings(ENVOY, &both), [""; 0]);
    // By Envoy Gateway's names, which say what kind they are of.
    for (kind, number) in [("wasm", 1), ("ext_authz", 0)] {
        let name = format!("envoy.filters.http.{kind}/policy/default/wx-session/0");
        let found = findings(ENVOY, &(text(ENVOY) + &route(&name)));
        assert_eq!(found.len(), number, "{kind}: {found:#?}");
    }
    // In a file of a ConfigMap.
    let map = |text: &str| {
        let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
        format!("kind: ConfigMap\nmetadata: {{ name: envoy }}\ndata:\n  envoy.yaml: |\n{lines}")
    };
    let renamed = text(ENVOY).replacen("- name: wx-session\n", "- name: login\n", 1);
    only(&map(&(renamed + &route("login"))), OFF);
}

#[test]
fn a_filter_of_another_kind_may_be_called_as_we_are() {
    let cors = "- { name: wx-session-cors, typed_config: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors } }";
    let there = "domains: [\"*\"]\n";
    let off = format!(
        "{there}                      typed_per_filter_config: {{ wx-session-cors: {{ {TYPE}, disabled: true }} }}\n"
    );
    let changed = text(ENVOY)
        .replacen(
            "- name: wx-session\n",
            &format!("{cors}\n                  - name: wx-session\n"),
            1,
        )
        .replacen(there, &off, 1);
    assert_eq!(findings(ENVOY, &changed), [""; 0]);
}

#[test]
fn a_matcher_that_passes_the_filter_over_is_found() {
    only(
        r#"
name: login
typed_config:
  "@type": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher
  extension_config:
    name: login
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        name: wx-session
        vm_config: { environment_variables: { host_env_keys: [WX_SECRET] } }
        configuration:
          "@type": type.googleapis.com/google.protobuf.Struct
          value: { apps: [ { appid: wx0123456789abcdef, secret: { env: WX_SECRET } } ] }
  xds_matcher:
    on_no_match:
      action:
        name: skip
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter
"#,
        "SkipFilter: switches the filter off",
    );
}
