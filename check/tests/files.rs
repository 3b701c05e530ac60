//! Every kind of file that has the document in it: what is shipped is right, and each fault is found in its line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use std::path::Path;
use std::process::Command;

use support::files::{
    ENVOY, ENVOY_FILTER, ENVOY_GATEWAY, HIGRESS, TRAFFIC_EXTENSION, WASM_PLUGIN, findings, one,
    text,
};
use support::root;
use wx_session_check::check;

const YAML: [&str; 6] = [
    ENVOY,
    ENVOY_FILTER,
    WASM_PLUGIN,
    TRAFFIC_EXTENSION,
    ENVOY_GATEWAY,
    HIGRESS,
];

fn shipped() -> Vec<String> {
    let mut all: Vec<String> = [
        "envoy.yaml",
        "spin.toml",
        "examples/spin-middleware/spin.toml",
        "wx-session.json",
    ]
    .map(str::to_owned)
    .into();
    for folder in [
        "examples/webdis",
        "examples/redis-rest",
        "examples/redis-cluster",
    ] {
        all.push(format!("{folder}/envoy.yaml"));
    }
    for (folder, kinds) in [
        (
            "deploy/istio",
            &["wasmplugin", "trafficextension", "envoyfilter"][..],
        ),
        ("deploy/envoy-gateway", &["policy"]),
        ("deploy/higress", &["wasmplugin"]),
    ] {
        for kind in kinds {
            all.push(format!("{folder}/{kind}.yaml"));
            all.push(format!("{folder}/{kind}-redis.yaml"));
        }
    }
    all
}

#[test]
fn what_is_shipped_is_right() {
    for path in shipped() {
        let found = check(&root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error:#}"));
        assert_eq!(found, [], "{path}");
    }
}

#[test]
fn a_wrong_field_is_found_in_its_line_in_the_cores_own_words() {
    for path in YAML {
        one(
            path,
            "idle_timeout_s: 7200",
            "idle_timeout: 7200",
            "session.idle_timeout: unknown field",
        );
        one(
            path,
            "idle_timeout_s: 7200",
            "idle_timeout_s: 2h",
            "session.idle_timeout_s: invalid type",
        );
        one(
            path,
            "absolute_timeout_s: 2592000",
            "absolute_timeout_s: 60",
            "session.absolute_timeout_s: must not be below",
        );
        one(
            path,
            "{ prefix: /feed, session: optional }",
            "{ prefix: /feed, session: open }",
            "routes[2].session: unknown variant",
        );
        one(
            path,
            "{ path: /healthz, session: public }",
            "{ path: healthz, session: public }",
            "routes[0].path: must begin with /",
        );
        one(
            path,
            "kind: shared_data",
            "kind: mysql",
            "store.kind: unknown variant",
        );
        one(
            path,
            "secret: { env: WX_SECRET }",
            "secret: 0123456789abcdef0123456789abcdef",
            "apps[0].secret: must not stand in",
        );
    }
}

#[test]
fn a_secret_that_nobody_passes_on_is_found_where_it_is_asked_for() {
    for (path, list) in [
        (ENVOY, "vm_config.environment_variables.host_env_keys"),
        (
            ENVOY_FILTER,
            "vm_config.environment_variables.host_env_keys",
        ),
        (WASM_PLUGIN, "spec.vmConfig.env"),
        (TRAFFIC_EXTENSION, "spec.wasm.vmConfig.env"),
        (ENVOY_GATEWAY, "spec.wasm[0].env.hostKeys"),
        (HIGRESS, "spec.vmConfig.env"),
    ] {
        one(
            path,
            "secret: { env: WX_SECRET }",
            "secret: { env: WX_OTHER }",
            &format!("{list}: lacks WX_OTHER"),
        );
    }
    one(
        WASM_PLUGIN,
        "{ name: WX_SECRET, valueFrom: HOST }",
        "{ name: WX_SECRET, value: 0123456789abcdef }",
        "spec.vmConfig.env: WX_SECRET: a secret stands in the file",
    );
}

#[test]
fn what_lets_everyone_in_is_found() {
    one(
        ENVOY,
        "failure_policy: FAIL_RELOAD",
        "failure_policy: FAIL_OPEN",
        "failure_policy: lets everyone in",
    );
    one(
        ENVOY_FILTER,
        "failure_policy: FAIL_RELOAD",
        "failure_policy: FAIL_OPEN",
        "failure_policy: lets everyone in",
    );
    one(
        WASM_PLUGIN,
        "failStrategy: FAIL_RELOAD",
        "failStrategy: FAIL_OPEN",
        "spec.failStrategy: lets everyone in",
    );
    one(
        TRAFFIC_EXTENSION,
        "failStrategy: FAIL_RELOAD",
        "failStrategy: FAIL_OPEN",
        "spec.wasm.failStrategy: lets everyone in",
    );
    one(
        ENVOY_GATEWAY,
        "failOpen: false",
        "failOpen: true",
        "spec.wasm[0].failOpen: lets everyone in",
    );
    one(
        HIGRESS,
        "failStrategy: FAIL_CLOSE",
        "failStrategy: FAIL_OPEN",
        "spec.failStrategy: lets everyone in",
    );
}

#[test]
fn clusters_that_cannot_be_there_are_found() {
    one(
        ENVOY,
        "wechat: &wechat { cluster: wechat,",
        "wechat: &wechat { cluster: weixin,",
        "wechat.cluster: there is no cluster weixin",
    );
    one(
        WASM_PLUGIN,
        r#"wechat: { cluster: "outbound|443||api.weixin.qq.com","#,
        "wechat: &wechat { cluster: wechat,",
        "wechat.cluster: is wechat, and the platform's clusters are called outbound|",
    );
}

#[test]
fn messages_need_the_cluster_of_the_app() {
    let secret = "                                secret: { env: WX_SECRET }";
    let push = "                                push: { token: { env: WX_SECRET } }";
    let text = text(ENVOY);
    let with = text.replacen(secret, &format!("{secret}\n{push}"), 1);
    assert_eq!(findings(ENVOY, &with), Vec::<String>::new());
    let table = "                            push: { cluster: nowhere }";
    one(
        ENVOY,
        secret,
        &format!("{secret}\n{push}\n{table}"),
        "push.cluster: there is no cluster nowhere",
    );
}

#[test]
fn a_platform_with_an_app_needs_its_cluster() {
    let secret = "                                secret: { env: WX_SECRET }";
    let with = format!(
        "{secret}\n{}",
        "                              - { platform: douyin, appid: tt01, secret: { env: WX_SECRET } }"
    );
    let text = text(ENVOY);
    assert!(text.contains(secret));
    let found = findings(ENVOY, &text.replacen(secret, &with, 1));
    let [only] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert!(
        only.ends_with("douyin.cluster: there is no cluster douyin"),
        "{only}"
    );
    // It is asked for where its table is, and the table of a platform without an app asks for nothing.
    let table = "                            douyin: { cluster: dy }";
    one(
        ENVOY,
        secret,
        &format!("{with}\n{table}"),
        "douyin.cluster: there is no cluster dy",
    );
    let idle = text.replacen(secret, &format!("{secret}\n{table}"), 1);
    assert_eq!(findings(ENVOY, &idle), Vec::<String>::new());
}

/// As the platforms hand it to Envoy, and as a Spin manifest may have it.
#[test]
fn a_document_that_is_a_text_is_judged_line_by_line() {
    let filter = r#"
typed_config:
  "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
  config:
    name: wx-session
    vm_config: { environment_variables: { host_env_keys: [WX_SECRET] } }
    configuration:
      "@type": type.googleapis.com/google.protobuf.StringValue
      value: |
        {
          "apps": [{ "appid": "wx0123456789abcdef", "secret": { "env": "WX_SECRET" } }],
          "limits": { "body_bytes": 1 }
        }
"#;
    assert_eq!(
        findings("part.yaml", filter),
        ["12: limits.body_bytes: must be between 1024 and 1048576"]
    );
    let found = findings("part.yaml", &filter.replace("\"limits\"", "limits"));
    assert!(
        found.len() == 1 && found[0].starts_with("12: configuration: key must be a string"),
        "{found:?}"
    );
    let manifest = text("examples/spin-middleware/spin.toml");
    let wrong = manifest.replacen("\"routes\": [", "\"routs\": [", 1);
    let line = 1 + wrong
        .lines()
        .position(|line| line.contains("\"routs\""))
        .unwrap();
    let found = findings("spin.toml", &wrong);
    assert!(
        found.len() == 1
            && found[0].starts_with(&format!(
                "{line}: component.app.variables.wx_session_config: routs: unknown"
            )),
        "{found:?}"
    );
}

#[test]
fn the_document_alone_is_spins_and_a_file_without_one_is_refused() {
    one(
        "wx-session.json",
        "\"/healthz\"",
        "\"healthz\"",
        "routes[0].path: must begin with /",
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, text, said) in [
        (
            "a.yaml",
            "kind: WasmPlugin\nspec: { url: oci://REGISTRY/other:1, pluginConfig: {} }\n",
            "has no wx-session in it",
        ),
        ("b.yaml", "a: [\n", "is no YAML"),
        ("c.conf", "", "is no file that this command knows"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let error = format!("{:#}", check(&file).unwrap_err());
        assert!(error.contains(said), "{name}: {error}");
    }
}

#[test]
fn the_program_says_what_it_found_and_ends_with_1() {
    let run = |files: &[&Path]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_wx-session-check"));
        program.args(files).env_clear().output().unwrap()
    };
    let output = run(&[&root().join(ENVOY)]);
    assert_eq!(output.status.code(), Some(0));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(
        &file,
        text(ENVOY).replace("kind: shared_data", "kind: mysql"),
    )
    .unwrap();
    // One that is none of ours does not keep the others from being checked.
    let none = root().join("deploy/istio/gateway-env.yaml");
    let output = run(&[&none, &file]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains(&format!("{}:", file.display()))
            && said.contains(": store.kind: unknown variant"),
        "{said}"
    );
}

#[test]
fn editors_judge_the_document_where_it_stands() {
    let read = |path: &str| -> serde_json::Value { serde_json::from_str(&text(path)).unwrap() };
    let places = read("deploy/places.schema.json");
    let ours = read("deploy/wx-session.schema.json");
    let uri = |name: &str| format!("https://schema.invalid/{name}");
    let mut named = places.clone();
    named["$id"] = uri("places.schema.json").into();
    let registry = jsonschema::Registry::new()
        .add(
            uri("wx-session.schema.json"),
            jsonschema::Resource::from_contents(ours),
        )
        .unwrap()
        .prepare()
        .unwrap();
    let validator = jsonschema::options()
        .with_registry(&registry)
        .build(&named)
        .unwrap();
    let alone = jsonschema::validator_for(&read("deploy/wx-session.schema.json")).unwrap();
    assert!(alone.is_valid(&read("wx-session.json")));
    for path in shipped().iter().filter(|path| path.ends_with(".yaml")) {
        let text = text(path);
        let schema = text
            .lines()
            .find_map(|line| line.strip_prefix("# yaml-language-server: $schema="))
            .unwrap_or_default();
        let beside = root().join(path).parent().unwrap().join(schema);
        assert!(
            beside.ends_with("places.schema.json") && beside.is_file(),
            "{path} names no schema: {schema}"
        );
        let document = |text: &str| wx_session_check::to_json(text).unwrap();
        assert!(validator.is_valid(&document(&text)), "{path}");
        let wrong = text.replacen("idle_timeout_s: 7200", "idle_timeout: 7200", 1);
        assert!(
            !validator.is_valid(&document(&wrong)),
            "{path}: the place is not known"
        );
    }
}
