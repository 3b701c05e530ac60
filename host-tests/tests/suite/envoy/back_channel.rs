//! The back channel on a listener of its own, as it stands in `envoy.yaml`: the two listeners of an Envoy share their
//! sessions, and what is done inside holds outside.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::client::{self, Connection, Request, Response};
use testkit::envoy::{Config, with_back_channel};
use testkit::eventually;
use testkit::fakes::wechat::Fault;

use crate::rig::ADMIN_TOKEN;
use crate::rig::envoy_world::{EnvoyWorld, LATE, PATIENCE, SECRET, error_of, with_token};

/// How long another worker may go by what it knows.
const CACHE: Duration = Duration::from_secs(2);

fn edge(workers: u32, cache: Duration) -> EnvoyWorld {
    EnvoyWorld::alone(|config: Config| {
        let patch = json!({
            "session": { "cache_ttl_s": cache.as_secs() },
            "responses": { "attributes": true },
        });
        let config = config.workers(workers).patch_plugin(&patch);
        config.back_channel().unwrap()
    })
}

fn asked(action: &str, parameters: &Value) -> Request {
    Request::post(format!("/wx-admin/{action}"))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .json(parameters)
}

/// On the listener inside.
fn inside(edge: &EnvoyWorld, request: &Request) -> Response {
    let address = edge.envoy.envoy().wait_for_listener("inside").unwrap();
    client::send(address, request, PATIENCE).unwrap()
}

#[track_caller]
fn operate(edge: &EnvoyWorld, action: &str, parameters: &Value) -> Value {
    let answer = inside(edge, &asked(action, parameters));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().unwrap()["data"].clone()
}

#[test]
fn the_listener_in_the_comment_is_taken_as_it_stands() {
    project::filter::built().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("envoy.yaml");
    let text = with_back_channel().unwrap();
    fs::write(&file, &text).unwrap();
    let secrets = [("WX_SECRET", SECRET), ("WX_ADMIN_TOKEN", ADMIN_TOKEN)];
    project::envoy::validate(&file, &secrets).unwrap();
    let without = [("WX_SECRET", SECRET)];
    let refused = project::envoy::validate(&file, &without).unwrap_err();
    let said = format!("{refused:#}");
    assert!(said.contains("admin.tokens[0].env"), "{said}");
    // What is on both listeners is the same.
    let document: Value = serde_yaml_ng::from_str(&text).unwrap();
    let plugin = |listener: usize, filter: usize| {
        let listener = &document["static_resources"]["listeners"][listener];
        let http = &listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
        http[filter]["typed_config"]["config"].clone()
    };
    let (outside, inside) = (plugin(0, 1), plugin(1, 0));
    assert_eq!(outside["vm_config"], inside["vm_config"]);
    for field in ["apps", "wechat", "store", "session"] {
        let of = |plugin: &Value| plugin["configuration"]["value"][field].clone();
        assert!(
            of(&outside).is_array() || of(&outside).is_object(),
            "{field}"
        );
        assert_eq!(of(&outside), of(&inside), "{field}");
    }
    assert_eq!(outside["configuration"]["value"].get("admin"), None);
}

#[test]
fn what_is_done_inside_holds_outside_at_once_on_the_worker() {
    let edge = edge(1, Duration::from_secs(60));
    let openid = edge.wechat.phone("a").openid();
    let tokens = [edge.login("a"), edge.login("a"), edge.login("a")];
    for token in &tokens {
        assert_eq!(edge.send(&with_token(token)).status, 200);
    }
    let listed = operate(&edge, "sessions", &json!({ "openid": openid }));
    let listed = listed["sessions"].as_array().unwrap();
    assert_eq!(listed.len(), 3, "{listed:?}");
    let set = json!({ "openid": openid, "session": listed[1]["session"], "attributes": "uid=42" });
    assert_eq!(operate(&edge, "attributes", &set), json!({ "changed": 1 }));
    let _ = edge.app.take();
    assert_eq!(edge.send(&with_token(&tokens[1])).status, 200);
    let seen = edge.app.take();
    assert_eq!(
        seen[0].header("x-wx-session-attributes"),
        Some(&b"uid=42"[..])
    );
    let one = json!({ "openid": openid, "session": listed[0]["session"] });
    assert_eq!(operate(&edge, "end", &one), json!({ "ended": 1 }));
    let statuses = |edge: &EnvoyWorld| {
        tokens
            .each_ref()
            .map(|token| edge.send(&with_token(token)).status)
    };
    assert_eq!(statuses(&edge), [401, 200, 200]);
    let all = json!({ "openid": openid });
    assert_eq!(operate(&edge, "end-all", &all), json!({ "ended": 2 }));
    assert_eq!(statuses(&edge), [401, 401, 401]);
    edge.assert_sound();
}

/// The new key is told once: whoever asked for it need not be there any more.
#[test]
fn a_reset_whose_operator_leaves_is_carried_on_to_its_end() {
    let edge = edge(1, CACHE);
    let phone = edge.wechat.phone("a");
    let token = edge.login("a");
    let request = asked("reset-key", &json!({ "openid": phone.openid() }));
    // It has an access_token by then.
    assert_eq!(inside(&edge, &request).status, 200);
    edge.wechat
        .script([Fault::Slow(Duration::from_millis(400))]);
    let address = edge.envoy.envoy().wait_for_listener("inside").unwrap();
    let mut connection = Connection::open(address, PATIENCE).unwrap();
    connection.write(&request.head_bytes("inside")).unwrap();
    let of = json!({ "openid": phone.openid() }).to_string();
    connection.write(of.as_bytes()).unwrap();
    eventually(|| phone.session_keys().len() == 3);
    drop(connection);
    // WeChat may be asked ten times in a minute.
    let is_valid = |_| {
        sleep(Duration::from_millis(300));
        let checked = Request::get("/wx/session?check=wechat").header("x-wx-skey", &token);
        edge.send(&checked).json().unwrap()["data"]["sessionKeyValid"] == true
    };
    assert!((0..9).any(is_valid));
    edge.assert_sound();
}

#[test]
fn another_worker_goes_by_it_when_its_cache_has_run_out() {
    let edge = edge(2, CACHE);
    let openid = edge.wechat.phone("a").openid();
    let token = edge.login("a");
    let request = with_token(&token);
    let mut open = edge.connect_to_both_workers();
    for connection in &mut open {
        assert_eq!(connection.send(&request).unwrap().status, 200);
    }
    operate(&edge, "end-all", &json!({ "openid": openid }));
    let ended = Instant::now();
    while ended.elapsed() < CACHE + LATE {
        for connection in &mut open {
            connection.send(&request).unwrap();
        }
    }
    for connection in &mut open {
        assert_eq!(connection.send(&request).unwrap().status, 401);
    }
}

#[test]
fn outside_there_is_no_back_channel_and_inside_no_app() {
    let edge = edge(1, CACHE);
    let openid = edge.wechat.phone("a").openid();
    let token = edge.login("a");
    for action in ["sessions", "end-all"] {
        let request = asked(action, &json!({ "openid": openid }));
        let refused = edge.send(&request);
        assert_eq!((refused.status, &*error_of(&refused)), (401, "no_session"));
        // With a session it is a path of the app like any other.
        let _ = edge.app.take();
        edge.send(&request.header("x-wx-skey", &token));
        assert_eq!(edge.app.take().len(), 1);
    }
    for path in ["/api/orders", "/public/x", "/wx-admin/end-all"] {
        let answer = inside(&edge, &Request::post(path).header("x-wx-skey", &token));
        assert!(
            [401, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    assert_eq!(edge.app.take().len(), 0);
    assert_eq!(edge.send(&with_token(&token)).status, 200);
    edge.assert_sound();
}
