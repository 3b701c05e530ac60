//! What a host takes in another way than it looks, or passes over without a word, and the app is open or does not answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use support::files::{
    ENVOY, ENVOY_GATEWAY, HIGRESS, TRAFFIC_EXTENSION, WASM_PLUGIN, findings, one, only, text,
};

const FLAG: &str = "deploy/envoy-gateway/flag.yaml";

#[test]
fn envoy_reads_names_and_values_in_several_ways() {
    for open in [
        "failure_policy: fail_open",
        "failurePolicy: FAIL_OPEN",
        "failure_policy: 3",
        "failure_policy: \"3\"",
        "fail_open: yes",
        "failOpen: On",
        "fail_open: \"True\"",
    ] {
        let name = open.split(':').next().unwrap();
        let expected = format!("{name}: lets everyone in");
        one(ENVOY, "failure_policy: FAIL_RELOAD", open, &expected);
    }
    for closed in [
        "failurePolicy: fail_closed",
        "fail_open: no",
        "failure_policy: 2",
    ] {
        let changed = text(ENVOY).replacen("failure_policy: FAIL_RELOAD", closed, 1);
        assert_eq!(findings(ENVOY, &changed), [""; 0], "{closed}");
    }
    one(
        ENVOY_GATEWAY,
        "failOpen: false",
        "failOpen: yes",
        "spec.wasm[0].failOpen: lets everyone in",
    );
}

#[test]
fn other_spellings_of_what_is_right_are_right() {
    for (old, new) in [
        (
            "environment_variables: &environment",
            "environmentVariables: &environment",
        ),
        ("host_env_keys: [", "hostEnvKeys: ["),
        ("vm_config: &vm_config", "vmConfig: &vm_config"),
        ("static_resources:", "staticResources:"),
        ("idle_timeout_s: 7200", "forward_token: yes"),
        (
            "absolute_timeout_s: 2592000",
            "absolute_timeout_s: 0x278D00",
        ),
        (
            "allow_on_headers_stop_iteration: true",
            "allowOnHeadersStopIteration: on",
        ),
    ] {
        let shipped = text(ENVOY);
        assert!(shipped.contains(old), "{old}");
        let changed = shipped.replacen(old, new, 1);
        assert_eq!(findings(ENVOY, &changed), [""; 0], "{new}");
    }
}

#[test]
fn a_patch_that_lets_everyone_in_is_found() {
    assert_eq!(findings(FLAG, &text(FLAG)), [""; 0]);
    for open in ["FAIL_OPEN", "{ failure_policy: FAIL_OPEN }", "3"] {
        let new = format!("value: {open}");
        let expected = "failure_policy: lets everyone in";
        one(FLAG, "value: FAIL_RELOAD", &new, expected);
    }
}

#[test]
fn a_callback_that_envoy_may_not_call_is_found() {
    let callbacks = envoy_exports::KEPT.iter().filter(|name| {
        // Envoy restricts none of the module's memory.
        name.starts_with("proxy_on_") && **name != "proxy_on_memory_allocate"
    });
    let mut number = 0;
    for callback in callbacks {
        let entry = format!("{callback}: {{}}");
        // Of the last list, which is that of WeChat's API and has all of them.
        let shipped = text(ENVOY);
        let at = shipped
            .rfind(&entry)
            .unwrap_or_else(|| panic!("{callback}"));
        let (before, after) = shipped.split_at(at);
        let changed = before.to_owned() + &after.replacen(&entry, "other: {}", 1);
        let found = findings(ENVOY, &changed);
        assert!(
            found.len() == 1 && found[0].contains(&format!("lacks {callback}: ")),
            "{callback}: {found:#?}"
        );
        number += 1;
    }
    assert_eq!(number, 10);
}

#[test]
fn a_callback_that_a_document_in_a_text_needs_is_found() {
    let filter = r#"
"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
config:
  name: wx-session
  allow_on_headers_stop_iteration: true
  vm_config:
    environment_variables: { host_env_keys: [WX_SECRET] }
    capability_restriction_config:
      allowed_capabilities: {
        proxy_on_configure: {}, proxy_on_context_create: {}, proxy_on_delete: {}, proxy_on_http_call_response: {},
        proxy_on_request_body: {}, proxy_on_request_headers: {}, proxy_on_request_trailers: {},
        proxy_on_response_headers: {}, proxy_on_tick: {}
      }
  configuration:
    "@type": type.googleapis.com/google.protobuf.StringValue
    value: |
      {
        "apps": [{ "appid": "wx0123456789abcdef", "secret": { "env": "WX_SECRET" } }],
        "wechat_api": { "allow": ["/wxa/getwxacodeunlimit"] }
      }
"#;
    let found = findings("part.yaml", filter);
    assert!(
        found.len() == 1 && found[0].contains("lacks proxy_on_response_body"),
        "{found:#?}"
    );
    let clients = filter.replace("wechat_api", "session").replace(
        r#"{ "allow": ["/wxa/getwxacodeunlimit"] }"#,
        r#"{ "idle_timeout_s": 7200 }"#,
    );
    assert_eq!(findings("part.yaml", &clients), [""; 0]);
}

#[test]
fn what_reads_bodies_where_none_come_is_found() {
    let route = "{ path: /healthz, session: public }";
    for reads in [
        "{ path: /profile, session: required, open_data: body }",
        "{ path: /signin, session: public, login: body }",
        "{ path: /upload, session: required, session_in: token }",
    ] {
        for path in [WASM_PLUGIN, TRAFFIC_EXTENSION] {
            one(
                path,
                route,
                reads,
                "routes[0]: reads bodies, and Envoy hands none over",
            );
        }
        for path in [ENVOY, ENVOY_GATEWAY, HIGRESS] {
            let changed = text(path).replacen(route, reads, 1);
            assert_eq!(findings(path, &changed), [""; 0], "{path}, {reads}");
        }
        let flag = "allow_on_headers_stop_iteration: true";
        for none in ["allow_on_headers_stop_iteration: false", "stat_prefix: x"] {
            let changed = text(ENVOY).replacen(flag, none, 1);
            assert_eq!(findings(ENVOY, &changed), [""; 0], "{none}");
            let found = findings(ENVOY, &changed.replacen(route, reads, 1));
            assert!(
                found.len() == 1 && found[0].contains("routes[0]: reads bodies"),
                "{none}, {reads}: {found:#?}"
            );
        }
    }
    let secret = "secret: { env: WX_SECRET }";
    let push = "secret: { env: WX_SECRET }\n        push: { token: { env: WX_SECRET } }";
    let found = findings(WASM_PLUGIN, &text(WASM_PLUGIN).replacen(secret, push, 1));
    assert!(
        found
            .iter()
            .any(|one| one.contains("apps[0].push: reads bodies")),
        "{found:#?}"
    );
}

#[test]
fn calls_that_would_hang_where_no_bodies_come_are_found() {
    let hangs = "wechat_api: holds WeChat's answers";
    // The listener for the backend alone.
    let flag = "allow_on_headers_stop_iteration: true\n";
    let shipped = text(ENVOY);
    let (before, after) = shipped.split_at(shipped.rfind(flag).unwrap());
    let without = before.to_owned() + &after.replacen(flag, "stat_prefix: x\n", 1);
    only(&without, hangs);
    for path in [WASM_PLUGIN, TRAFFIC_EXTENSION] {
        let text = text(path);
        let (head, routes) = text.split_once("routes:\n").unwrap();
        assert!(routes.lines().all(|line| line.contains("- { p")), "{path}");
        let api = format!("{head}wechat_api: {{ allow: [/wxa/getwxacodeunlimit] }}\n");
        only(&api, hangs);
    }
}

#[test]
fn a_back_channel_where_no_bodies_come_is_found() {
    let with = |path: &str| {
        let text = text(path).replacen("WX_MASTER_KEY", "WX_ADMIN_TOKEN", 1);
        let (before, after) = text.split_once("store:").unwrap();
        let indent = before.lines().last().unwrap();
        let admin = "admin: { tokens: [ { env: WX_ADMIN_TOKEN } ] }";
        format!("{before}{admin}\n{indent}store:{after}")
    };
    for path in [WASM_PLUGIN, TRAFFIC_EXTENSION] {
        only(&with(path), "admin: takes its parameters from bodies alone");
    }
    let shipped = with(ENVOY);
    assert_eq!(findings(ENVOY, &shipped), [""; 0]);
    let flag = "allow_on_headers_stop_iteration: true";
    let without = shipped.replacen(flag, "stat_prefix: x", 1);
    only(&without, "admin: takes its parameters from bodies alone");
}

#[test]
fn a_body_that_envoy_refuses_first_is_found() {
    let session = "session: &session\n";
    let limits = "limits: { body_bytes: 32768 }\n                            session: &session\n";
    let changed = text(ENVOY).replacen(session, limits, 1);
    let found = findings(ENVOY, &changed);
    assert!(
        found.len() == 1 && found[0].contains("limits.body_bytes: is 32768, and the listener's"),
        "{found:#?}"
    );
    let roomy = changed.replacen(
        "per_connection_buffer_limit_bytes: 32768",
        "perConnectionBufferLimitBytes: \"65536\"",
        1,
    );
    assert_eq!(findings(ENVOY, &roomy), [""; 0]);
    // Nobody said a limit of ours.
    let tight = text(ENVOY).replacen(
        "per_connection_buffer_limit_bytes: 32768",
        "per_connection_buffer_limit_bytes: 8192",
        1,
    );
    assert_eq!(findings(ENVOY, &tight).len(), 1);
    // Envoy's own limit, where a listener says none: a part of one may have it elsewhere.
    let large = changed.replacen("body_bytes: 32768", "body_bytes: 1048576", 1);
    let unsaid = large.replacen(
        "per_connection_buffer_limit_bytes: 32768\n",
        "stat_prefix: x\n",
        1,
    );
    let found = findings(ENVOY, &unsaid);
    assert!(
        found.len() == 1 && found[0].contains("which is not there, 1048576: Envoy refuses"),
        "{found:#?}"
    );
    let smaller = unsaid.replacen("body_bytes: 1048576", "body_bytes: 1048575", 1);
    assert_eq!(findings(ENVOY, &smaller), [""; 0]);
    let part = unsaid.replacen(
        "address: { socket_address: { address: 0.0.0.0, port_value: 10000 } }",
        "a: b",
        1,
    );
    assert_eq!(findings(ENVOY, &part), [""; 0]);
}

#[test]
fn a_body_that_higress_refuses_first_is_found() {
    let with = |bytes: u32| {
        let session = "    session:\n";
        let limits = format!("    limits: {{ body_bytes: {bytes} }}\n{session}");
        text(HIGRESS).replacen(session, &limits, 1)
    };
    assert_eq!(findings(HIGRESS, &with(32767)), [""; 0]);
    for bytes in [32768, 65536] {
        let found = findings(HIGRESS, &with(bytes));
        let said = format!("limits.body_bytes: is {bytes}, and downstream.connectionBufferLimits");
        assert!(
            found.len() == 1
                && found[0].contains(&said)
                && found[0].contains("which this file does not have, 32768"),
            "{found:#?}"
        );
    }
    // As Higress is told to have another one.
    let told = |limit: u32, bytes: u32| {
        let map = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: higress-config, namespace: higress-system }}\ndata:\n  \
             higress: |\n    downstream:\n      connectionBufferLimits: {limit}\n"
        );
        map + "---\n" + &with(bytes)
    };
    assert_eq!(findings(HIGRESS, &told(131_072, 65536)), [""; 0]);
    let found = findings(HIGRESS, &told(8192, 16384));
    assert!(
        found.len() == 1 && found[0].contains("in the ConfigMap higress-config 8192: Envoy"),
        "{found:#?}"
    );
    let silent = told(8192, 32768).replacen("connectionBufferLimits", "idleTimeout", 1);
    let found = findings(HIGRESS, &silent);
    assert!(
        found.len() == 1 && found[0].contains("the ConfigMap higress-config does not say, 32768:"),
        "{found:#?}"
    );
}

#[test]
fn a_body_that_envoy_gateway_refuses_first_is_found() {
    let with = |bytes: u32, policies: &[&str]| {
        let session = "        session:\n";
        let limits = format!("        limits: {{ body_bytes: {bytes} }}\n{session}");
        let shipped = text(ENVOY_GATEWAY);
        assert!(shipped.contains(session));
        let mut all = shipped.replacen(session, &limits, 1);
        for policy in policies {
            all += &format!("---\nkind: ClientTrafficPolicy\nspec: {{ {policy} }}\n");
        }
        findings(ENVOY_GATEWAY, &all)
    };
    let (half, whole) = (
        "connection: { bufferLimit: 64Ki }",
        "connection: { bufferLimit: \"131072\" }",
    );
    assert_eq!(with(32767, &[]), [""; 0]);
    assert_eq!(with(65535, &[half]), [""; 0]);
    assert_eq!(with(65536, &[half, whole]), [""; 0]);
    // In a form that is not read.
    assert_eq!(with(65536, &["connection: { bufferLimit: 1e3 }"]), [""; 0]);
    for (found, said) in [
        (with(32768, &[]), "which this file does not say, 32768:"),
        (
            with(32768, &["http1: {}"]),
            "which this file does not say, 32768:",
        ),
        (with(65536, &[half]), "of the ClientTrafficPolicy 65536:"),
    ] {
        assert!(found.len() == 1 && found[0].contains(said), "{found:#?}");
    }
}

#[test]
fn a_rule_of_higress_that_does_not_do_what_it_says_is_found() {
    let document = "defaultConfig:\n    apps:\n";
    for (rule, expected) in [
        (
            "{ domain: [a.example.com], configDisable: true }",
            "spec.matchRules[0]: Higress drops such a rule",
        ),
        (
            "{ domain: [b.example.com], config: { apps: [] } }",
            "spec.matchRules[0]: wx-session takes one document",
        ),
    ] {
        let rules = format!("matchRules:\n    - {rule}\n  {document}");
        let found = findings(HIGRESS, &text(HIGRESS).replacen(document, &rules, 1));
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{rule}: {found:#?}"
        );
    }
    one(
        HIGRESS,
        "failStrategy: FAIL_CLOSE",
        "failStrategy: FAIL_CLOSE\n  defaultConfigDisable: true",
        "spec.defaultConfigDisable: lets everyone in",
    );
    let found = findings(
        HIGRESS,
        &text(HIGRESS).replacen("  failStrategy: FAIL_CLOSE\n", "", 1),
    );
    assert!(
        found.len() == 1 && found[0].contains("spec.failStrategy: is missing"),
        "{found:?}"
    );
}

#[test]
fn a_value_beside_value_from_host_stands_in_the_file() {
    one(
        WASM_PLUGIN,
        "{ name: WX_SECRET, valueFrom: HOST }",
        "{ name: WX_SECRET, valueFrom: HOST, value: 0123456789abcdef }",
        "spec.vmConfig.env: WX_SECRET: a secret stands in the file",
    );
}
