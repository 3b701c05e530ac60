//! Two requests in one instance share nothing but the configuration and the verified cache. Each request X is stopped
//! wherever it awaits its host, Y of another user runs from beginning to end, and X goes on: both end as if alone.
//!
//! Not stopped: a timer that X sleeps on. It is no different from an answer that is late.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::fakes::wechat::{FakeWechat, Phone};

use crate::rig::{APPID, Ask, Got, SECRET, SpinRig, Way, over_tcp};

/// A host with two users who are logged in. Openids, codes and keys are the same in each.
struct Pair {
    rig: SpinRig,
    users: [User; 2],
}

struct User {
    phone: Phone,
    token: String,
}

/// What a client and the app saw of one request, and the component's own line about it.
#[derive(Debug, PartialEq)]
struct Outcome {
    status: u16,
    body: Value,
    seen: Vec<(String, Option<String>)>,
    line: Value,
}

type Kind = (&'static str, fn(&User) -> Ask);

const KINDS: [Kind; 9] = [
    ("check", |user| {
        Ask::get(format!("/of/{}", user.phone.openid())).token(&user.token)
    }),
    ("forward a body", |user| {
        Ask::new("POST", format!("/of/{}", user.phone.openid()))
            .token(&user.token)
            .body("what is sent")
    }),
    ("login", |user| {
        Ask::post("/wx/login", &json!({ "code": user.phone.login() }))
    }),
    ("login again", |user| {
        let code = user.phone.login();
        Ask::post("/wx/login", &json!({ "code": code })).token(&user.token)
    }),
    ("bad code", |_| {
        Ask::post("/wx/login", &json!({ "code": "0badc0de" }))
    }),
    ("decrypt", |user| {
        let data = user.phone.user_info();
        let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
        Ask::post("/wx/decrypt", &body).token(&user.token)
    }),
    ("register", |user| {
        Ask::post("/wx/register", &user.phone.user_info().to_json()).token(&user.token)
    }),
    ("logout", |user| {
        Ask::post("/wx/logout", &json!({})).token(&user.token)
    }),
    ("bad token", |_| {
        Ask::get("/of/nobody").token(&"A".repeat(43))
    }),
];

const STORE: &str = "wx_session.store.ok";

/// Those that meet every one of `KINDS`.
const OTHERS: [&str; 3] = ["check", "login", "logout"];

impl Pair {
    /// With `cache` for so many seconds, sessions are in the instance's cache or asked for in the store.
    fn start(way: Way, cache: u64) -> Self {
        let wechat = FakeWechat::seeded(APPID, SECRET, b"interleavings");
        // Without the limit on codes: that is of a network, which both users share.
        let patch = json!({
            "session": { "cache_ttl_s": cache },
            "login": { "failures_per_minute": 0 },
        });
        let rig = SpinRig::start(way, &wechat, &patch);
        let users = ["alice", "bob"].map(|name| {
            let phone = wechat.phone(name);
            let login = Ask::post("/wx/login", &json!({ "code": phone.login() }));
            let got = over_tcp::send(rig.spin.addr(), &login);
            let token = got.json()["data"]["token"].as_str().unwrap().to_owned();
            User { phone, token }
        });
        let pair = Self { rig, users };
        // The line about each login is written after its answer.
        pair.lines(2);
        drop(pair.rig.app.take());
        pair.rig.spin.take_calls();
        pair
    }

    fn send(&self, ask: &Ask) -> Got {
        over_tcp::send(self.rig.spin.addr(), ask)
    }

    /// The lines about the requests since the first `before`, in no order.
    fn lines(&self, before: usize) -> Vec<Value> {
        self.rig.spin.settle();
        let log = self.rig.spin.log();
        let lines = log.lines().filter_map(|line| {
            let mut line: Value = serde_json::from_str(line.strip_prefix("[info] ")?).ok()?;
            let is_time = |name: &str| name.ends_with("_ms") || name.contains("duration");
            line["metrics"]
                .as_object_mut()?
                .retain(|name, _| !is_time(name));
            Some(line)
        });
        lines
            .filter(|line| line["event"] == "decided")
            .skip(before)
            .collect()
    }

    /// What the app saw, by the user in the path.
    fn seen(&self) -> BTreeMap<String, Vec<(String, Option<String>)>> {
        let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for seen in self.rig.app.take() {
            let openid = seen.header("x-wx-openid");
            let openid = openid.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            let body = String::from_utf8_lossy(&seen.body).into_owned();
            let of = all.entry(seen.path.clone()).or_default();
            of.push((body, openid));
        }
        all
    }

    /// The openid that the app is told for this token.
    fn owner(&self, token: &str) -> Option<String> {
        let got = self.send(&Ask::get("/owner").token(token));
        assert!(got.status == 200 || got.status == 401);
        let seen = self.rig.app.take().pop()?;
        let openid = seen.header("x-wx-openid")?;
        Some(String::from_utf8_lossy(openid).into_owned())
    }
}

/// Tokens, times and ports differ from run to run.
fn masked(got: &Got) -> Value {
    let text = String::from_utf8_lossy(&got.body);
    let parts = text.split("127.0.0.1:");
    let parts = parts.map(|part| part.trim_start_matches(|one: char| one.is_ascii_digit()));
    let text = parts.collect::<Vec<_>>().join("127.0.0.1");
    let mut body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    for name in ["token", "createdAt", "lastLoginAt"] {
        if let Some(value) = body["data"].get_mut(name) {
            *value = json!("(masked)");
        }
    }
    if let Some(time) = body["data"]["watermark"].get_mut("timestamp") {
        *time = json!("(masked)");
    }
    body
}

/// What came of both requests, and at which calls X can be held.
struct Run {
    outcomes: [Outcome; 2],
    calls: Vec<String>,
    /// Of the users, and of whom a request logged in.
    tokens: Vec<String>,
}

/// In the cache the place of a session is some of its token's random bits: who takes the place of another makes it
/// ask the store, and tells nothing of what requests share. So those that meet by chance begin again.
fn run(way: Way, cache: u64, kinds: [&Kind; 2], step: Option<usize>) -> Run {
    loop {
        let run = run_once(way, cache, kinds, step);
        let places: HashSet<_> = run.tokens.iter().map(|token| cache_bits(token)).collect();
        if places.len() == run.tokens.len() {
            return run;
        }
    }
}

/// What the cache looks at (`memory/verified.rs`): ten bits, the second byte above the first.
fn cache_bits(token: &str) -> [u8; 2] {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
    [bytes[0], bytes[1] % 4]
}

/// Both requests, one after the other or, with `step`, Y while X is held there. What is new in the log must be theirs.
fn run_once(way: Way, cache: u64, kinds: [&Kind; 2], step: Option<usize>) -> Run {
    let pair = Pair::start(way, cache);
    let asks = [(kinds[0].1)(&pair.users[0]), (kinds[1].1)(&pair.users[1])];
    let mut calls = Vec::new();
    let got = match step {
        None => {
            let x = pair.send(&asks[0]);
            pair.rig.spin.settle();
            calls = pair.rig.spin.take_calls();
            [x, pair.send(&asks[1])]
        }
        Some(step) => std::thread::scope(|scope| {
            let held = pair.rig.spin.hold(step);
            let x = scope.spawn(|| pair.send(&asks[0]));
            held.reached();
            let y = pair.send(&asks[1]);
            drop(held);
            [x.join().unwrap(), y]
        }),
    };
    let mut lines = pair.lines(2);
    assert_eq!(lines.len(), 2, "{lines:?}");
    // By user; a refusal has none, and then the other's tells.
    let openids = [0, 1].map(|user: usize| json!(pair.users[user].phone.openid()));
    if lines[0]["openid"] == openids[1] || lines[1]["openid"] == openids[0] {
        lines.swap(0, 1);
    }
    // What could wait until a verdict is done by whoever comes to it first: only the sum says whether all was done.
    let store = lines
        .iter_mut()
        .filter_map(|line| line["metrics"].as_object_mut()?.remove(STORE));
    let store: u64 = store.filter_map(|count| count.as_u64()).sum();
    lines[0]["metrics"][STORE] = store.into();
    let mut seen = pair.seen();
    let mut lines = lines.into_iter();
    let outcomes = [0, 1].map(|user: usize| Outcome {
        status: got[user].status,
        body: masked(&got[user]),
        seen: seen
            .remove(&String::from_utf8_lossy(&asks[user].target).into_owned())
            .unwrap_or_default(),
        line: lines.next().unwrap(),
    });
    assert!(seen.is_empty(), "{seen:?}");
    let mut tokens = Vec::from(pair.users.each_ref().map(|user| user.token.clone()));
    for (user, got) in pair.users.iter().zip(&got) {
        if let Some(token) = minted(got) {
            assert_eq!(pair.owner(&token), Some(user.phone.openid()));
            tokens.push(token);
        }
    }
    assert_eq!(pair.rig.spin.instances(), 1);
    Run {
        outcomes,
        calls,
        tokens,
    }
}

fn minted(got: &Got) -> Option<String> {
    let body: Value = serde_json::from_slice(&got.body).ok()?;
    Some(body["data"]["token"].as_str()?.to_owned())
}

fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|(own, _)| *own == name).unwrap()
}

fn every_interleaving(way: Way, cache: u64) {
    let mut trials = 0;
    for x in &KINDS {
        for y in OTHERS.map(kind) {
            let alone = run(way, cache, [x, y], None);
            for (step, call) in alone.calls.iter().enumerate() {
                let together = run(way, cache, [x, y], Some(step));
                let at = format!("{way:?}: {} held at {step} ({call}), {}", x.0, y.0);
                assert_eq!(together.outcomes, alone.outcomes, "{at}");
                trials += 1;
            }
        }
    }
    println!("{way:?}, {cache} s in the cache: {trials} interleavings");
    assert!(trials > 3 * KINDS.len());
}

#[test]
fn of_requests_that_find_their_session_in_the_cache_on_the_service() {
    every_interleaving(Way::Service, 60);
}

#[test]
fn of_requests_that_ask_the_store_on_the_service() {
    every_interleaving(Way::Service, 0);
}

#[test]
fn of_requests_that_ask_the_store_on_the_middleware() {
    every_interleaving(Way::Middleware, 0);
}

/// Both find an instance that is not ready, and each makes it so.
#[test]
fn of_first_requests() {
    for way in Way::BOTH {
        let calls = first_requests(way, None);
        assert!(calls.len() > 4, "{calls:?}");
        for step in 0..calls.len() {
            first_requests(way, Some(step));
        }
    }
}

fn first_requests(way: Way, step: Option<usize>) -> Vec<String> {
    let wechat = FakeWechat::new(APPID, SECRET);
    // As above.
    let patch = json!({ "login": { "failures_per_minute": 0 } });
    let rig = SpinRig::start(way, &wechat, &patch);
    let send = |user: &str| {
        let phone = wechat.phone(user);
        let login = Ask::post("/wx/login", &json!({ "code": phone.login() }));
        let got = over_tcp::send(rig.spin.addr(), &login);
        assert_eq!(got.status, 200, "{user} {step:?} {}", rig.spin.log());
        let token = minted(&got).unwrap();
        let check = Ask::get("/api").token(&token);
        let got = over_tcp::send(rig.spin.addr(), &check);
        assert!(String::from_utf8_lossy(&got.body).contains(&phone.openid()));
    };
    match step {
        None => {
            let login = Ask::post(
                "/wx/login",
                &json!({ "code": wechat.phone("alice").login() }),
            );
            over_tcp::send(rig.spin.addr(), &login);
            rig.spin.settle();
        }
        Some(step) => std::thread::scope(|scope| {
            let held = rig.spin.hold(step);
            let x = scope.spawn(|| send("alice"));
            held.reached();
            send("bob");
            drop(held);
            x.join().unwrap();
        }),
    }
    assert_eq!(rig.spin.instances(), 1);
    rig.spin.take_calls()
}
