//! Configurations as operators write them: the shipped one, and every way of getting it wrong.
//! Envoy must not start with a wrong one, and must say which field it is.

use project::{filter, root};
use serde_json::{Value, json};
use testkit::envoy::{Config, Envoy, validate};

use crate::rig::envoy_world::{APPID, EnvoyWorld, SECRET};

const ENVIRONMENT: [(&str, &str); 1] = [("WX_SECRET", SECRET)];

fn shipped() -> Config {
    Config::for_test(&filter::built().unwrap()).unwrap()
}

fn app(secret: Value) -> Value {
    json!({ "apps": [{ "appid": APPID, "secret": secret }] })
}

/// What Envoy says of a configuration that it refuses.
fn refusal(config: &Config, environment: &[(&str, &str)]) -> String {
    format!("{:#}", validate(config, environment).unwrap_err())
}

#[test]
fn the_shipped_envoy_yaml_is_valid_as_it_stands() {
    filter::built().unwrap();
    project::envoy::validate(&root().join("envoy.yaml"), &ENVIRONMENT).unwrap();
}

/// Every field is the core's to test, in a moment: here, that Envoy says what the core has said.
#[test]
fn a_wrong_field_is_refused_by_its_name() {
    for (patch, expected) in [
        (json!({ "sesion": {} }), "sesion: unknown field"),
        // Numbers and null come as a Struct has them.
        (
            json!({ "session": { "idle_timeout_s": 1.5 } }),
            "session.idle_timeout_s: invalid type",
        ),
        (
            json!({ "apps": null }),
            "configuration: missing field `apps`",
        ),
        (
            app(json!("an inline AppSecret")),
            "apps[0].secret: must not stand in the configuration",
        ),
    ] {
        let said = refusal(&shipped().patch_plugin(&patch), &ENVIRONMENT);
        let expected = format!("wx-session does not start: {expected}");
        assert!(said.contains(&expected), "{patch}:\n{said}");
        assert!(!said.contains("an inline AppSecret") && !said.contains(SECRET));
    }
}

#[test]
fn a_secret_that_the_environment_lacks_or_envoy_does_not_pass_on_is_named() {
    let expected = "apps[0].secret.env: the environment variable WX_SECRET";
    let said = refusal(&shipped(), &[]);
    assert!(said.contains(expected), "{said}");
    let not_passed_on = json!({ "vm_config": { "environment_variables": null } });
    let said = refusal(&shipped().patch_filter(&not_passed_on), &ENVIRONMENT);
    assert!(said.contains(expected), "{said}");
}

#[test]
fn envoy_does_not_start_on_a_wrong_configuration() {
    let wrong = shipped().patch_plugin(&json!({ "limits": { "body_bytes": 1 } }));
    let said = format!("{:#}", Envoy::start(&wrong, &ENVIRONMENT).unwrap_err());
    assert!(
        said.contains("limits.body_bytes: must be between"),
        "{said}"
    );
}

#[test]
fn a_plugin_without_a_configuration_does_not_start() {
    let said = refusal(
        &shipped().patch_filter(&json!({ "configuration": null })),
        &ENVIRONMENT,
    );
    assert!(
        said.contains("wx-session does not start: configuration"),
        "{said}"
    );
}

#[test]
fn the_configuration_may_also_be_a_string_of_json() {
    let text = json!({
        "apps": [{ "appid": APPID, "secret": { "env": "WX_SECRET" } }],
        "routes": [{ "path": "/only", "session": "public" }],
    });
    let configuration = json!({ "configuration": {
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": text.to_string(),
    } });
    let edge = EnvoyWorld::alone(|config| config.patch_filter(&configuration));
    let get = |path: &str| edge.send(&testkit::client::Request::get(path)).status;
    assert_eq!((get("/only"), get("/public/x")), (200, 401));
    edge.assert_sound();
}
