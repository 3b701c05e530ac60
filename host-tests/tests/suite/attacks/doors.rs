//! One real Envoy with everything on and several doors, and the component in the host that stands in for Spin. Both have
//! an app and a WeChat of their own.

use std::net::SocketAddr;

use serde_json::{Value, json};
use testkit::envoy::Config;

use super::features;
use super::invariants::SENT_FROM;
use super::row::Door;
use crate::rig::ENVIRONMENT;
use crate::rig::backend::Backend;
use crate::rig::envoy_world::{EnvoyWorld, bare};

/// Those of Envoy that lead to the app.
pub const OF_ENVOY: [Door; 4] = [Door::Shipped, Door::Bare, Door::Drops, Door::Rejects];

/// The name of its listener.
fn name(door: Door) -> &'static str {
    match door {
        Door::Shipped => "edge",
        Door::Bare => "bare",
        Door::Drops => "drops",
        Door::Rejects => "rejects",
        Door::Spin => "spin",
    }
}

/// An Envoy with all of them. What never ends is given up after a few seconds instead of minutes.
pub fn envoy() -> EnvoyWorld {
    EnvoyWorld::alone(with_doors)
}

/// The same with its sessions in a Redis: most requests wait for it.
pub fn envoy_on(backend: &Backend) -> EnvoyWorld {
    EnvoyWorld::alone(|config| {
        let config = config.with_sessions_of(&backend.config());
        with_doors(config.patch_plugin(&json!({ "session": { "cache_ttl_s": 0 } })))
    })
}

/// A listener that says who has sent a request, and that soon gives up what never ends.
pub fn telling_and_in_a_hurry(config: Config) -> Config {
    let sent_from = json!({
        "header": { "key": SENT_FROM, "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" },
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    });
    config
        .patch_virtual_host(&json!({ "request_headers_to_add": [sent_from] }))
        .patch_http(&json!({
            "delayed_close_timeout": "0.01s",
            "request_headers_timeout": "2s",
            "request_timeout": "4s",
            "stream_idle_timeout": "4s",
        }))
}

fn with_doors(config: Config) -> Config {
    let names: Vec<&str> = ENVIRONMENT.iter().map(|(name, _)| *name).collect();
    let trailers = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http_protocol_options": { "enable_trailers": true } },
    });
    let shipped = config
        .patch_plugin(&features::all())
        .patch_filter(
            &json!({ "vm_config": { "environment_variables": { "host_env_keys": names } } }),
        )
        .patch_cluster(
            "app",
            &json!({ "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": trailers,
        } }),
        );
    let shipped = telling_and_in_a_hurry(shipped);
    let underscores = |action: &str| json!({ "common_http_protocol_options": { "headers_with_underscores_action": action } });
    let trailers = json!({ "http_protocol_options": { "enable_trailers": true } });
    let others = [
        (Door::Bare, bare(shipped.clone()).patch_http(&trailers)),
        (
            Door::Drops,
            shipped.clone().patch_http(&underscores("DROP_HEADER")),
        ),
        (
            Door::Rejects,
            shipped.clone().patch_http(&underscores("REJECT_REQUEST")),
        ),
    ];
    let mut all = shipped;
    for (door, config) in others {
        let mut listener = listeners(&config.document)[0].clone();
        listener["name"] = json!(name(door));
        let listeners = all.document["static_resources"]["listeners"].as_array_mut();
        listeners.unwrap().push(listener);
    }
    all
}

fn listeners(document: &Value) -> &[Value] {
    document["static_resources"]["listeners"]
        .as_array()
        .unwrap()
}

/// Where a door of this Envoy is.
pub fn addr(edge: &EnvoyWorld, door: Door) -> SocketAddr {
    edge.envoy.envoy().wait_for_listener(name(door)).unwrap()
}
