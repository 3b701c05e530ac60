//! Applications as their manifests say, started in the way in which `spin up` starts them.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use project::Manifest;
use project::root;
use spin_host::{Application, SpinHost, Upstream};
use tempfile::TempDir;
use testkit::client::{self, Request};
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::FakeWechat;
use testkit::spin::{Outside, Runner, SpinEdge};

use crate::rig::spin_world::{TIMEOUT, login_with, token};
use crate::rig::{APPID, SECRET};

const MIDDLEWARE: &str = "examples/spin-middleware/spin.toml";

fn environment(name: &str) -> Option<String> {
    (name == "SPIN_VARIABLE_WX_SECRET").then(|| SECRET.to_owned())
}

/// A manifest of the repository with `old` written as `new`, and its paths made whole.
struct Altered {
    folder: TempDir,
}

impl Altered {
    fn new(path: &str, (old, new): (&str, &str)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(root().join(path)).unwrap();
        assert!(text.contains(old), "{old}");
        let text = text.replacen(old, new, 1);
        let text = text.replace(
            "\"../../target/",
            &format!("\"{}/target/", root().display()),
        );
        let text = text.replace(
            "source = \"target/",
            &format!("source = \"{}/target/", root().display()),
        );
        fs::write(folder.path().join("spin.toml"), text).unwrap();
        let document = root().join("wx-session.json");
        fs::copy(document, folder.path().join("wx-session.json")).unwrap();
        Self { folder }
    }

    fn load(&self) -> anyhow::Result<Application> {
        Application::load(&self.folder.path().join("spin.toml"), &environment)
    }
}

fn build(path: &str) {
    for build in Manifest::read(path).unwrap().builds().unwrap() {
        build.run().unwrap();
    }
}

/// The application, with a WeChat that is here.
fn serve(application: &Application, wechat: SocketAddr) -> SpinHost {
    let mut manifest = application.manifest.clone();
    let at = Upstream::plain(wechat);
    manifest
        .outbound
        .insert("https://api.weixin.qq.com".into(), at);
    SpinHost::start(&application.component, manifest).unwrap()
}

fn status(host: &SpinHost, path: &str) -> u16 {
    let answer = client::send(host.addr(), &Request::get(path), TIMEOUT);
    answer.unwrap().status
}

#[test]
fn the_shipped_manifests_start_and_nobody_passes_without_a_session() {
    for path in ["spin.toml", MIDDLEWARE] {
        build(path);
        let wechat = FakeWechat::new(APPID, SECRET);
        let server = wechat.serve_plain();
        let application = Application::load(&root().join(path), &environment).unwrap();
        // Spin names the log after the trigger's component, also what a middleware writes.
        let expected = if path == MIDDLEWARE {
            "app"
        } else {
            "wx-session"
        };
        assert_eq!(application.id, expected);
        let host = serve(&application, server.addr());
        assert_eq!(status(&host, "/orders"), 401, "{path}");
        assert_eq!(status(&host, "/public/hello"), 200, "{path}");
    }
}

#[test]
fn a_misspelt_middleware_is_passed_over_and_the_app_is_open() {
    build(MIDDLEWARE);
    let misspelt = ("dependencies.middleware", "dependencies.middlewares");
    let application = Altered::new(MIDDLEWARE, misspelt).load().unwrap();
    let host = serve(&application, SocketAddr::from(([127, 0, 0, 1], 9)));
    assert_eq!(status(&host, "/orders"), 200);
}

#[test]
fn what_spin_does_not_start_with_does_not_start_here_either() {
    build("spin.toml");
    build(MIDDLEWARE);
    for (path, change, problem) in [
        (
            "spin.toml",
            ("files = [\"wx-session.json\"]", "files = [\"wx.json\"]"),
            "wx.json",
        ),
        (
            "spin.toml",
            (
                "key_value_stores = [\"default\"]",
                "key_value_stores = [\"wx\"]",
            ),
            "label",
        ),
        (
            "spin.toml",
            (
                "wx_secret = \"{{ wx_secret }}\"",
                "wx_secret = \"{{ other }}\"",
            ),
            "other",
        ),
        (
            MIDDLEWARE,
            ("\"routes\": [", "\"x\": {{ \"a\": 1 }, \"routes\": ["),
            "{{",
        ),
        (
            MIDDLEWARE,
            (
                "[component.wx-session]",
                "[component.wx-session]\nkey_value_stores = [\"default\"]",
            ),
            "resources",
        ),
        (
            MIDDLEWARE,
            ("route = \"/...\"", "route = \"/...\"\nmiddleware = \"x\""),
            "middleware",
        ),
    ] {
        let refused = Altered::new(path, change).load().err();
        let refused = format!(
            "{:#}",
            refused.unwrap_or_else(|| panic!("{change:?} starts"))
        );
        assert!(refused.contains(problem), "{change:?}: {refused}");
    }
    let missing = Application::load(&root().join("spin.toml"), &|_| None).err();
    let missing = format!("{:#}", missing.unwrap());
    assert!(missing.contains("SPIN_VARIABLE_WX_SECRET"), "{missing}");
}

/// An executable that calls itself Spin and takes what Spin takes.
fn spin(folder: &Path) -> PathBuf {
    let host = project::program("spin-host").unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo 'spin 4.1.0-pre0 (a test)'; exit; }}\nexec {} \"$@\"\n",
        host.display()
    );
    let path = folder.join("spin");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// `--log-dir ""` is refused, against Spin's own help: the demo and the test step could not start.
#[test]
fn the_demos_edge_starts_under_what_is_as_strict_as_spin() {
    let folder = tempfile::tempdir().unwrap();
    let path = spin(folder.path());
    let refused = std::process::Command::new(&path)
        .args(["up", "--from-file", "spin.toml", "--log-dir", ""])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--log-dir"));

    SpinEdge::build().unwrap();
    let wechat = FakeWechat::new(APPID, SECRET);
    let server = wechat.serve_plain();
    let app = FakeApp::start();
    let outside = Outside {
        wechat: server.addr(),
        app: app.addr(),
        secret: SECRET,
    };
    let version = "spin 4.1.0-pre0 (a test)".to_owned();
    let edge = SpinEdge::start(&Runner::Spin { path, version }, 0, outside).unwrap();
    let send = |request: &Request| client::send(edge.addr(), request, TIMEOUT).unwrap();
    assert_eq!(send(&Request::get("/orders")).status, 401);
    let code = wechat.phone("alice").login();
    let token = token(&send(&login_with(&code)));
    let call = Request::get("/orders").header("x-wx-skey", token);
    assert_eq!(send(&call).status, 200);
    // The demo adds up what the component says.
    assert!(
        edge.log().contains("\"event\":\"decided\""),
        "{}",
        edge.log()
    );
}
