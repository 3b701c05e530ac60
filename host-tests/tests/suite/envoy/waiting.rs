//! Clients that never finish their requests, at a real Envoy: each is given up in time, and no number of them takes the
//! memory, or the place of those who finish theirs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use project::configurations;
use serde_json::{Value, json};
use testkit::client::{self, Request};
use testkit::envoy::Config;

use super::flood::{Sent, Shape, flood};
use crate::rig::envoy_world::{EnvoyWorld, login_request};
use testkit::eventually;
use testkit::http2::pseudo;

const BODY_TIMEOUT: Duration = Duration::from_millis(500);

fn impatient() -> Value {
    json!({ "limits": { "body_timeout_ms": 500 } })
}

#[test]
fn a_body_that_never_comes_is_answered_in_time_in_both_protocols() {
    let edge = EnvoyWorld::with(|config| config.patch_plugin(&impatient()));
    let started = Instant::now();
    let request = Request::post("/wx/login").body(br#"{"code":"0123456789"}"#);
    let mut http1 = edge.connect();
    http1.write_head(&request).unwrap();
    http1.write(b"{").unwrap();
    let mut http2 = edge.connect_http2();
    let stream = http2.request(&pseudo("POST", b"/wx/login"), false);
    http2.data(stream, b"{", false);

    let answer = http1.read_response("POST").unwrap();
    assert_eq!(answer.status, 408, "{}", answer.text());
    let body = answer.json().unwrap();
    assert_eq!(body["error"], "body_timeout", "{body}");
    let other = http2.answer(stream);
    assert_eq!(other.status, 408);
    let body: Value = serde_json::from_slice(&other.body).unwrap();
    assert_eq!(body["error"], "body_timeout", "{body}");
    let took = started.elapsed();
    assert!(took >= BODY_TIMEOUT && took < BODY_TIMEOUT * 4, "{took:?}");

    drop((http1, http2));
    assert_eq!(edge.counter("request.body_timeout"), 2);
    edge.assert_sound();
}

/// Set up like this no body comes at all: the answer says so, instead of none.
#[test]
fn a_login_under_an_envoy_that_keeps_the_body_back_is_told_why() {
    let edge = EnvoyWorld::with(|config| {
        let kept_back = json!({ "allow_on_headers_stop_iteration": null });
        config.patch_plugin(&impatient()).patch_filter(&kept_back)
    });
    let answer = edge.send(&login_request("0123456789"));
    assert_eq!(answer.status, 408, "{}", answer.text());
    let detail = answer.json().unwrap()["detail"].to_string();
    assert!(
        detail.contains("allow_on_headers_stop_iteration"),
        "{detail}"
    );
}

/// Logs in over and over, as a mini program that tries again when it is told to.
struct Users {
    over: AtomicBool,
    logins: AtomicU64,
    refusals: AtomicU64,
    slowest_ms: AtomicU64,
}

impl Users {
    fn new() -> Self {
        Self {
            over: AtomicBool::new(false),
            logins: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            slowest_ms: AtomicU64::new(0),
        }
    }

    fn log_in_until_over(&self, edge: &EnvoyWorld) {
        let patience = Duration::from_secs(20);
        while !self.over.load(Ordering::Relaxed) {
            let code = edge.wechat.phone("a user").login();
            let started = Instant::now();
            let answer = client::send(edge.envoy.addr(), &login_request(&code), patience);
            let took = u64::try_from(started.elapsed().as_millis()).unwrap();
            self.slowest_ms.fetch_max(took, Ordering::Relaxed);
            match answer.map(|answer| answer.status) {
                Ok(200) => self.logins.fetch_add(1, Ordering::Relaxed),
                Ok(503) => self.refusals.fetch_add(1, Ordering::Relaxed),
                other => panic!("{other:?}"),
            };
            sleep(Duration::from_millis(20));
        }
    }
}

/// What a flood costs: the most memory at any time, and how many of its users' logins worked.
fn under(
    edge: &EnvoyWorld,
    connections: usize,
    shape: &Shape<'_>,
    span: Duration,
) -> (u64, Users, Sent) {
    let users = Users::new();
    let before = edge.envoy.envoy().memory().unwrap();
    let mut most = before;
    let sent = scope(|scope| {
        scope.spawn(|| users.log_in_until_over(edge));
        let over = Instant::now() + span;
        let flooding = scope.spawn(move || flood(edge.envoy.addr(), connections, shape, over));
        while !flooding.is_finished() {
            most = most.max(edge.envoy.envoy().memory().unwrap());
            sleep(Duration::from_millis(20));
        }
        users.over.store(true, Ordering::Relaxed);
        flooding.join().unwrap()
    });
    println!(
        "{} MiB before, {} MiB at most; {sent:?}; {} logins, {} refused, {} ms the slowest; overloaded {}",
        before >> 20,
        most >> 20,
        users.logins.load(Ordering::Relaxed),
        users.refusals.load(Ordering::Relaxed),
        users.slowest_ms.load(Ordering::Relaxed),
        edge.counter("request.overloaded"),
    );
    (most - before, users, sent)
}

/// 19,000 logins of nearly 16 KiB each that are never finished, and as many again for those that are ended.
#[test]
fn a_flood_of_logins_that_never_finish_takes_neither_the_memory_nor_the_place_of_users() {
    let edge = EnvoyWorld::alone(|config| config);
    let shape = Shape {
        headers: &pseudo("POST", b"/wx/login"),
        repeats: 3,
        streams: 100,
    };
    let (grown, users, sent) = under(&edge, 190, &shape, Duration::from_secs(5));
    assert!(sent.requests > 19_000 / 2, "{sent:?}");
    // What Envoy holds before the plugin sees it: 190 connections with 32 requests each. It was 2700.
    assert!(grown < 320 << 20, "{} MiB more", grown >> 20);
    let (logins, refusals) = (users.logins.into_inner(), users.refusals.into_inner());
    assert!(logins > 0 && refusals <= logins, "{logins} of {refusals}");
    assert_eq!(edge.reloads(), 0);
    edge.assert_sound();
}

const MAX_HEAP: &str = "/overload_manager/resource_monitors/1/typed_config/max_heap_size_bytes";

#[test]
fn every_shipped_configuration_bounds_the_heap_and_the_headers_of_a_request() {
    for path in configurations().unwrap() {
        let document = Config::read(&path).unwrap().document;
        let found = |pointer: &str| document.pointer(pointer).unwrap().clone();
        assert!(found(MAX_HEAP).as_u64() > Some(0), "{path}");
        let http = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        let headers = found(&format!("{http}/max_request_headers_kb"));
        assert!(headers.as_u64() <= Some(16), "{path}");
        let streams = found(&format!(
            "{http}/http2_protocol_options/max_concurrent_streams"
        ));
        assert!(streams.as_u64() <= Some(32), "{path}");
    }
}

/// The names and thresholds are Envoy's own: here it takes them, with a heap that is full from the start.
#[test]
fn with_a_full_heap_envoy_itself_takes_no_more() {
    let edge = EnvoyWorld::alone(|mut config| {
        *config.document.pointer_mut(MAX_HEAP).unwrap() = json!(1_000_000);
        config
    });
    for action in [
        "shrink_heap",
        "disable_http_keepalive",
        "reset_high_memory_stream",
        "stop_accepting_requests",
        "stop_accepting_connections",
    ] {
        let active = format!("overload.envoy.overload_actions.{action}.active");
        eventually(|| edge.envoy.stats().unwrap().get(&active) == Some(&1));
    }
}
