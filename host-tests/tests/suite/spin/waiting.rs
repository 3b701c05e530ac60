//! Clients that never finish their requests: each is given up in time, and however many there are, others go on.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::client::{Connection, Request};
use testkit::fakes::wechat::Fault;
use testkit::http2::{Http2, pseudo};

use crate::rig::Way;
use crate::rig::spin_world::{SpinWorld, TIMEOUT, login_with};

/// The least that can be configured.
const MOST: usize = 16;
/// As many may wait for their clients for longer than a moment.
const REST: usize = 12;

fn stage(way: Way, body_timeout_ms: u64) -> SpinWorld {
    let limits = json!({
        "waiting_requests": MOST, "waiting_bytes": 262_144, "body_timeout_ms": body_timeout_ms,
    });
    SpinWorld::start_with(way, &json!({ "limits": limits }), |_| {})
}

/// The head of a request, and no more.
fn stalled(stage: &SpinWorld, request: &Request) -> Connection {
    let mut client = Connection::open(stage.addr(), TIMEOUT).unwrap();
    client.write_head(request).unwrap();
    client
}

fn answer(client: &mut Connection) -> (u16, Value) {
    let answer = client.read_response("POST").unwrap();
    (answer.status, answer.json().unwrap())
}

#[test]
fn a_body_that_never_comes_is_answered_when_its_time_is_over() {
    for way in Way::BOTH {
        let stage = stage(way, 300);
        let token = stage.login(&stage.wechat.phone("alice"));
        let login = login_with("0123456789");
        let decrypt = Request::post("/wx/decrypt").header("X-WX-Skey", &token);
        for request in [login, decrypt.json(&json!({ "iv": "a" }))] {
            let started = Instant::now();
            let mut client = stalled(&stage, &request);
            client.write(b"{").unwrap();
            let (status, body) = answer(&mut client);
            assert_eq!(
                (status, &body["error"]),
                (408, &json!("body_timeout")),
                "{way:?}"
            );
            assert_eq!(body["action"], "retry_after");
            let took = started.elapsed();
            assert!(took >= Duration::from_millis(290), "{took:?}");
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
        stage.login(&stage.wechat.phone("bob"));
        assert_eq!(stage.rig.spin.instances(), 1, "{way:?} {}", stage.log());
    }
}

/// Also where nothing but a preflight waits for the end of its stream.
#[test]
fn a_preflight_whose_stream_stays_open_is_given_up_in_time() {
    for way in Way::BOTH {
        let patch = json!({
            "cors_preflight": true,
            "limits": { "body_timeout_ms": 300 },
            "routes": [{ "prefix": "/api", "session": "public" }],
        });
        let stage = SpinWorld::start_with(way, &patch, |_| {});
        let mut head = pseudo("OPTIONS", b"/api/orders");
        head.push((b"origin", b"https://example.com"));
        head.push((b"access-control-request-method", b"POST"));
        let mut client = Http2::open(stage.addr());
        let stream = client.request(&head, false);
        assert_eq!(client.answer(stream).status, 408, "{way:?}");
    }
}

#[test]
fn whoever_has_waited_longest_for_its_client_gives_way() {
    for way in Way::BOTH {
        let stage = stage(way, 20_000);
        let login = login_with("0123456789");
        let mut clients: Vec<_> = (0..MOST)
            .map(|_| {
                let client = stalled(&stage, &login);
                // One after the other: they are to have waited for different times.
                sleep(Duration::from_millis(10));
                client
            })
            .collect();
        for client in &mut clients[..MOST - REST] {
            let (status, body) = answer(client);
            assert_eq!(
                (status, &body["error"]),
                (503, &json!("overloaded")),
                "{way:?}"
            );
        }
        for user in 0..5 {
            stage.login(&stage.wechat.phone(&format!("user{user}")));
        }
        // The others still may finish.
        let last = clients.last_mut().unwrap();
        let body = json!({ "code": "0123456789" }).to_string();
        last.write(body.as_bytes()).unwrap();
        assert_eq!(answer(last).0, 401, "{way:?}");
    }
}

#[test]
fn where_nobody_waits_for_a_client_a_newcomer_is_refused_and_uploads_do_not_count() {
    for way in Way::BOTH {
        let stage = stage(way, 20_000);
        let token = stage.login(&stage.wechat.phone("alice"));
        // Relayed to the app for as long as they take.
        let upload = Request::post("/up")
            .header("X-WX-Skey", &token)
            .body([b'x'; 9]);
        let mut uploads: Vec<_> = (0..MOST * 2).map(|_| stalled(&stage, &upload)).collect();
        stage
            .wechat
            .script(vec![Fault::Slow(Duration::from_secs(2)); MOST]);
        let asked = stage.wechat.requests().len();
        let mut logins: Vec<_> = (0..MOST)
            .map(|number| {
                let code = stage.wechat.phone(&format!("user{number}")).login();
                let request = Request::get("/wx/login").header("X-WX-Code", &code);
                stalled(&stage, &request)
            })
            .collect();
        let deadline = Instant::now() + TIMEOUT;
        while stage.wechat.requests().len() < asked + MOST {
            assert!(
                Instant::now() < deadline,
                "{way:?} {}",
                stage.rig.spin.log()
            );
            sleep(Duration::from_millis(10));
        }
        let code = stage.wechat.phone("late").login();
        let refused = stage.send(&Request::get("/wx/login").header("X-WX-Code", &code));
        let error = refused.json().unwrap()["error"].clone();
        assert_eq!(
            (refused.status, error),
            (503, json!("overloaded")),
            "{way:?}"
        );
        assert_eq!(refused.header("retry-after"), Some(&b"2"[..]));
        // Its code was not spent.
        assert_eq!(stage.wechat.code_requests(&code), 0, "{way:?}");
        // What needs no waiting passes.
        let cached = Request::get("/me").header("X-WX-Skey", &token);
        assert_eq!(stage.send(&cached).status, 200, "{way:?}");
        for login in &mut logins {
            assert_eq!(login.read_response("GET").unwrap().status, 200, "{way:?}");
        }
        for upload in &mut uploads {
            upload.write(&[b'x'; 9]).unwrap();
            assert_eq!(upload.read_response("POST").unwrap().status, 200, "{way:?}");
        }
    }
}

#[test]
fn clients_that_leave_give_their_places_back() {
    for way in Way::BOTH {
        let stage = stage(way, 1000);
        let login = login_with("0123456789");
        for _ in 0..3 {
            drop(
                (0..REST)
                    .map(|_| stalled(&stage, &login))
                    .collect::<Vec<_>>(),
            );
            sleep(Duration::from_millis(1300));
            stage.login(&stage.wechat.phone("alice"));
        }
        assert!(
            !stage.log().contains("overloaded"),
            "{way:?} {}",
            stage.log()
        );
    }
}
