//! Higress: what its controller makes of a WasmPlugin, and of an McpBridge.

use serde_json::{Value, json};

use super::platform::{
    Cluster, Made, as_text, code, from_host, journey, object, with_a_body, without_a_body,
};

/// As Istio's, from which it comes, with the document under another name. It hands bodies over by itself; stock Envoy,
/// which runs here, does so with the flag.
fn made(redis: &str) -> Made {
    let object = object(&format!("higress/wasmplugin{redis}.yaml"), "WasmPlugin");
    assert_eq!(object["apiVersion"], "extensions.higress.io/v1alpha1");
    let spec = &object["spec"];
    // Without rules the document is handed over as it is.
    assert_eq!(spec["matchRules"], Value::Null);
    assert_eq!(spec["failStrategy"], "FAIL_CLOSE");
    Made {
        plugin: json!({
            "name": "higress-system.wx-session",
            "root_id": spec["pluginName"],
            "configuration": as_text(&spec["defaultConfig"]),
            "failure_policy": "FAIL_CLOSED",
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": code(),
                "environment_variables": { "host_env_keys": from_host(&spec["vmConfig"]["env"]) },
            },
        }),
        wechat: wechat(),
    }
}

/// The cluster of the bridge's registry.
fn wechat() -> Cluster {
    let bridge = object("higress/mcpbridge.yaml", "McpBridge");
    let registry = &bridge["spec"]["registries"][0];
    let (port, name, kind) = (
        &registry["port"],
        registry["name"].as_str().unwrap(),
        registry["type"].as_str().unwrap(),
    );
    Cluster::Named(format!("outbound|{port}||{name}.{kind}"))
}

#[test]
fn a_wasm_plugin_serves_bodies_and_whoever_sends_none() {
    let edge = made("")
        .with("allow_on_headers_stop_iteration", json!(true))
        .edge();
    journey(&edge, with_a_body);
    journey(&made("").edge(), without_a_body);
}

#[test]
fn each_manifest_is_valid() {
    made("").validate();
    made("-redis").validate();
}
