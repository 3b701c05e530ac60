//! Envoy Gateway: what it makes of an EnvoyExtensionPolicy, of the bootstrap in an EnvoyProxy, and of the patches that
//! set the flag.

use serde_json::{Value, json};

use super::platform::{Cluster, Made, as_text, code, journey, object, with_a_body, without_a_body};

/// Of the filter that it makes of the first `wasm` of the policy `default/wx-session`.
const FILTER: &str = "envoyextensionpolicy/default/wx-session/wasm/0";

/// <https://github.com/envoyproxy/gateway/blob/main/internal/xds/translator/wasm.go>: the document as a text, the filter's
/// own name as `vm_id`, `fail_open` as it was said; no flag and no other way of failing.
fn made(redis: &str) -> Made {
    let policy = object(
        &format!("envoy-gateway/policy{redis}.yaml"),
        "EnvoyExtensionPolicy",
    );
    let metadata = &policy["metadata"];
    assert_eq!(
        (&metadata["namespace"], &metadata["name"]),
        (&json!("default"), &json!("wx-session"))
    );
    let wasm = &policy["spec"]["wasm"][0];
    Made {
        plugin: json!({
            "name": wasm["name"],
            "root_id": wasm["rootID"],
            "configuration": as_text(&wasm["config"]),
            "fail_open": wasm["failOpen"],
            "vm_config": {
                "vm_id": FILTER,
                "runtime": "envoy.wasm.runtime.v8",
                "code": code(),
                "environment_variables": { "host_env_keys": wasm["env"]["hostKeys"] },
            },
        }),
        wechat: Cluster::Whole(bootstrap(redis)["static_resources"]["clusters"][0].clone()),
    }
}

fn bootstrap(redis: &str) -> Value {
    let proxy = object(
        &format!("envoy-gateway/envoyproxy{redis}.yaml"),
        "EnvoyProxy",
    );
    let bootstrap = &proxy["spec"]["bootstrap"];
    assert_eq!(bootstrap["type"], "Merge");
    serde_yaml_ng::from_str(bootstrap["value"].as_str().unwrap()).unwrap()
}

/// The patches of `flag.yaml`, each of which sets one field of the filter's `PluginConfig`.
fn flagged(mut made: Made) -> Made {
    let policy = object("envoy-gateway/flag.yaml", "EnvoyPatchPolicy");
    for patch in policy["spec"]["jsonPatches"].as_array().unwrap() {
        let operation = &patch["operation"];
        let place = format!(
            "..http_filters[?(@.name=='envoy.filters.http.wasm/{FILTER}')].typed_config.config"
        );
        assert_eq!(
            (&operation["op"], &operation["jsonPath"]),
            (&json!("add"), &json!(place))
        );
        let field = operation["path"].as_str().unwrap().trim_start_matches('/');
        made = made.with(field, operation["value"].clone());
    }
    made
}

#[test]
fn a_policy_serves_whoever_sends_no_body() {
    journey(&made("").edge(), without_a_body);
}

#[test]
fn with_the_flag_it_serves_bodies_too() {
    let made = flagged(made(""));
    assert_eq!(made.plugin["allow_on_headers_stop_iteration"], true);
    assert_eq!(made.plugin["failure_policy"], "FAIL_RELOAD");
    journey(&made.edge(), with_a_body);
}

#[test]
fn each_manifest_is_valid() {
    for redis in ["", "-redis"] {
        made(redis).validate();
        flagged(made(redis)).validate();
    }
}

/// What a policy passes on, the proxy has; and the Gateway runs with that proxy.
#[test]
fn the_proxy_has_what_the_policy_takes_from_it() {
    for redis in ["", "-redis"] {
        let proxy = object(
            &format!("envoy-gateway/envoyproxy{redis}.yaml"),
            "EnvoyProxy",
        );
        let env = &proxy["spec"]["provider"]["kubernetes"]["envoyDeployment"]["container"]["env"];
        let names: Vec<&Value> = env
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(
            json!(names),
            made(redis).plugin["vm_config"]["environment_variables"]["host_env_keys"]
        );
        assert!(
            env.as_array()
                .unwrap()
                .iter()
                .all(|one| one["valueFrom"]["secretKeyRef"]["name"] == "wx-session")
        );
        let gateway = object("envoy-gateway/gateway.yaml", "Gateway");
        assert_eq!(
            gateway["spec"]["infrastructure"]["parametersRef"]["name"],
            proxy["metadata"]["name"]
        );
    }
}

/// Both files of a pair have the same way to WeChat, and it is the one of `envoy.yaml`.
#[test]
fn the_way_to_wechat_is_the_one_of_envoy_yaml() {
    let shipped = testkit::envoy::Config::load().unwrap().document;
    for redis in ["", "-redis"] {
        let own = bootstrap(redis);
        assert_eq!(
            own["static_resources"]["clusters"][0],
            shipped["static_resources"]["clusters"][0]
        );
        assert_eq!(own["stats_config"], shipped["stats_config"]);
    }
}

/// Envoy Gateway's own limit on an answer would cut downloads and event streams.
#[test]
fn its_traffic_has_the_time_limits_of_envoy_yaml() {
    let of = |kind: &str| object("envoy-gateway/traffic.yaml", kind)["spec"].take();
    let (backend, client) = (of("BackendTrafficPolicy"), of("ClientTrafficPolicy"));
    let shipped = testkit::envoy::Config::load().unwrap().document;
    let edge = &shipped["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let app = &shipped["static_resources"]["clusters"][1];
    assert_eq!(app["name"], "app");
    let (to_app, to_client) = (&backend["timeout"]["http"], &client["timeout"]["http"]);
    for (own, of_envoy) in [
        (
            &to_app["requestTimeout"],
            &edge["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["timeout"],
        ),
        (
            &to_app["connectionIdleTimeout"],
            &app["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
                ["common_http_protocol_options"]["idle_timeout"],
        ),
        (
            &to_client["requestReceivedTimeout"],
            &edge["request_timeout"],
        ),
        (
            &to_client["streamIdleTimeout"],
            &edge["stream_idle_timeout"],
        ),
    ] {
        assert!(own.is_string());
        assert_eq!(own, of_envoy);
    }
    let policy = object("envoy-gateway/policy.yaml", "EnvoyExtensionPolicy");
    for spec in [&backend, &client] {
        assert_eq!(spec["targetRefs"], policy["spec"]["targetRefs"]);
    }
}
