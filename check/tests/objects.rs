//! Objects of Kubernetes as people write them: several in one, one in another, with what YAML lets them share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use std::path::Path;

use support::files::{ENVOY, ENVOY_GATEWAY, WASM_PLUGIN, findings, text};
use support::root;
use wx_session_check::check;

const WRONG: (&str, &str) = ("idle_timeout_s: 7200", "idle_timeout: 7200");

/// All its lines further to the right.
fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

/// That only this is found, and where.
#[track_caller]
fn found_there(file: &str, text: &str) {
    let line = 1 + text
        .lines()
        .position(|line| line.contains(WRONG.1))
        .unwrap();
    let expected = format!("{line}: session.idle_timeout: unknown field");
    let found = findings(file, text);
    assert!(
        found.len() == 1 && found[0].starts_with(&expected),
        "{expected}: {found:#?}"
    );
}

#[test]
fn merge_keys_are_what_kubectl_makes_of_them() {
    let session = "    session:\n";
    let shared = text(WASM_PLUGIN)
        .replacen("spec:\n", "x: &usual { max_per_user: 3 }\nspec:\n", 1)
        .replacen(session, "    session:\n      <<: *usual\n", 1);
    assert_eq!(findings("a.yaml", &shared), [""; 0]);
    // Envoy knows none.
    let session = "session: &session\n";
    let shared = text(ENVOY).replacen(
        session,
        "session: &session\n                              <<: { max_per_user: 3 }\n",
        1,
    );
    let found = findings("a.yaml", &shared);
    assert!(
        found.len() == 1 && found[0].contains("session.<<"),
        "{found:#?}"
    );
}

#[test]
fn objects_in_a_list_are_found() {
    let mut list = "apiVersion: v1\nkind: List\nitems:\n".to_owned();
    for path in [WASM_PLUGIN, ENVOY_GATEWAY] {
        list += "  -\n";
        list += &indented(&text(path), "    ");
    }
    assert_eq!(findings("list.yaml", &list), [""; 0]);
    found_there("list.yaml", &list.replacen(WRONG.0, WRONG.1, 1));
}

#[test]
fn files_in_a_config_map_are_found() {
    let head = "kind: ConfigMap\nmetadata: { name: envoy }\ndata:\n  motd: wx-session {\n  envoy.yaml: |\n";
    let map = head.to_owned() + &indented(&text(ENVOY), "    ");
    assert_eq!(findings("map.yaml", &map), [""; 0]);
    found_there("map.yaml", &map.replacen(WRONG.0, WRONG.1, 1));
    let broken = findings(
        "map.yaml",
        &(head.to_owned() + "    # wx-session\n    a: [\n"),
    );
    assert!(
        broken.len() == 1
            && broken[0].contains("data.envoy.yaml: ")
            && broken[0].contains("no YAML"),
        "{broken:#?}"
    );
}

#[test]
fn what_others_call_apps_in_a_config_map_is_not_judged() {
    let map = |name: &str, entry: &str, text: &str| {
        format!("kind: ConfigMap\nmetadata: {{ name: {name} }}\ndata:\n  {entry}: |\n")
            + &indented(text, "    ")
    };
    let shipped = text(WASM_PLUGIN);
    for other in [
        "apps:\n  - name: shop\n    path: /shop\n",
        "apps: { shop: 1 }\n",
        "apps: []\n",
    ] {
        let both = format!("{shipped}---\n{}", map("argo", "config.yaml", other));
        assert_eq!(findings("both.yaml", &both), [""; 0], "{other}");
        // By one of these names it is ours, however wrong.
        for (name, entry) in [("wx-session", "config.yaml"), ("a", "wx-session.yaml")] {
            let found = findings("map.yaml", &map(name, entry, other));
            assert!(
                found.len() == 1 && found[0].contains(": apps"),
                "{found:#?}"
            );
        }
    }
    let ours = "routes: []\nsession:\n  idle_timeout_s: 7200\napps:\n  - secret: { env: WX_SECRET }\n    appid: wx0123456789abcdef\n";
    let ours = map("a", "config.yaml", ours);
    assert_eq!(findings("map.yaml", &ours), [""; 0]);
    found_there("map.yaml", &ours.replacen(WRONG.0, WRONG.1, 1));
}

#[test]
fn a_policy_with_several_filters_has_ours_judged_and_no_other() {
    let other = "  wasm:\n    - name: other\n      code: { type: Image, image: { url: other:1 } }\n      failOpen: true\n      config: { a: 1 }\n";
    let both = text(ENVOY_GATEWAY).replacen("  wasm:\n", other, 1);
    assert_eq!(findings("policy.yaml", &both), [""; 0]);
    // By its image alone, by the policy's name alone.
    let image = text(ENVOY_GATEWAY).replace("name: wx-session", "name: auth");
    let image = image.replace("REGISTRY/", "registry.example.com/team/");
    found_there("policy.yaml", &image.replacen(WRONG.0, WRONG.1, 1));
    let policy = text(ENVOY_GATEWAY).replace("    - name: wx-session", "    - name: auth");
    let policy = policy.replace("REGISTRY/wx-session", "REGISTRY/login");
    found_there("policy.yaml", &policy.replacen(WRONG.0, WRONG.1, 1));
}

#[test]
fn what_is_called_json_is_read_as_json() {
    let shipped = std::fs::read_to_string(root().join("wx-session.json")).unwrap();
    let emoji = shipped.replacen("\"/healthz\"", r#""/\ud83d\ude00""#, 1);
    assert_ne!(emoji, shipped);
    assert_eq!(findings("wx-session.json", &emoji), [""; 0]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(Path::new("wx-session.json"));
    std::fs::write(&file, "apps: []\n").unwrap();
    let error = format!("{:#}", check(&file).unwrap_err());
    assert!(error.contains("is no JSON"), "{error}");
}
