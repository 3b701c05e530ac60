//! The shipped manifests, and each of them with one thing wrong.

use std::path::{Path, PathBuf};

use super::check;

const SERVICE: &str = "spin.toml";
const MIDDLEWARE: &str = "examples/spin-middleware/spin.toml";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn shipped(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn findings(path: &str, text: &str) -> Vec<String> {
    let found = check(&root().join(path), text).unwrap();
    found
        .into_iter()
        .map(|one| format!("{}: {}: {}", one.line, one.field, one.problem))
        .collect()
}

/// With `old` written as `new`, this must be found and nothing else, at the line where `new` begins.
#[track_caller]
fn one(path: &str, (old, new): (&str, &str), field: &str, problem: &str) {
    let text = shipped(path);
    assert!(text.contains(old), "{old}");
    let changed = text.replacen(old, new, 1);
    let found = findings(path, &changed);
    let [only] = found.as_slice() else {
        panic!("{new}: {found:#?}");
    };
    assert!(
        only.contains(field) && only.contains(problem),
        "{new}: {only}"
    );
}

#[test]
fn what_is_shipped_is_right() {
    for path in [SERVICE, MIDDLEWARE] {
        assert_eq!(findings(path, &shipped(path)), [""; 0], "{path}");
    }
}

/// As docs/wechat-api.md has it.
const DOOR: &str = r#"
[[trigger.http]]
route = { private = true }
component = "wechat-api"

[component.wechat-api]
source = "wx_session_spin.wasm"
key_value_stores = ["default"]
allowed_outbound_hosts = ["https://api.weixin.qq.com"]

[component.wechat-api.variables]
wx_secret = "{{ wx_secret }}"
wx_session_config = '{ "apps": [{ "appid": "wx0123456789abcdef", "secret": { "env": "WX_SECRET" } }], "wechat_api": { "allow": ["/wxa/getwxacodeunlimit"] } }'
"#;

#[test]
fn a_door_to_wechats_api_is_right_and_found_where_anybody_could_use_it() {
    let text = shipped(SERVICE) + DOOR;
    assert_eq!(findings(SERVICE, &text), [""; 0]);
    let public = DOOR.replacen("{ private = true }", "\"/api/...\"", 1);
    let found = findings(SERVICE, &(shipped(SERVICE) + &public));
    assert!(
        found.len() == 1 && found[0].contains("in your name"),
        "{found:?}"
    );
}

#[test]
fn a_misspelt_dependency_that_leaves_the_app_open_is_found_with_its_line() {
    for name in ["middlewares", "middlewear", "Middleware", "midleware"] {
        let text = shipped(MIDDLEWARE);
        let text = text.replacen(
            "dependencies.middleware",
            &format!("dependencies.{name}"),
            1,
        );
        let found = findings(MIDDLEWARE, &text);
        let line = 1 + text.lines().position(|line| line.contains(name)).unwrap();
        let expected = format!("{line}: trigger.http[0].dependencies.{name}: ");
        assert!(
            found.iter().any(|one| one.starts_with(&expected)),
            "{found:#?}"
        );
        // And that nothing of ours stands before the app.
        assert!(
            found
                .iter()
                .any(|one| one.contains("no request reaches it")),
            "{found:#?}"
        );
    }
}

#[test]
fn a_second_name_beside_the_right_one_is_found() {
    let two = "dependencies.middlewares = []\ndependencies.middleware";
    one(
        MIDDLEWARE,
        ("dependencies.middleware", two),
        "trigger.http[0].dependencies.middlewares",
        "the app is open",
    );
}

#[test]
fn a_trigger_without_the_middleware_is_found() {
    let second = "[[trigger.http]]\nroute = \"/admin/...\"\ncomponent = \"app\"\n\n[component.app]";
    one(
        MIDDLEWARE,
        ("[component.app]", second),
        "trigger.http[1]",
        "past wx-session",
    );
    let private = second.replace("\"/admin/...\"", "{ private = true }");
    let text = shipped(MIDDLEWARE).replacen("[component.app]", &private, 1);
    assert_eq!(findings(MIDDLEWARE, &text), [""; 0]);
}

#[test]
fn what_a_middleware_does_not_inherit_is_found() {
    for (name, misspelt) in [
        ("\"key_value_stores\"", "\"key_value_store\""),
        ("\"variables\"", "\"variable\""),
        ("\"allowed_outbound_hosts\"", "\"allowed_outbound_host\""),
    ] {
        let list = "inherit_configuration = [\"key_value_stores\", \"variables\", \"allowed_outbound_hosts\"]";
        let text = shipped(MIDDLEWARE);
        assert!(text.contains(list));
        let lacking = text.replacen(list, &list.replace(name, misspelt), 1);
        let found = findings(MIDDLEWARE, &lacking);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(
            found.iter().any(|one| one.contains("passes over")),
            "{found:#?}"
        );
        assert!(
            found
                .iter()
                .any(|one| one.contains(&format!("lacks {name}"))),
            "{found:#?}"
        );
        let all = text.replacen(list, "inherit_configuration = true", 1);
        assert_eq!(findings(MIDDLEWARE, &all), [""; 0]);
        for nothing in [
            "inherit_configuration = false",
            "inherit_configuration = []",
        ] {
            let none = text.replacen(list, nothing, 1);
            assert_eq!(findings(MIDDLEWARE, &none).len(), 3, "{nothing}");
        }
    }
}

#[test]
fn resources_that_the_component_lacks_are_found() {
    for (path, holder) in [
        (SERVICE, "component.wx-session"),
        (MIDDLEWARE, "component.app"),
    ] {
        one(
            path,
            (
                "\nkey_value_stores = [\"default\"]",
                "\nkey_value_stores = [\"defualt\"]",
            ),
            &format!("{holder}.key_value_stores"),
            "lacks \"default\"",
        );
        one(
            path,
            (
                "\nallowed_outbound_hosts = [\"https://api.weixin.qq.com\"",
                "\nallowed_outbound_hosts = [\"https://api.wexin.qq.com\"",
            ),
            &format!("{holder}.allowed_outbound_hosts"),
            "lacks \"https://api.weixin.qq.com\"",
        );
        one(
            path,
            (
                "\nwx_secret = \"{{ wx_secret }}\"",
                "\nwx_secert = \"{{ wx_secret }}\"",
            ),
            &format!("{holder}.variables"),
            "lacks wx_secret",
        );
        one(
            path,
            (
                "\nwx_secret = \"{{ wx_secret }}\"",
                "\nwx_secret = \"{{ wx_secert }}\"",
            ),
            &format!("{holder}.variables.wx_secret"),
            "[variables] has no wx_secert",
        );
        one(
            path,
            (
                "\nwx_secret = \"{{ wx_secret }}\"",
                "\nwx_secret = \"0123456789abcdef\"",
            ),
            &format!("{holder}.variables.wx_secret"),
            "a secret stands in the manifest",
        );
    }
}

#[test]
fn an_app_that_can_be_asked_past_the_service_is_found() {
    one(
        SERVICE,
        ("route = { private = true }", "route = \"/app/...\""),
        "trigger.http[1].route",
        "past wx-session",
    );
    one(
        SERVICE,
        ("component = \"app\"", "component = \"other\""),
        "component.wx-session",
        "no trigger has a component app",
    );
}

/// A service and a middleware whose configuration comes in when Spin starts.
fn with_a_configuration_from_elsewhere(path: &str) -> String {
    let from_elsewhere = "wx_session_config = \"{{ wx_session_config }}\"";
    let declared = "[variables]\nwx_session_config = { required = true }\n";
    let text = shipped(path).replacen("[variables]\n", declared, 1);
    if path == SERVICE {
        let secret = "\nwx_secret = \"{{ wx_secret }}\"";
        return text.replacen(secret, &format!("{secret}\n{from_elsewhere}"), 1);
    }
    let (before, rest) = text.split_once("wx_session_config = '''").unwrap();
    let (_, after) = rest.split_once("'''").unwrap();
    format!("{before}{from_elsewhere}{after}")
}

#[test]
fn a_manifest_whose_configuration_is_elsewhere_is_judged_without_it() {
    let service = with_a_configuration_from_elsewhere(SERVICE);
    assert_eq!(findings(SERVICE, &service), [""; 0]);
    let public = service.replacen("route = { private = true }", "route = \"/app/...\"", 1);
    let found = findings(SERVICE, &public);
    assert!(
        found.len() == 1 && found[0].contains("past wx-session"),
        "{found:#?}"
    );
    let undeclared = service.replacen("wx_session_config = { required = true }\n", "", 1);
    let found = findings(SERVICE, &undeclared);
    assert!(
        found.len() == 1 && found[0].contains("[variables] has no wx_session_config"),
        "{found:#?}"
    );

    let middleware = with_a_configuration_from_elsewhere(MIDDLEWARE);
    assert_eq!(findings(MIDDLEWARE, &middleware), [""; 0]);
    let list =
        "inherit_configuration = [\"key_value_stores\", \"variables\", \"allowed_outbound_hosts\"]";
    let typos = "inherit_configuration = [\"key_value_store\", \"variable\"]";
    let found = findings(MIDDLEWARE, &middleware.replacen(list, typos, 1));
    for problem in [
        "passes over \"key_value_store\"",
        "passes over \"variable\"",
        "lacks \"variables\"",
        "lacks \"allowed_outbound_hosts\"",
    ] {
        assert!(found.iter().any(|one| one.contains(problem)), "{found:#?}");
    }
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn a_wildcard_hides_no_app_that_can_be_asked_past_the_service() {
    let service = with_a_configuration_from_elsewhere(SERVICE);
    for wildcard in ["http://*.spin.internal", "http://*:*"] {
        let named = "\"http://app.spin.internal\"]\n\n";
        assert!(service.contains(named));
        let text = service.replacen(named, &format!("\"{wildcard}\"]\n\n"), 1);
        assert_eq!(findings(SERVICE, &text), [""; 0], "{wildcard}");
        let public = text.replacen("route = { private = true }", "route = \"/app/...\"", 1);
        let found = findings(SERVICE, &public);
        assert!(
            found.len() == 1 && found[0].contains("app can be asked here past wx-session"),
            "{wildcard}: {found:#?}"
        );
    }
}

#[test]
fn the_app_is_known_by_its_host_whatever_its_port() {
    let config = r#"wx_session_config = '{ "apps": [{ "appid": "wx0123456789abcdef", "secret": { "env": "WX_SECRET" } }], "upstream": { "url": "http://app.spin.internal:80" } }'"#;
    let secret = "\nwx_secret = \"{{ wx_secret }}\"";
    let text = shipped(SERVICE).replacen(secret, &format!("{secret}\n{config}"), 1);
    assert_eq!(findings(SERVICE, &text), [""; 0]);
    let public = text.replacen("route = { private = true }", "route = \"/app/...\"", 1);
    let found = findings(SERVICE, &public);
    assert!(
        found.len() == 1 && found[0].contains("past wx-session"),
        "{found:#?}"
    );
}

#[test]
fn a_component_may_stand_in_its_trigger() {
    let text = shipped(MIDDLEWARE);
    let (before, app) = text.split_once("[component.app]\n").unwrap();
    // One more trigger with a component of its own: that is another app.
    let other = "[[trigger.http]]\nroute = \"/other\"\ncomponent = { source = \"other.wasm\" }\n";
    let both = format!("{before}{other}\n[component.app]\n{app}");
    assert_eq!(findings(MIDDLEWARE, &both), [""; 0]);

    let inline = |config: &str| {
        format!(
            r#"spin_manifest_version = 2
application = {{ name = "a", version = "1.0.0" }}

[variables]
wx_secret = {{ required = true }}

[[trigger.http]]
route = "/..."
dependencies.middleware = [{{ component = "wx-session", inherit_configuration = true }}]

[trigger.http.component]
source = "app.wasm"
key_value_stores = ["default"]
allowed_outbound_hosts = ["https://api.weixin.qq.com"]

[trigger.http.component.variables]
wx_secret = "{{{{ wx_secret }}}}"
wx_session_config = '{{ "apps": [{{ "appid": "wx0123456789abcdef", "secret": {{ "env": "WX_SECRET" }} }}]{config} }}'

[component.wx-session]
source = "wx_session_spin_middleware.wasm"
"#
        )
    };
    assert_eq!(findings(MIDDLEWARE, &inline("")), [""; 0]);
    let found = findings(MIDDLEWARE, &inline(", \"routs\": []"));
    assert!(
        found.len() == 1
            && found[0].contains("trigger.http[0].component.variables.wx_session_config: routs"),
        "{found:#?}"
    );

    // wx-session itself may stand there too.
    let service = shipped(SERVICE);
    let (before, rest) = service.split_once("component = \"wx-session\"\n").unwrap();
    let (between, own) = rest.split_once("[component.wx-session]\n").unwrap();
    let (own, after) = own.split_once("# An app that answers").unwrap();
    let own = own.replace("[component.wx-session.", "[trigger.http.component.");
    let inline = format!("{before}\n[trigger.http.component]\n{own}\n{between}# An app{after}");
    assert_eq!(findings(SERVICE, &inline), [""; 0]);
    let public = inline.replacen("route = { private = true }", "route = \"/app/...\"", 1);
    let found = findings(SERVICE, &public);
    assert!(
        found.len() == 1 && found[0].contains("past wx-session"),
        "{found:#?}"
    );
}

#[test]
fn the_configuration_itself_is_checked() {
    one(
        MIDDLEWARE,
        ("\"cache_ttl_s\": 5", "\"cache_ttl_s\": 500"),
        "component.app.variables.wx_session_config",
        "session.cache_ttl_s",
    );
    one(
        MIDDLEWARE,
        (
            "\"store\": { \"kind\": \"spin_kv\" }",
            "\"store\": {{ \"kind\": \"spin_kv\" }",
        ),
        "component.app.variables.wx_session_config",
        "{{",
    );
    let redis = "\"store\": { \"kind\": \"spin_redis\", \"address\": \"redis://10.0.0.1:6379\" }";
    one(
        MIDDLEWARE,
        ("\"store\": { \"kind\": \"spin_kv\" }", redis),
        "component.app.allowed_outbound_hosts",
        "lacks \"redis://10.0.0.1:6379\"",
    );
    one(
        SERVICE,
        ("files = [\"wx-session.json\"]", "files = []"),
        "component.wx-session",
        "there is no configuration",
    );
}

#[test]
fn what_spin_refuses_to_start_with_is_found_too() {
    let source = "[component.wx-session]\nkey_value_stores = [\"default\"]";
    one(
        MIDDLEWARE,
        ("[component.wx-session]", source),
        "component.wx-session.key_value_stores",
        "declares no resources",
    );
    one(
        MIDDLEWARE,
        (" --features middleware", ""),
        "component.wx-session.build.command",
        "builds the service",
    );
    one(
        SERVICE,
        (
            "component = \"wx-session\"\n",
            "component = \"wx-session\"\nmiddleware = []\n",
        ),
        "trigger.http[0].middleware",
        "is no field of a trigger",
    );
}

#[test]
fn a_manifest_without_us_is_told_so() {
    let text = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"app\"\n\n[component.app]\nsource = \"app.wasm\"\n";
    let found = check(Path::new("spin.toml"), text).unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].problem.contains("wx_session_spin.wasm"));
}
