//! The Spin manifests of the repository, held against what Spin does with them. There is no Spin here to refuse them:
//! it would pass over most of these faults without a word anyway, and the component would fail at its first request.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use project::root;
use project::{Build, Manifest};
use serde_json::Value;
use spin_host::{SpinHost, Upstream, components};
use testkit::client::{Request, Response, send};
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, WechatServer};
use wx_session_core::Config;
use wx_session_core::config::{HostKind, HostStore, StoreKind};

const SERVICE: &str = "spin.toml";
const MIDDLEWARE: &str = "examples/spin-middleware/spin.toml";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const TIMEOUT: Duration = Duration::from_secs(10);

/// What wx-session needs of Spin, as its configuration document says.
struct Needs {
    key_value_stores: BTreeSet<String>,
    outbound_hosts: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

#[test]
fn the_service_has_what_its_document_needs_and_no_more() {
    let manifest = Manifest::read(SERVICE).unwrap();
    let service = &manifest.document["component"]["wx-session"];
    let document = document_of_the_service(&manifest);
    let mut needs = needs(&document);
    needs
        .outbound_hosts
        .insert(accepted(&document).upstream_url);
    assert_eq!(names(&service["key_value_stores"]), needs.key_value_stores);
    assert_eq!(
        names(&service["allowed_outbound_hosts"]),
        needs.outbound_hosts
    );
    assert_eq!(keys(&service["variables"]), needs.secrets);
}

#[test]
fn what_a_comment_says_of_redis_is_so() {
    let manifest = Manifest::read(SERVICE).unwrap();
    let text = std::fs::read_to_string(root().join(SERVICE)).unwrap();
    let comment = |start: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("# "));
        let line = lines.find(|line| line.trim_start().starts_with(start));
        line.unwrap().trim().to_owned()
    };
    let store = comment("\"store\":");
    let store: Value =
        serde_json::from_str(&format!("{{{}}}", store.trim_end_matches(','))).unwrap();
    let mut document = document_of_the_service(&manifest);
    document["store"] = store["store"].clone();
    let mut needs = needs(&document);
    needs
        .outbound_hosts
        .insert(accepted(&document).upstream_url);
    let component: Value = toml::from_str(&comment("allowed_outbound_hosts")).unwrap();
    assert_eq!(
        names(&component["allowed_outbound_hosts"]),
        needs.outbound_hosts
    );
    assert_eq!(needs.key_value_stores, BTreeSet::new());
}

#[test]
fn the_app_behind_the_service_has_no_address_outside() {
    let manifest = Manifest::read(SERVICE).unwrap();
    let triggers = manifest.document["trigger"]["http"].as_array().unwrap();
    let route_of = |component: &str| {
        let mut of_it = triggers.iter().filter(|one| one["component"] == component);
        let route = of_it.next().unwrap()["route"].clone();
        assert!(of_it.next().is_none(), "{component} has two triggers");
        route
    };
    assert_eq!(route_of("wx-session"), "/...");
    assert_eq!(route_of("app"), serde_json::json!({ "private": true }));
    let reached = accepted(&document_of_the_service(&manifest)).upstream_url;
    assert_eq!(reached, "http://app.spin.internal");
}

#[test]
fn a_middleware_inherits_what_it_uses_and_the_app_holds_it() {
    let manifest = Manifest::read(MIDDLEWARE).unwrap();
    let triggers = manifest.document["trigger"]["http"].as_array().unwrap();
    let [trigger] = triggers.as_slice() else {
        panic!("one trigger: a second would lead past the middleware");
    };
    let chain = trigger["dependencies"]["middleware"].as_array().unwrap();
    let [middleware] = chain.as_slice() else {
        panic!("one middleware");
    };
    assert_eq!(middleware["component"], "wx-session");

    let app = &manifest.document["component"][trigger["component"].as_str().unwrap()];
    let document = app["variables"]["wx_session_config"].as_str().unwrap();
    // Spin would look for a variable there.
    assert!(!document.contains("{{"));
    let document = serde_json::from_str(document).unwrap();
    let needs = needs(&document);
    assert_eq!(names(&app["key_value_stores"]), needs.key_value_stores);
    assert_eq!(names(&app["allowed_outbound_hosts"]), needs.outbound_hosts);
    let mut variables = needs.secrets;
    variables.insert("wx_session_config".to_owned());
    assert_eq!(keys(&app["variables"]), variables);

    // Spin's names for them; it ignores all others: `CAPABILITY_SETS` in its crate `capabilities`.
    let used = ["key_value_stores", "variables", "allowed_outbound_hosts"];
    let used: BTreeSet<_> = used.map(str::to_owned).into();
    assert_eq!(names(&middleware["inherit_configuration"]), used);
}

#[test]
fn a_middleware_declares_no_resources() {
    let manifest = Manifest::read(MIDDLEWARE).unwrap();
    let declared = keys(&manifest.document["component"]["wx-session"]);
    assert_eq!(declared, ["build", "source"].map(str::to_owned).into());
}

#[test]
fn both_ways_take_one_and_the_same_document() {
    let service = document_of_the_service(&Manifest::read(SERVICE).unwrap());
    let manifest = Manifest::read(MIDDLEWARE).unwrap();
    let text = &manifest.document["component"]["app"]["variables"]["wx_session_config"];
    let middleware: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    assert_eq!(service, middleware);
}

#[test]
fn secrets_are_required_secret_and_not_in_the_manifest() {
    for path in [SERVICE, MIDDLEWARE] {
        let document = Manifest::read(path).unwrap().document;
        let variables = document["variables"].as_object().unwrap();
        let required = serde_json::json!({ "required": true, "secret": true });
        assert!(variables.values().all(|one| *one == required), "{path}");
        let components = document["component"].as_object().unwrap();
        let given = components
            .values()
            .filter_map(|one| one["variables"].as_object());
        for (name, value) in given
            .flatten()
            .filter(|(name, _)| *name != "wx_session_config")
        {
            assert_eq!(value, &format!("{{{{ {name} }}}}"), "{path}");
            assert!(variables.contains_key(name), "{path}: {name}");
        }
    }
}

#[test]
fn sources_are_where_the_builds_write() {
    let mut written = Vec::new();
    for path in [SERVICE, MIDDLEWARE] {
        let builds = Manifest::read(path).unwrap().builds().unwrap();
        for build in builds {
            assert_eq!(build.source, written_by(&build), "{path}");
            written.push((build.source, build.command));
        }
    }
    // Two builds into one file: Spin would run whichever came last.
    for (source, command) in &written {
        let same = written.iter().filter(|(other, _)| other == source);
        assert!(
            same.clone().all(|(_, other)| other == command),
            "{source:?}"
        );
    }
}

/// Where cargo puts what a manifest's command builds.
fn written_by(build: &Build) -> PathBuf {
    let mut words = build.command.split(' ');
    assert_eq!((words.next(), words.next()), (Some("cargo"), Some("build")));
    let mut target_folder = "target";
    let (mut profile, mut triple, mut package) = ("debug", "", "");
    while let Some(word) = words.next() {
        match word {
            "--release" => profile = "release",
            "--target" => triple = words.next().unwrap(),
            "--target-dir" => target_folder = words.next().unwrap(),
            "-p" => package = words.next().unwrap(),
            "--features" => assert_eq!(words.next(), Some("middleware")),
            other => panic!("{other} in {}", build.command),
        }
    }
    assert_eq!(build.folder, root());
    let file = format!("{}.wasm", package.replace('-', "_"));
    let folder = root().join(target_folder).join(triple).join(profile);
    folder.join(file)
}

/// The document that the manifest ships where the component looks for it.
fn document_of_the_service(manifest: &Manifest) -> Value {
    let files = &manifest.document["component"]["wx-session"]["files"];
    // By its name alone, it is in the component's root folder.
    assert_eq!(*files, serde_json::json!(["wx-session.json"]));
    let text = std::fs::read_to_string(manifest.path("wx-session.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn needs(document: &Value) -> Needs {
    let config = accepted(document);
    let authority = document.pointer("/wechat/authority");
    let wechat = authority
        .and_then(Value::as_str)
        .unwrap_or("api.weixin.qq.com");
    let mut outbound_hosts = BTreeSet::from([format!("https://{wechat}")]);
    let mut key_value_stores = BTreeSet::new();
    match config.store {
        StoreKind::OfHost(HostStore::SpinKeyValue { label }) => {
            key_value_stores.insert(label);
        }
        StoreKind::OfHost(HostStore::SpinRedis { address, .. }) => {
            outbound_hosts.insert(address.expose().to_owned());
        }
        other => panic!("{other:?}"),
    }
    let names = Config::secret_names(&document.to_string());
    Needs {
        key_value_stores,
        outbound_hosts,
        secrets: names.iter().map(|name| name.to_lowercase()).collect(),
    }
}

fn accepted(document: &Value) -> Config {
    let secret = |_: &str| Some(SECRET.to_owned());
    Config::from_json(&document.to_string(), HostKind::Spin, &secret).unwrap()
}

fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn keys(table: &Value) -> BTreeSet<String> {
    table.as_object().unwrap().keys().cloned().collect()
}

/// The host gives a component what the manifest gives it, and nothing else.
fn started(component: &[u8], holder: &Value, document: &Value, folder: Option<PathBuf>) -> Running {
    let appid = document["apps"][0]["appid"].as_str().unwrap();
    let wechat = FakeWechat::new(appid, SECRET);
    let wechat_server = wechat.serve_plain();
    let app = FakeApp::start();
    let mut gives = spin_host::Manifest {
        files: folder,
        key_value_stores: names(&holder["key_value_stores"]).into_iter().collect(),
        ..Default::default()
    };
    for (name, value) in holder["variables"].as_object().unwrap() {
        let value = value.as_str().unwrap().replace("{{ wx_secret }}", SECRET);
        gives.variables.insert(name.clone(), value);
    }
    for host in names(&holder["allowed_outbound_hosts"]) {
        let host = host.split_once("://").unwrap().1;
        let address = match host {
            "app.spin.internal" => app.addr(),
            _ => wechat_server.addr(),
        };
        gives
            .outbound
            .insert(host.to_owned(), Upstream::plain(address));
    }
    Running {
        host: SpinHost::start(component, gives).unwrap(),
        wechat,
        app,
        _wechat_server: wechat_server,
    }
}

struct Running {
    host: SpinHost,
    wechat: FakeWechat,
    app: FakeApp,
    _wechat_server: WechatServer,
}

impl Running {
    fn send(&self, request: &Request) -> Response {
        send(self.host.addr(), request, TIMEOUT).unwrap()
    }

    /// Somebody with a fresh session.
    fn token(&self) -> String {
        let code = self.wechat.phone("ming").login();
        let login = Request::post("/wx/login").json(&serde_json::json!({ "code": code }));
        let answer = self.send(&login).json().unwrap();
        answer["data"]["token"].as_str().unwrap().to_owned()
    }
}

#[test]
fn the_service_runs_on_what_the_manifest_gives_it() {
    let manifest = Manifest::read(SERVICE).unwrap();
    let document = document_of_the_service(&manifest);
    let folder = tempfile::tempdir().unwrap();
    let text = document.to_string();
    std::fs::write(folder.path().join("wx-session.json"), text).unwrap();
    let running = started(
        &spin_host::service().unwrap(),
        &manifest.document["component"]["wx-session"],
        &document,
        Some(folder.path().to_path_buf()),
    );
    assert_eq!(running.send(&Request::get("/orders")).status, 401);
    let token = running.token();
    let call = Request::get("/orders").header("X-WX-Skey", token);
    assert_eq!(running.send(&call).status, 200);
    assert_eq!(running.app.take()[0].count("x-wx-openid"), 1);
}

#[test]
fn the_example_app_greets_whom_the_middleware_lets_through() {
    let manifest = Manifest::read(MIDDLEWARE).unwrap();
    let app = &manifest.document["component"]["app"];
    let document = app["variables"]["wx_session_config"].as_str().unwrap();
    let example = components::component("example-app").unwrap();
    let component = components::compose(spin_host::middleware().unwrap(), example).unwrap();
    let document = serde_json::from_str(document).unwrap();
    let running = started(&component, app, &document, None);
    assert_eq!(running.send(&Request::get("/orders")).status, 401);
    let greeting = |request: &Request| running.send(request).text();
    let public = Request::get("/public/hello").header("X-WX-OPENID", "admin");
    assert!(greeting(&public).starts_with("Hello, whoever you are.\n\nGET /public/hello\n"));
    let call = Request::get("/orders").header("X-WX-Skey", running.token());
    let openid = running.wechat.phone("ming").openid();
    assert!(greeting(&call).starts_with(&format!("Hello, {openid}.\n")));
}
