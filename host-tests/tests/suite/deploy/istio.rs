//! Istio: what `istiod` makes of a WasmPlugin or a TrafficExtension, and an EnvoyFilter, which is handed on as it is.

use serde_json::{Value, json};

use super::platform::{
    Cluster, Made, as_text, code, from_host, journey, object, with_a_body, without_a_body,
};

/// <https://github.com/istio/istio/blob/master/pilot/pkg/model/extensions.go>: a name of namespace and name, the document
/// as a text, no `vm_id`, the version of the object in the environment; and no flag.
fn plugin(object: &Value, wasm: &Value) -> Made {
    let name = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
    Made {
        plugin: json!({
            "name": format!("{}.{}", name("namespace"), name("name")),
            "root_id": wasm["pluginName"],
            "configuration": as_text(&wasm["pluginConfig"]),
            "failure_policy": wasm["failStrategy"],
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": code(),
                "environment_variables": {
                    "key_values": { "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "1" },
                    "host_env_keys": from_host(&wasm["vmConfig"]["env"]),
                },
            },
        }),
        wechat: wechat(),
    }
}

fn wasm_plugin(file: &str) -> Made {
    let object = object(file, "WasmPlugin");
    plugin(&object, &object["spec"])
}

/// The cluster of the ServiceEntry.
fn wechat() -> Cluster {
    let entry = object("istio/wechat.yaml", "ServiceEntry");
    let (host, port) = (
        &entry["spec"]["hosts"][0],
        &entry["spec"]["ports"][0]["number"],
    );
    Cluster::Named(format!("outbound|{port}||{}", host.as_str().unwrap()))
}

fn envoy_filter(file: &str) -> Made {
    let object = object(file, "EnvoyFilter");
    let patch = &object["spec"]["configPatches"][0];
    assert_eq!(
        (&patch["applyTo"], &patch["patch"]["operation"]),
        (&json!("EXTENSION_CONFIG"), &json!("ADD"))
    );
    let value = &patch["patch"]["value"];
    // The place of the filter names it.
    assert_eq!(
        object["spec"]["configPatches"][1]["patch"]["value"]["name"],
        value["name"]
    );
    let mut plugin = value["typed_config"]["config"].clone();
    assert!(
        plugin["vm_config"]["code"]["remote"]["http_uri"]["uri"]
            .as_str()
            .unwrap()
            .starts_with("oci://")
    );
    plugin["vm_config"]["code"] = code();
    Made {
        plugin,
        wechat: wechat(),
    }
}

#[test]
fn a_wasm_plugin_serves_whoever_sends_no_body() {
    journey(&wasm_plugin("istio/wasmplugin.yaml").edge(), without_a_body);
}

#[test]
fn an_envoy_filter_serves_bodies_too() {
    let edge = envoy_filter("istio/envoyfilter.yaml").edge();
    journey(&edge, with_a_body);
}

#[test]
fn each_manifest_is_valid() {
    for redis in ["", "-redis"] {
        wasm_plugin(&format!("istio/wasmplugin{redis}.yaml")).validate();
        envoy_filter(&format!("istio/envoyfilter{redis}.yaml")).validate();
    }
}

/// One object under two names: what the newer one says is what the older one says.
#[test]
fn a_traffic_extension_is_its_wasm_plugin() {
    for redis in ["", "-redis"] {
        let newer = object(
            &format!("istio/trafficextension{redis}.yaml"),
            "TrafficExtension",
        );
        let older = object(&format!("istio/wasmplugin{redis}.yaml"), "WasmPlugin");
        let mut spec = newer["spec"]["wasm"].clone();
        for name in ["selector", "phase"] {
            spec[name] = newer["spec"][name].clone();
        }
        assert_eq!(spec, older["spec"]);
        assert_eq!(newer["metadata"], older["metadata"]);
    }
}

/// Istio checks a certificate only if it is told by what, and for which name.
#[test]
fn the_way_to_wechat_checks_the_certificate() {
    let rule = object("istio/wechat.yaml", "DestinationRule");
    let tls = &rule["spec"]["trafficPolicy"]["tls"];
    let host = &rule["spec"]["host"];
    assert_eq!(
        (&tls["mode"], &tls["sni"], &tls["subjectAltNames"]),
        (&json!("SIMPLE"), host, &json!([host]))
    );
    assert!(tls["caCertificates"].is_string());
    for kind in ["ServiceEntry", "DestinationRule"] {
        assert_eq!(
            object("istio/wechat.yaml", kind)["spec"]["exportTo"],
            json!(["."])
        );
    }
}
