//! Requests that wait: for a bounded time where it is for their client, and no more of them than fit. Who is beyond the
//! limits is answered so, and everybody else goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rig::wasm_world::WasmWorld;
use crate::rig::{ADMIN_TOKEN, Ask, Login, Rig, bridge};
use proxy_wasm_host::{Outcome, StreamId};

/// The least that can be configured.
const MOST: usize = 16;
/// As many may wait for their clients for longer than a moment.
const REST: usize = 12;
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// As many are answered in one tick at most: see `worker`.
const IN_A_TICK: usize = 32;

fn few() -> Value {
    json!({
        "limits": { "waiting_requests": MOST, "waiting_bytes": 262_144, "body_timeout_ms": 1000 },
    })
}

/// With sessions in a store that answers when told.
fn few_with_redis() -> WasmWorld {
    let mut patch = few();
    patch["store"] = bridge::webdis();
    patch["session"] = json!({ "cache_ttl_s": 0, "piggyback": true });
    WasmWorld::new(&patch)
}

/// The head of a request whose body does not come.
fn stalled(stage: &mut WasmWorld, ask: &Ask) -> StreamId {
    stage.rig.vm.request(ask.head(), false)
}

fn login(stage: &WasmWorld) -> Ask {
    Ask::post("/wx/login", &json!({ "code": stage.alice.login() }))
}

fn stalled_logins(stage: &mut WasmWorld, count: usize) -> Vec<StreamId> {
    let ask = login(stage);
    (0..count).map(|_| stalled(stage, &ask)).collect()
}

/// The status and the error of an answer, or nothing as long as there is none.
fn refusal(stage: &WasmWorld, stream: StreamId) -> Option<(u16, String)> {
    match stage.rig.vm.outcome(stream) {
        Outcome::Paused => None,
        Outcome::Replied(reply) => {
            let body: Value = serde_json::from_str(&reply.text()).unwrap();
            Some((reply.status, body["error"].as_str().unwrap().to_owned()))
        }
        other => panic!("{other:?}"),
    }
}

fn waiting(stage: &WasmWorld, streams: &[StreamId]) -> usize {
    let waits = |stream: &&StreamId| refusal(stage, **stream).is_none();
    streams.iter().filter(waits).count()
}

fn overloaded() -> Option<(u16, String)> {
    Some((503, "overloaded".to_owned()))
}

#[track_caller]
fn assert_well(stage: &mut WasmWorld) {
    let vm = &stage.rig.vm;
    assert_eq!(vm.trapped(), None);
    assert!(vm.violations().is_empty(), "{:?}", vm.violations());
    let ask = login(stage);
    assert_eq!(Login::from(&stage.rig.ask(vec![ask])[0]).token.len(), 43);
}

#[test]
fn a_body_that_never_comes_is_answered_when_its_time_is_over() {
    let mut patch = few();
    patch["session"] = json!({ "piggyback": true });
    patch["admin"] = json!({ "tokens": [{ "env": "WX_ADMIN_TOKEN" }] });
    let mut stage = WasmWorld::new(&patch);
    let token = stage.token.clone();
    let mut asks = vec![login(&stage)];
    for path in [
        "/wx/verify",
        "/wx/decrypt",
        "/wx/register",
        "/wx/logout",
        "/api/profile",
    ] {
        asks.push(Ask::post(path, &json!({ "a": 1 })).token(&token));
    }
    // After its login.
    let on_the_way = Ask::post("/api/profile", &json!({ "a": 1 }));
    asks.push(on_the_way.header("x-wx-code", stage.alice.login()));
    // One whose type says that nobody looks into its body, if there is any.
    let image = Ask::new("POST", "/api/profile").header("content-type", "image/png");
    asks.push(image.token(&token).body("a"));
    let operator = Ask::post("/wx-admin/sessions", &json!({ "a": 1 }));
    asks.push(operator.header("authorization", format!("Bearer {ADMIN_TOKEN}")));
    for ask in asks {
        let story = String::from_utf8_lossy(&ask.target).into_owned();
        let stream = stalled(&mut stage, &ask);
        if ask.headers.iter().any(|(name, _)| name == "x-wx-code") {
            stage.rig.advance(Duration::from_millis(2));
            stage.rig.serve_calls();
        } else if ask.body.as_ref().unwrap().len() > 1 {
            // A client that drips has no more time than one that says nothing.
            stage.rig.advance(BODY_TIMEOUT / 2);
            stage.rig.vm.body(stream, b"{", false);
            stage
                .rig
                .advance(BODY_TIMEOUT / 2 - Duration::from_millis(2));
        }
        assert_eq!(refusal(&stage, stream), None, "{story}");
        stage.rig.advance(BODY_TIMEOUT);
        let Outcome::Replied(reply) = stage.rig.vm.outcome(stream) else {
            panic!("{story}: {:?}", stage.rig.vm.outcome(stream));
        };
        let body: Value = serde_json::from_str(&reply.text()).unwrap();
        assert_eq!(
            (reply.status, &body["error"]),
            (408, &json!("body_timeout")),
            "{story}"
        );
        assert_eq!(body["action"], "retry_after", "{story}");
        let detail = body["detail"].as_str().unwrap();
        for cause in ["slow client", "allow_on_headers_stop_iteration"] {
            assert!(detail.contains(cause), "{detail}");
        }
        // What comes now is too late, and no second answer.
        stage.rig.vm.body(stream, b"\"a\":1}", true);
        stage.rig.vm.reset(stream);
    }
    // Until it is told.
    stage.rig.advance(Duration::from_millis(100));
    assert_eq!(stage.rig.counter("wx_session.request.body_timeout"), 9);
    assert_eq!(stage.rig.counter("wx_session.admin.bad_request"), 1);
    assert_well(&mut stage);
}

#[test]
fn a_body_in_time_is_none_of_this() {
    let mut stage = WasmWorld::new(&few());
    let ask = login(&stage);
    let stream = stalled(&mut stage, &ask);
    stage.rig.advance(BODY_TIMEOUT - Duration::from_millis(2));
    stage.rig.vm.body(stream, ask.body.as_ref().unwrap(), true);
    // It now waits for WeChat, longer than for its client.
    stage.rig.advance(BODY_TIMEOUT);
    stage.rig.settle(&[stream]);
    assert_eq!(Login::from(&stage.rig.got(stream)).token.len(), 43);
    assert_well(&mut stage);
}

#[test]
fn while_bodies_are_awaited_the_clock_hardly_ticks() {
    let mut stage = WasmWorld::new(&json!({}));
    let streams = stalled_logins(&mut stage, 10);
    assert!(stage.rig.vm.advance(Duration::from_secs(9)) <= 1);
    assert_eq!(waiting(&stage, &streams), 10);
    // A login in between needs a tick at once, and is over.
    assert_well(&mut stage);
    assert!(stage.rig.vm.advance(Duration::from_secs(5)) <= 12);
    assert_eq!(waiting(&stage, &streams), 0);
    assert_eq!(
        stage.rig.vm.advance(Duration::from_secs(60)),
        0,
        "nobody waits"
    );
}

/// Envoy sends the replies that one callback decides one inside the other: hundreds overflow the stack.
#[test]
fn a_crowd_whose_time_is_over_is_answered_a_few_at_a_time() {
    let mut stage = WasmWorld::new(&json!({ "limits": { "body_timeout_ms": 1000 } }));
    let streams = stalled_logins(&mut stage, 500);
    stage.rig.advance(BODY_TIMEOUT - Duration::from_millis(1));
    let mut left = streams.len();
    for _ in 0..40 {
        stage.rig.advance(Duration::from_millis(1));
        let now = waiting(&stage, &streams);
        assert!(left - now <= IN_A_TICK, "{left} {now}");
        left = now;
    }
    assert_eq!(left, 0);
    assert_well(&mut stage);
}

#[test]
fn whoever_has_waited_longest_for_its_client_gives_way() {
    let mut stage = WasmWorld::new(&few());
    let mut streams = stalled_logins(&mut stage, MOST);
    // In the callback of another request nobody can be answered.
    assert_eq!(waiting(&stage, &streams), MOST);
    stage.rig.advance(Duration::from_millis(2));
    assert_eq!(waiting(&stage, &streams), REST);
    let first = MOST - REST;
    assert!(
        streams[..first]
            .iter()
            .all(|gone| refusal(&stage, *gone) == overloaded())
    );
    assert_eq!(waiting(&stage, &streams[first..]), REST);
    for stream in &streams[..first] {
        stage.rig.vm.body(*stream, b"{}", true);
        stage.rig.vm.reset(*stream);
    }
    for _ in 0..50 {
        streams.extend(stalled_logins(&mut stage, 3));
        assert_well(&mut stage);
    }
    assert!(stage.rig.counter("wx_session.request.overloaded") >= 150);
    stage.rig.advance(BODY_TIMEOUT * 2);
    assert_eq!(waiting(&stage, &streams[first..]), 0);
}

#[test]
fn a_crowd_at_one_moment_is_refused_where_there_is_no_room_and_the_next_find_some() {
    let mut stage = WasmWorld::new(&few());
    let mut refused = 0;
    for round in 0..200 {
        let stream = stalled_logins(&mut stage, 1)[0];
        let is_refused = refusal(&stage, stream) == overloaded();
        assert!(round >= MOST || !is_refused);
        refused += usize::from(is_refused);
    }
    // Each that is refused takes those with it who are to give way.
    assert!((1..=(200 - MOST) / 4).contains(&refused), "{refused}");
    assert_well(&mut stage);
}

#[test]
fn where_nobody_waits_for_a_client_a_newcomer_is_refused() {
    let mut stage = few_with_redis();
    let check = Ask::get("/api").token(&stage.token);
    let streams: Vec<_> = (0..MOST).map(|_| stage.rig.send(&check)).collect();
    let code = stage.alice.login();
    for ask in [
        check.clone(),
        Ask::post("/wx/login", &json!({ "code": code })),
        Ask::get("/wx/login").header("x-wx-code", &code),
        Ask::post("/api/upload", &json!({})).header("x-wx-code", &code),
    ] {
        let beyond = stage.rig.send(&ask);
        assert_eq!(refusal(&stage, beyond), overloaded(), "{ask:?}");
    }
    let beyond = stage.rig.send(&check);
    let headers = stage.rig.vm.outcome(beyond).reply().headers;
    assert_eq!(headers.text("retry-after"), Some("2"));
    // What needs no waiting passes.
    let public = stage.rig.send(&Ask::get("/public"));
    assert!(matches!(
        stage.rig.vm.outcome(public),
        Outcome::Forwarded(_)
    ));
    stage.rig.serve_calls();
    for stream in streams {
        assert!(matches!(
            stage.rig.vm.outcome(stream),
            Outcome::Forwarded(_)
        ));
    }
    assert_eq!(stage.wechat.code_requests(&code), 0);
    assert_well(&mut stage);
}

/// What could wait until a request has its verdict, whoever is the first to have one does: here the renewal of a session.
#[test]
fn who_may_pass_passes_also_where_what_is_left_to_do_finds_no_room() {
    let mut patch = few();
    patch["store"] = bridge::webdis();
    patch["session"] = json!({ "cache_ttl_s": 0, "idle_timeout_s": 90 });
    let mut stage = WasmWorld::new(&patch);
    stage.rig.advance(Duration::from_secs(40));
    let profile = Ask::post("/api/profile", &json!({ "a": 1 })).token(&stage.token);
    let mut streams = vec![stalled(&mut stage, &profile)];
    stage.rig.serve_calls();
    streams.extend(stalled_logins(&mut stage, MOST - 1));
    assert_eq!(waiting(&stage, &streams), MOST);
    let calls = stage.rig.vm.pending_calls().len();
    let public = stage.rig.send(&Ask::get("/public"));
    let Outcome::Forwarded(_) = stage.rig.vm.outcome(public) else {
        panic!("{:?}", stage.rig.vm.outcome(public));
    };
    assert_eq!(stage.rig.vm.pending_calls().len(), calls + 1, "the renewal");
    // They give way in a tick, and not in its callback.
    assert_eq!(waiting(&stage, &streams), MOST);
    stage.rig.advance(Duration::from_millis(2));
    assert_eq!(waiting(&stage, &streams), REST);
    stage.rig.serve_calls();
    assert_well(&mut stage);
}

#[test]
fn a_login_that_is_finished_without_its_client_counts_until_it_is() {
    let mut stage = WasmWorld::new(&few());
    let asks: Vec<_> = (0..MOST).map(|_| login(&stage)).collect();
    let streams: Vec<_> = asks.iter().map(|ask| stage.rig.send(ask)).collect();
    stage.rig.advance(Duration::from_millis(10));
    for stream in streams {
        stage.rig.vm.reset(stream);
    }
    let beyond = stage.rig.send(&login(&stage));
    assert_eq!(refusal(&stage, beyond), overloaded());
    stage.rig.serve_calls();
    let asked = stage.wechat.requests().len();
    let again = stage.rig.ask(vec![asks[MOST - 1].clone()]).remove(0);
    assert_eq!(Login::from(&again).token.len(), 43);
    assert_eq!(stage.wechat.requests().len(), asked, "it had been finished");
    assert_well(&mut stage);
}

#[test]
fn headers_count_by_their_bytes() {
    let mut stage = WasmWorld::new(&few());
    let large = login(&stage).header("x-padding", "x".repeat(30_000));
    let mut streams = Vec::new();
    for _ in 0..40 {
        streams.push(stalled(&mut stage, &large));
        stage.rig.advance(Duration::from_millis(2));
        assert!(waiting(&stage, &streams) <= 196_608 / 30_000);
    }
    assert_well(&mut stage);
    let too_large = login(&stage).header("x-padding", "x".repeat(300_000));
    let stream = stalled(&mut stage, &too_large);
    assert_eq!(refusal(&stage, stream), overloaded());
    assert_well(&mut stage);
}

#[test]
fn uploads_count_with_what_envoy_may_hold_of_them() {
    let mut stage = few_with_redis();
    let upload = Ask::post("/api/upload", &json!({})).token(&stage.token);
    let streams: Vec<_> = (0..14).map(|_| stalled(&mut stage, &upload)).collect();
    for stream in &streams[..7] {
        stage.rig.vm.body(*stream, &[b'x'; 19_000], false);
    }
    // 262,144 hold seven times 32 KiB and a head.
    assert_eq!(waiting(&stage, &streams), 7);
    assert_eq!(refusal(&stage, streams[7]), overloaded());
    stage.rig.serve_calls();
    for stream in &streams[..7] {
        let Outcome::Forwarded(forwarded) = stage.rig.vm.outcome(*stream) else {
            panic!("{:?}", stage.rig.vm.outcome(*stream));
        };
        assert_eq!(forwarded.body.len(), 19_000);
        stage.rig.vm.body(*stream, b"the end", true);
    }
    assert_well(&mut stage);
}

#[test]
fn clients_that_leave_give_their_places_back() {
    let mut stage = few_with_redis();
    let check = Ask::get("/api").token(&stage.token);
    for _ in 0..20 {
        let mut streams = stalled_logins(&mut stage, REST);
        streams.extend((REST..MOST).map(|_| stage.rig.send(&check)));
        for stream in streams {
            stage.rig.vm.reset(stream);
        }
    }
    assert_eq!(stage.rig.counter("wx_session.request.overloaded"), 0);
    stage.rig.serve_calls();
    assert_well(&mut stage);
}

/// 60 KiB each is what Envoy lets through by itself: a gigabyte is what it can be told to.
fn room_for_thousands() -> Value {
    json!({ "limits": { "waiting_requests": 5000, "waiting_bytes": 1_073_741_824 } })
}

const MIB: u64 = 16;

#[test]
fn who_waits_keeps_only_what_is_still_read() {
    let mut stage = WasmWorld::new(&room_for_thousands());
    let large = login(&stage).header("x-padding", "x".repeat(50_000));
    let before = stage.rig.vm.memory_pages();
    let streams: Vec<_> = (0..1000).map(|_| stalled(&mut stage, &large)).collect();
    let grown = stage.rig.vm.memory_pages() - before;
    assert_eq!(waiting(&stage, &streams), 1000);
    // 48 MiB with all of it.
    assert!(grown < 12 * MIB, "{grown} pages for 1000 requests");
}

#[test]
fn a_request_that_went_on_keeps_nothing_of_its_head() {
    let mut patch = room_for_thousands();
    patch["store"] = bridge::webdis();
    patch["session"] = json!({ "cache_ttl_s": 0 });
    let mut stage = WasmWorld::new(&patch);
    let check = Ask::get("/api")
        .token(&stage.token)
        .header("referer", "x".repeat(50_000));
    let before = stage.rig.vm.memory_pages();
    let mut streams = Vec::new();
    for _ in 0..300 {
        let stream = stage.rig.send(&check);
        stage.rig.serve_calls();
        assert!(matches!(
            stage.rig.vm.outcome(stream),
            Outcome::Forwarded(_)
        ));
        streams.push(stream);
    }
    let grown = stage.rig.vm.memory_pages() - before;
    // 15 MiB with it.
    assert!(grown < 2 * MIB, "{grown} pages for 300 requests");
}

/// A large head is kept only in part: nobody may be able to tell.
#[test]
fn a_large_head_is_judged_as_a_small_one() {
    let patch = json!({ "session": { "piggyback": true, "cookie": "sid", "query": "q" } });
    let count = WasmWorld::new(&patch).asks().len();
    for number in 0..count {
        let outcomes = [0, 5000].map(|padding| {
            let mut stage = WasmWorld::new(&patch);
            let (name, ask) = stage.asks().swap_remove(number);
            let ask = ask.header("x-padding", "x".repeat(padding));
            let stream = stage.rig.send(&ask);
            stage.rig.settle(&[stream]);
            stage.assert_invariants(stream, &ask, name);
            match stage.rig.vm.outcome(stream) {
                Outcome::Forwarded(forwarded) => {
                    let mut headers = forwarded.headers.pairs().to_vec();
                    headers.retain(|(name, _)| name != "x-padding");
                    (name, 0, format!("{headers:?}"))
                }
                Outcome::Replied(reply) => (name, reply.status, String::new()),
                other => panic!("{name}: {other:?}"),
            }
        });
        assert_eq!(outcomes[0], outcomes[1]);
    }
}
