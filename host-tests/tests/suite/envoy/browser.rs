//! Pages in a browser, with `examples/browser/cors.yaml` in a real Envoy. The page here goes by the fetch standard's rules
//! for other origins: a preflight first, and no look at an answer that does not name its origin.
//! <https://fetch.spec.whatwg.org/#http-cors-protocol>

use project::root;
use serde_json::{Value, json};
use testkit::client::{Request, Response};

use crate::rig::envoy_world::EnvoyWorld;

/// The page that the example names.
const OURS: &str = "https://h5.example.com";
const OF_OTHERS: &str = "https://evil.example";

fn edge(plugin: &Value) -> EnvoyWorld {
    let text = std::fs::read_to_string(root().join("examples/browser/cors.yaml")).unwrap();
    let example: Value = serde_yaml_ng::from_str(&text).unwrap();
    let rules = json!({ "typed_per_filter_config": example["typed_per_filter_config"] });
    EnvoyWorld::with(|config| {
        let config = config.patch_plugin(plugin).patch_virtual_host(&rules);
        config.filter_before(&example["filter"])
    })
}

/// A page, and what its browser lets it do.
struct Page<'a> {
    edge: &'a EnvoyWorld,
    origin: &'a str,
    /// What the browser sends by itself.
    cookie: Option<String>,
}

/// What a page may see of an answer.
struct Seen {
    status: u16,
    body: Value,
    exposed: Vec<(String, String)>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let mut own = self.exposed.iter().filter(|(own, _)| own == name);
        own.next().map(|(_, value)| value.as_str())
    }
}

fn text(answer: &Response, name: &str) -> String {
    let value = answer.header(name).unwrap_or_default();
    String::from_utf8_lossy(value).to_ascii_lowercase()
}

fn lists(answer: &Response, name: &str, wanted: &str) -> bool {
    let wanted = wanted.to_ascii_lowercase();
    text(answer, name)
        .split(',')
        .any(|own| own.trim() == wanted)
}

impl Page<'_> {
    fn is_named_in(&self, answer: &Response) -> bool {
        text(answer, "access-control-allow-origin") == self.origin
            && text(answer, "access-control-allow-credentials") == "true"
    }

    /// `fetch` with credentials. `None`: what a page sees as a network error.
    fn fetch(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Seen> {
        let json = body.map(|_| ("content-type", "application/json"));
        let headers: Vec<_> = headers.iter().copied().chain(json).collect();
        if !headers.is_empty() {
            let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
            let preflight = Request::new("OPTIONS", path)
                .header("origin", self.origin)
                .header("access-control-request-method", method)
                .header("access-control-request-headers", names.join(","));
            let answer = self.edge.send(&preflight);
            let ok = (200..300).contains(&answer.status)
                && self.is_named_in(&answer)
                && lists(&answer, "access-control-allow-methods", method)
                && names
                    .iter()
                    .all(|name| lists(&answer, "access-control-allow-headers", name));
            if !ok {
                return None;
            }
        }
        let mut request = Request::new(method, path).header("origin", self.origin);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body.to_string().as_bytes());
        }
        let answer = self.edge.send(&request);
        self.is_named_in(&answer).then(|| Seen {
            status: answer.status,
            body: serde_json::from_slice(&answer.body).unwrap(),
            exposed: exposed(&answer),
        })
    }
}

fn exposed(answer: &Response) -> Vec<(String, String)> {
    let names = text(answer, "access-control-expose-headers");
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| answer.header(name).is_some());
    names
        .map(|name| (name.to_owned(), text(answer, name)))
        .collect()
}

#[test]
fn a_page_is_told_to_log_in_logs_in_and_uses_its_session() {
    let edge = edge(&json!({}));
    let page = Page {
        edge: &edge,
        origin: OURS,
        cookie: None,
    };
    let refused = page
        .fetch("GET", "/api/orders", &[("x-wx-skey", "")], None)
        .unwrap();
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (401, &json!("no_session"))
    );
    assert_eq!(refused.header("x-wx-error"), Some("no_session"));
    assert_eq!(refused.header("x-wx-action"), Some("relogin"));

    let code = edge.wechat.phone("alice").login();
    let login = page
        .fetch("POST", "/wx/login", &[], Some(&json!({ "code": code })))
        .unwrap();
    assert_eq!(login.header("x-wx-error"), Some("none"));
    let token = login.body["data"]["token"].as_str().unwrap().to_owned();
    let _before = edge.app.take();

    for (method, body) in [
        ("GET", None),
        ("DELETE", None),
        ("PUT", Some(json!({ "a": 1 }))),
    ] {
        let got = page.fetch(
            method,
            "/api/orders/1",
            &[("x-wx-skey", &token)],
            body.as_ref(),
        );
        assert_eq!(got.unwrap().status, 200, "{method}");
        // The app sees the request alone: Envoy has answered the preflight.
        let [seen] = &edge.app.take()[..] else {
            panic!("{method}")
        };
        assert_eq!(seen.method, method);
        assert!(seen.header("x-wx-openid").is_some());
    }
    let again = page
        .fetch("POST", "/wx/logout", &[("x-wx-skey", &token)], None)
        .unwrap();
    assert_eq!(again.body["data"]["ended"], 1);
    let gone = page
        .fetch("GET", "/api/orders", &[("x-wx-skey", &token)], None)
        .unwrap();
    assert_eq!(gone.header("x-wx-action"), Some("relogin"));
    edge.assert_sound();
}

#[test]
fn a_page_of_others_sees_nothing_and_its_cookie_opens_nothing() {
    let edge = edge(&json!({ "session": { "cookie": "wxs", "cookie_origins": [OURS] } }));
    let token = edge.login("alice");
    let cookie = Some(format!("wxs={token}"));
    let ours = Page {
        edge: &edge,
        origin: OURS,
        cookie: cookie.clone(),
    };
    assert_eq!(
        ours.fetch("POST", "/api/orders", &[], None).unwrap().status,
        200
    );
    let _ours = edge.app.take();

    let theirs = Page {
        edge: &edge,
        origin: OF_OTHERS,
        cookie,
    };
    assert!(
        theirs
            .fetch("GET", "/api/orders", &[("x-wx-skey", &token)], None)
            .is_none()
    );
    assert!(
        theirs
            .fetch("POST", "/api/orders", &[], Some(&json!({})))
            .is_none()
    );
    // What needs no preflight is sent, and does nothing.
    assert!(theirs.fetch("POST", "/api/orders", &[], None).is_none());
    assert!(theirs.fetch("POST", "/wx/logout", &[], None).is_none());
    assert!(edge.app.take().is_empty());
    assert_eq!(
        ours.fetch("GET", "/api/orders", &[], None).unwrap().status,
        200
    );
}
