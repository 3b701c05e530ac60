//! Configurations as operators write them: the shipped one, and every way of getting it wrong.
//! Envoy must not start with a wrong one, and must say which field it is.

use project::{filter, root};
use serde_json::{Value, json};
use testkit::envoy::{Config, Envoy, validate};

use crate::rig::envoy_world::{APPID, EnvoyWorld, SECRET};
use crate::rig::{module, vm_config};
use proxy_wasm_host::{SharedData, Vm};

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

/// A Struct begins with a newline and the length of its first entry, which is a brace where that has 123 bytes.
#[test]
fn a_struct_that_begins_as_json_does_is_none() {
    let text = |tag: u8, text: &str| message(tag, text.as_bytes());
    let entry = |key: &str, value: &[u8]| message(1, &[text(1, key), message(2, value)].concat());
    let rule = |prefix: &str| {
        let fields = [("prefix", prefix), ("session", "public")];
        let fields = fields.map(|(key, value)| entry(key, &text(3, value)));
        message(1, &message(5, &fields.concat()))
    };
    let routes = |length: usize| {
        let rules = [rule("/healthz"), rule(&format!("/{}", "x".repeat(length)))];
        entry("routes", &message(6, &rules.concat()))
    };
    let secret = message(5, &entry("env", &text(3, "WX_SECRET")));
    let app = [entry("appid", &text(3, APPID)), entry("secret", &secret)].concat();
    let apps = entry("apps", &message(6, &message(1, &message(5, &app))));
    let routes = (1..60).map(routes).find(|entry| entry[1] == b'{').unwrap();
    let document = [routes, apps].concat();
    assert!(
        str::from_utf8(&document)
            .unwrap()
            .trim_start()
            .starts_with('{')
    );
    let mut config = vm_config(&json!({}), 1);
    config.plugin_configuration = document;
    if let Err(error) = Vm::start(module(), config, &SharedData::default()) {
        panic!("{}: {:?}", error.why, error.log);
    }
}

/// A field of a protobuf message that has a length, which is below 128.
fn message(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 128);
    [&[number << 3 | 2, length], content].concat()
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
