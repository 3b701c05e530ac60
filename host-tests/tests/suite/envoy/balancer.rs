//! A real nginx in front of a real Envoy: as Debian ships it, which speaks HTTP/1.0, and as `examples/nginx` has it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use project::root;
use serde_json::json;
use testkit::client::{Connection, Request, Response, send};
use testkit::envoy::Config;
use testkit::fakes::awkward_app::{AwkwardApp, Habits};
use testkit::nginx::Nginx;

use crate::rig::envoy_world::{EnvoyWorld, PATIENCE, login_request, token_of, with_token};

/// As the documentation has it: one proxy is trusted to say where a request comes from.
fn behind_a_proxy(config: Config) -> Config {
    config.patch_http(&json!({ "xff_num_trusted_hops": 1 }))
}

/// A `location` with nothing but `proxy_pass`.
fn as_shipped(edge: &EnvoyWorld) -> Nginx {
    let envoy = edge.envoy.addr();
    let http = format!("server {{ listen LISTEN; location / {{ proxy_pass http://{envoy}; }} }}");
    Nginx::start(&http).unwrap()
}

/// The example, on a port of its own and without TLS.
fn example(edge: &EnvoyWorld) -> Nginx {
    let text = std::fs::read_to_string(root().join("examples/nginx/edge.conf")).unwrap();
    let http: Vec<String> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("ssl_"))
        .map(|line| line.replace("listen 443 ssl;", "listen LISTEN;"))
        .map(|line| line.replace("127.0.0.1:10000", &edge.envoy.addr().to_string()))
        .collect();
    let http = http.join("\n");
    assert!(http.contains("listen LISTEN;") && !http.contains(":10000"));
    Nginx::start(&http).unwrap()
}

fn through(nginx: &Nginx, request: &Request) -> Response {
    send(nginx.addr(), request, PATIENCE).unwrap()
}

fn login(edge: &EnvoyWorld, nginx: &Nginx) -> String {
    let code = edge.wechat.phone("a").login();
    token_of(&through(nginx, &login_request(&code)))
}

#[test]
fn behind_nginx_as_debian_ships_it_everything_is_answered() {
    let edge = EnvoyWorld::with(behind_a_proxy);
    let nginx = as_shipped(&edge);
    let token = login(&edge, &nginx);
    assert_eq!(through(&nginx, &with_token(&token)).status, 200);
    let upload = Request::post("/up").header("x-wx-skey", &token);
    assert_eq!(through(&nginx, &upload.body([7; 100_000])).status, 200);
    let seen = edge.app.take();
    let openid = edge.wechat.phone("a").openid();
    for request in &seen {
        assert_eq!(request.header("x-wx-openid"), Some(openid.as_bytes()));
    }
    assert_eq!(seen[1].body.len(), 100_000);
    assert_eq!(through(&nginx, &Request::get("/orders")).status, 401);
    assert_eq!(through(&nginx, &Request::get("/wx/session")).status, 200);
}

/// As balancers probe: without a Host, in a version that has none.
#[test]
fn a_probe_in_http_1_0_is_answered() {
    let edge = EnvoyWorld::start();
    for head in [
        "GET /healthz HTTP/1.0\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nHost: edge\r\n\r\n",
        "HEAD /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    ] {
        let mut probe = Connection::open(edge.envoy.addr(), PATIENCE).unwrap();
        probe.write(head.as_bytes()).unwrap();
        let method = head.split(' ').next().unwrap();
        assert_eq!(probe.read_response(method).unwrap().status, 200, "{head}");
    }
    // Nothing that has two readings comes with it.
    let mut smuggler = Connection::open(edge.envoy.addr(), PATIENCE).unwrap();
    let head = "POST /public/up HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n";
    smuggler.write(head.as_bytes()).unwrap();
    assert_eq!(smuggler.read_response("POST").unwrap().status, 400);
}

#[test]
fn the_example_tells_who_the_client_is_and_does_not_take_the_clients_word_for_it() {
    let edge = EnvoyWorld::with(behind_a_proxy);
    let nginx = example(&edge);
    let token = login(&edge, &nginx);
    let claims = with_token(&token).header("x-forwarded-for", "203.0.113.7");
    assert_eq!(through(&nginx, &claims).status, 200);
    for entry in edge.access_log(2) {
        assert_eq!(entry["client"], "127.0.0.1", "{entry}");
    }
    let host = edge.app.take()[0].header("host").map(<[u8]>::to_vec);
    assert_eq!(host, Some(nginx.addr().to_string().into_bytes()));
}

#[test]
fn the_example_hands_on_events_as_they_come_and_upgrades_and_uploads() {
    let app = AwkwardApp::start(Habits {
        takes: Duration::from_secs(3),
        keeps_alive: PATIENCE,
    });
    let edge = EnvoyWorld::with(|config| behind_a_proxy(config).endpoint("app", app.addr()));
    let nginx = example(&edge);
    let mut events = TcpStream::connect(nginx.addr()).unwrap();
    events.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = "GET /public/events HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n";
    let started = Instant::now();
    events.write_all(head.as_bytes()).unwrap();
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains("data: 0") {
        let mut piece = [0; 1024];
        let length = events.read(&mut piece).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&piece[..length]);
    }
    assert!(started.elapsed() < Duration::from_secs(2), "held back");
    events.read_to_end(&mut got).unwrap();
    let text = String::from_utf8_lossy(&got);
    assert_eq!(text.matches("data: ").count(), app.events());
    assert!(text.ends_with("0\r\n\r\n"), "cut");

    let sockets = json!({ "routes": [
        { "path": "/ws", "session": "required", "upgrades": ["websocket"] },
    ] });
    let edge = EnvoyWorld::with(|config| {
        let upgrades = json!({ "upgrade_configs": [{ "upgrade_type": "websocket" }] });
        behind_a_proxy(config)
            .patch_http(&upgrades)
            .patch_plugin(&sockets)
    });
    let nginx = example(&edge);
    let token = login(&edge, &nginx);
    let mut socket = Connection::open(nginx.addr(), PATIENCE).unwrap();
    let upgrade = Request::get("/ws")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("x-wx-skey", &token);
    assert_eq!(socket.send(&upgrade).unwrap().status, 101);
    socket.write(b"\x81\x02hi").unwrap();
    assert_eq!(socket.read_exact(4).unwrap(), b"\x81\x02hi");
    let upload = Request::post("/up").header("x-wx-skey", &token);
    assert_eq!(through(&nginx, &upload.body(vec![7; 3 << 20])).status, 200);
}
