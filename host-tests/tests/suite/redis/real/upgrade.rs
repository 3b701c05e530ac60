//! The filter of the last release and this one, on one Redis: what either writes is good at the other, whichever of them a
//! request meets. `cargo xtask upgrade FILE` says which is the last release's; without it both are this one. Both get the
//! same configuration, so it must say nothing here that the last release does not know.

use std::env;
use std::path::PathBuf;

use project::filter;
use serde_json::{Value as Json, json};
use testkit::eventually;
use testkit::fakes::wechat::{FakeWechat, KeyAge, Phone, Source};

use super::{ask, get, post};
use crate::rig::backend::{Backend, entries};
use crate::rig::newer::{line, newer};
use crate::rig::{APPID, Ask, EnvoyRig, Login, Rig, SECRET, assert_unavailable};

/// In the environment: the `.wasm` of the last release.
const LAST_RELEASE: &str = "WX_SESSION_LAST_RELEASE";

fn last_release() -> PathBuf {
    let built = || filter::built().unwrap();
    env::var_os(LAST_RELEASE).map_or_else(built, PathBuf::from)
}

/// Every request asks the store.
fn rules(idle_timeout_s: u64) -> Json {
    json!({
        "session": { "cache_ttl_s": 0, "idle_timeout_s": idle_timeout_s },
        "responses": { "attributes": true },
    })
}

const LONG: u64 = 7200;

fn log_in(edge: &mut EnvoyRig, code: &str) -> Login {
    Login::from(&ask(edge, Ask::post("/wx/login", &json!({ "code": code }))))
}

#[track_caller]
fn assert_is(edge: &mut EnvoyRig, token: &str, phone: &Phone) {
    let got = get(edge, "/api", token);
    assert_eq!(got.seen().header("x-wx-openid"), Some(phone.openid()));
    assert_eq!(got.seen().header("x-wx-unionid"), phone.unionid());
}

/// What is written at `one`, at the other.
fn goes_on(one: &mut EnvoyRig, other: &mut EnvoyRig, phone: &Phone) {
    // A code that comes twice is one login.
    let code = phone.login();
    let first = log_in(one, &code).token;
    assert_eq!(log_in(other, &code).token, first);
    assert_is(other, &first, phone);

    // A user, with what a client has told of it; and its keys, also after another login.
    let info = phone.user_info().to_json();
    assert_eq!(post(one, "/wx/register", &first, &info).status, 200);
    let user = get(other, "/wx/user", &first).json();
    assert_eq!(user["data"]["registered"], true, "{user}");
    let decrypts = |edge: &mut EnvoyRig, token: &str, age| {
        let data = phone.open_data(Source::UserInfo).key(age).build();
        let got = post(edge, "/wx/decrypt", token, &data.to_json());
        assert_eq!(got.status, 200, "{}", got.json());
    };
    decrypts(other, &first, KeyAge::Current);
    let returning = log_in(other, &phone.login());
    assert_eq!(returning.data["event"], "returning");
    assert_eq!(returning.data["registered"], true);
    let second = returning.token;
    for age in [KeyAge::Current, KeyAge::Previous] {
        decrypts(one, &first, age);
        decrypts(one, &second, age);
    }

    // What fails is counted in the session, wherever that is.
    let bad = phone.open_data(Source::UserInfo).bad_padding().build();
    for edge in [&mut *one, &mut *other] {
        assert_eq!(
            post(edge, "/wx/decrypt", &second, &bad.to_json()).status,
            422
        );
        assert_is(edge, &second, phone);
    }

    // What the app says of a session.
    get(
        one,
        "/api/answer/200?x-wx-session-attributes=uid%3D42",
        &first,
    );
    eventually(|| {
        let got = get(other, "/api", &first);
        got.seen().header("x-wx-session-attributes").as_deref() == Some("uid%3D42")
    });

    // An end, of one and of all.
    assert_eq!(post(other, "/wx/logout", &first, &json!({})).status, 200);
    assert_eq!(get(one, "/api", &first).status, 401);
    let third = log_in(one, &phone.login()).token;
    let everywhere = json!({ "everywhere": true });
    let ended = post(other, "/wx/logout", &third, &everywhere).json();
    assert_eq!(ended["data"]["ended"], 2, "{ended}");
    for edge in [one, other] {
        for token in [&first, &second, &third] {
            assert_eq!(get(edge, "/api", token).status, 401);
        }
    }
}

#[test]
fn the_last_release_and_this_one_are_edges_of_one_redis() {
    for (_, backend) in Backend::both() {
        let wechat = FakeWechat::new(APPID, SECRET);
        wechat.bind(true);
        let mut last = backend.edge_of(&last_release(), &wechat, &rules(LONG));
        let mut this = backend.edge(&wechat, &rules(LONG));
        goes_on(&mut last, &mut this, &wechat.phone("ming"));
        goes_on(&mut this, &mut last, &wechat.phone("hong"));
    }
}

#[test]
fn a_session_that_either_renews_is_good_at_the_other() {
    let backend = Backend::webdis();
    let wechat = FakeWechat::new(APPID, SECRET);
    let modules = [last_release(), filter::built().unwrap()];
    for [writes, renews] in [[0, 1], [1, 0]] {
        let phone = wechat.phone(["ming", "hong"][writes]);
        let mut patient = backend.edge_of(&modules[writes], &wechat, &rules(LONG));
        // Due after a third of it.
        let mut renewing = backend.edge_of(&modules[renews], &wechat, &rules(9));
        let before = entries(&backend.redis);
        let token = log_in(&mut patient, &phone.login()).token;
        let after = entries(&backend.redis);
        let mut added = after.iter().filter(|(name, _)| !before.contains_key(*name));
        let (name, sealed) = added.find(|(name, _)| name.starts_with("wx:s:")).unwrap();
        eventually(|| {
            assert_is(&mut renewing, &token, &phone);
            entries(&backend.redis)[name] != *sealed
        });
        assert_is(&mut patient, &token, &phone);
    }
}

/// What a release of some later day writes, beside this one.
#[test]
fn an_edge_leaves_what_a_newer_one_has_written_as_it_is() {
    for (kind, backend) in Backend::both() {
        let wechat = FakeWechat::new(APPID, SECRET);
        let mut edge = backend.edge(&wechat, &rules(LONG));
        let phone = wechat.phone("ming");
        let token = log_in(&mut edge, &phone.login()).token;
        let redis = &backend.redis;
        let known = entries(redis);
        let set = |name: &str, value: &str| {
            redis.command(&["SET", name, value, "KEEPTTL"]).unwrap();
        };
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        for (name, value) in &known {
            set(name, &newer(&text(value)));
        }
        let newer = entries(redis);
        assert_unavailable(&get(&mut edge, "/api", &token), kind);
        for body in [json!({}), json!({ "everywhere": true })] {
            assert_unavailable(&post(&mut edge, "/wx/logout", &token, &body), kind);
        }
        let code = json!({ "code": phone.login() });
        assert_unavailable(&ask(&mut edge, Ask::post("/wx/login", &code)), kind);
        let after = entries(redis);
        for (name, value) in &newer {
            assert_eq!(after.get(name), Some(value), "{kind}: {name}");
        }
        for record in ["session", "user"] {
            // The log is written behind the answer.
            eventually(|| edge.log().contains(&line(record)));
        }
        for (name, value) in &known {
            set(name, &text(value));
        }
        assert_is(&mut edge, &token, &phone);
        let everywhere = json!({ "everywhere": true });
        let ended = post(&mut edge, "/wx/logout", &token, &everywhere).json();
        assert_eq!(ended["data"]["ended"], 1, "{kind}: {ended}");
    }
}
