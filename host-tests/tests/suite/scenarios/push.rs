//! WeChat's messages (消息推送): checked, opened, and delivered to the app once, in plain text.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::fakes::app::{Comes, Scripted};
use testkit::fakes::wechat::{Heard, Message, Mode, Push, PushAccount, PushFormat};

use crate::rig::{
    APPID, Ask, Got, HostKind, OTHER_PUSH_TOKEN, PUSH_KEY, PUSH_TOKEN, World, assert_refusal,
};

const OTHER_APPID: &str = "wxba5fad812f8e6fb9";
const FROM: &str = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY";

const FORMATS: [PushFormat; 2] = [PushFormat::Json, PushFormat::Xml];

/// An app with message push, and what else is said of that.
fn with(own: &Value, all: &Value) -> Value {
    let mut push = json!({ "token": { "env": "WX_PUSH_TOKEN" } });
    for (name, value) in own.as_object().unwrap() {
        push[name] = value.clone();
    }
    let app = json!({ "appid": APPID, "secret": { "env": "WX_SECRET" }, "push": push });
    json!({ "apps": [app], "push": all })
}

/// Where messages come sealed.
fn sealed() -> Value {
    with(
        &json!({ "encoding_aes_key": { "env": "WX_PUSH_KEY" } }),
        &json!({}),
    )
}

fn plain() -> Value {
    with(&json!({}), &json!({}))
}

fn account(world: &World) -> PushAccount {
    world
        .wechat
        .push_account(APPID, PUSH_TOKEN, PUSH_KEY, "/wx/push")
}

fn text(world: &World, id: u64) -> Message {
    Message::text(FROM, world.wechat.now(), id, "你好 <&>")
}

/// WeChat is content with this answer, and says so.
#[track_caller]
fn heard(account: &PushAccount, got: &Got) -> Heard {
    let heard = account.hear(got.status, &got.body);
    assert!(!matches!(heard, Heard::Fault(_)), "{heard:?}: {got:?}");
    assert_eq!(got.header("cache-control").as_deref(), Some("no-store"));
    heard
}

#[track_caller]
fn assert_success(got: &Got) {
    let body = String::from_utf8_lossy(&got.body);
    assert_eq!((got.status, &*body), (200, "success"));
}

/// An answer of the app that says nothing.
fn success() -> Scripted {
    Scripted {
        status: 200,
        body: "success".into(),
        ..Scripted::default()
    }
}

/// An app that answers so, each time with the next, and with the last from then on.
fn answers(world: &World, answers: Vec<Scripted>) {
    let next = AtomicUsize::new(0);
    world.receiver_answers(move |_| {
        let at = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        Some(answers[at].clone())
    });
}

/// The counter, once what goes on has come to its end.
#[track_caller]
fn assert_comes_to(world: &mut World, counter: &str, expected: u64) {
    for _ in 0..100 {
        if world.counter(counter) == expected {
            return;
        }
        world.advance(Duration::from_millis(50));
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{counter} does not come to {expected}: {}", world.log());
}

pub fn a_check_of_the_url_is_echoed_as_it_is(host: HostKind) {
    let mut world = host.start(sealed());
    let account = account(&world);
    for mode in [Mode::Plain, Mode::Safe] {
        let (check, echo) = account.in_mode(mode, PushFormat::Json).check();
        let got = world.push(&check);
        let body = String::from_utf8_lossy(&got.body).into_owned();
        assert_eq!((got.status, &body), (200, &echo));
        let content_type = got.header("content-type");
        assert_eq!(content_type.as_deref(), Some("text/plain; charset=utf-8"));
        assert!(got.seen.is_none());
    }
    let (check, _) = account.check();
    for (old, new) in [
        ("signature=", "signature=0"),
        ("nonce=", "nonce=0"),
        ("echostr=", "other="),
    ] {
        let target = check.target.replace(old, new);
        world.assert_refused(Ask::get(target), 403, "push_refused");
    }
    world.assert_refused(Ask::new("PUT", check.target), 405, "method_not_allowed");
    assert_eq!(world.counter("wx_session.push.verified"), 2);
    assert_eq!(world.counter("wx_session.push.refused"), 3);
}

pub fn a_message_reaches_the_app_in_plain_text_in_every_mode_and_format(host: HostKind) {
    for (patch, modes) in [
        (plain(), &[Mode::Plain][..]),
        (sealed(), &[Mode::Compatible, Mode::Safe]),
    ] {
        let mut world = host.start(patch);
        let mut account = account(&world);
        account.path = "/wx/push?tenant=a%20b".into();
        answers(&world, vec![success()]);
        let mut id = u64::MAX;
        for mode in modes {
            for format in FORMATS {
                id -= 1;
                let own = account.in_mode(*mode, format);
                let message = text(&world, id);
                let got = world.push(&own.push(&message));
                let case = format!("{mode:?} {format:?}");
                assert_eq!(heard(&own, &got), Heard::Nothing, "{case}");
                let seen = got.seen();
                assert_eq!(seen.path, "/wx/push?tenant=a%20b", "{case}");
                let body = String::from_utf8(seen.body.clone()).unwrap();
                assert_eq!(body, message.written(format), "{case}");
                let of_json = seen
                    .header("content-type")
                    .unwrap()
                    .starts_with("application/json");
                assert_eq!(of_json, format == PushFormat::Json, "{case}");
                for (name, value) in [
                    ("x-wx-openid", FROM),
                    ("x-wx-appid", APPID),
                    ("x-wx-source", "wx_push"),
                    ("x-wx-sources", "wx_push"),
                    ("user-agent", "Mozilla/4.0"),
                ] {
                    assert_eq!(seen.header(name).as_deref(), Some(value), "{case}");
                }
            }
        }
    }
}

pub fn the_apps_answer_goes_back_as_the_message_came(host: HostKind) {
    let answer = |content_type: &str, body: &str| Scripted {
        status: 200,
        headers: vec![("content-type".into(), content_type.into())],
        body: body.into(),
        ..Scripted::default()
    };
    let (of_json, of_xml) = (
        r#"{"MsgType":"transfer_customer_service"}"#,
        "<xml><MsgType><![CDATA[transfer_customer_service]]></MsgType></xml>",
    );
    for (patch, mode) in [(plain(), Mode::Plain), (sealed(), Mode::Safe)] {
        let mut world = host.start(patch);
        for (number, (format, content_type, body)) in (0..).zip([
            (PushFormat::Json, "application/json", of_json),
            (PushFormat::Xml, "text/xml", of_xml),
        ]) {
            let own = account(&world).in_mode(mode, format);
            answers(&world, vec![answer(content_type, body)]);
            let got = world.push(&own.push(&text(&world, 10 + number)));
            assert_eq!(heard(&own, &got), Heard::Answer(body.into()), "{mode:?}");
            assert!(
                got.header("content-type")
                    .unwrap()
                    .starts_with(content_type)
            );
            let nothing = answer("text/plain", "");
            answers(&world, vec![nothing]);
            let got = world.push(&own.push(&text(&world, 20 + number)));
            assert_eq!((got.status, got.body.len()), (200, 0));
        }
    }
}

pub fn a_repetition_is_answered_and_not_delivered_again(host: HostKind) {
    let mut world = host.start(sealed());
    let account = account(&world);
    answers(&world, vec![success()]);
    let at = world.wechat.now();
    // Ids that are one number for a reader that takes numbers for doubles.
    let ids = [9_007_199_254_740_992, 9_007_199_254_740_993];
    let mut messages: Vec<Message> = ids.iter().map(|id| text(&world, *id)).collect();
    let event = Message::event(FROM, at, "user_enter_tempsession");
    messages.push(event.clone());
    // Of the same user in the same second.
    messages.push(event.with("SessionFrom", json!("other")));
    // Of one message that they tell of.
    for event in ["sent", "read"] {
        messages.push(Message::event(FROM, at, event).with("MsgID", json!(5)));
    }
    for (number, message) in messages.iter().enumerate() {
        for turn in 0..3 {
            // Sealed and signed anew each time, and the first of all sent again as it was.
            let got = world.push(&account.push(message));
            assert_success(&got);
            assert_eq!(got.seen.is_some(), turn == 0, "{number} {turn}");
        }
    }
    let push = account.push(&text(&world, 7));
    assert_success(&world.push(&push));
    assert_success(&world.push(&push));
    assert_eq!(world.received(), messages.len() + 1);
    assert_eq!(world.counter("wx_session.push.duplicate"), 2 * 6 + 1);
    assert_eq!(world.counter("wx_session.push.delivered"), 7);
}

pub fn a_repetition_during_the_first_delivery_waits_for_its_outcome(host: HostKind) {
    let mut world = host.start(sealed());
    let account = account(&world);
    let slow = |status| Scripted {
        status,
        comes: Comes::After(Duration::from_millis(400)),
        ..success()
    };
    answers(&world, vec![slow(200)]);
    let message = text(&world, 1);
    let both = || [account.push(&message), account.push(&message)].map(|push| Ask::from(&push));
    for got in world.ask_together(both().into()) {
        assert_success(&got);
    }
    assert_eq!(world.received(), 1);
    // One that waits for a delivery that fails makes the next.
    answers(&world, vec![slow(500), success()]);
    let message = text(&world, 2);
    let both = [account.push(&message), account.push(&message)].map(|push| Ask::from(&push));
    let mut status: Vec<u16> = world
        .ask_together(both.into())
        .iter()
        .map(|got| got.status)
        .collect();
    status.sort_unstable();
    assert_eq!((status, world.received()), (vec![200, 503], 3));
}

pub fn what_the_app_did_not_take_is_delivered_with_the_next_try(host: HostKind) {
    let mut world = host.start(sealed());
    let account = account(&world);
    let refusing = |status| Scripted {
        status,
        ..success()
    };
    let gone = Scripted {
        comes: Comes::Never,
        ..success()
    };
    // A framework's page for whoever is to mend it.
    let page = Scripted {
        body: "x".repeat(70_000),
        ..refusing(500)
    };
    let all = [refusing(500), refusing(404), refusing(302), page, gone];
    for (number, failing) in (0..).zip(all) {
        answers(&world, vec![failing.clone(), success()]);
        let message = text(&world, 100 + number);
        let before = world.received();
        let got = world.push(&account.push(&message));
        let told = (got.status, got.json()["error"].clone());
        assert_eq!(told, (503, json!("upstream_unavailable")), "{number}");
        let heard = account.send(&message, |push| {
            let got = world.push(push);
            Some((got.status, got.body))
        });
        assert_eq!(heard, [Heard::Nothing], "{number}");
        assert_success(&world.push(&account.push(&message)));
        assert_eq!(world.received() - before, 2, "{number}");
    }
    // An app that takes it at no time is tried three times.
    answers(&world, vec![refusing(500)]);
    let before = world.received();
    let message = text(&world, 1);
    let heard = account.send(&message, |push| {
        let got = world.push(push);
        Some((got.status, got.body))
    });
    assert_eq!(
        (heard.len(), world.received() - before),
        (3, 3),
        "{heard:?}"
    );
    assert_eq!(world.counter("wx_session.push.failed"), 8);
    let log = world.log();
    assert!(
        log.contains("push_failed") && log.contains("HTTP 500"),
        "{log}"
    );
}

pub fn an_app_that_takes_long_goes_on_when_wechat_has_its_answer(host: HostKind) {
    let patch = with(
        &json!({ "encoding_aes_key": { "env": "WX_PUSH_KEY" } }),
        &json!({ "answer_after_ms": 200 }),
    );
    let mut world = host.start(patch);
    let account = account(&world);
    let late = |status| Scripted {
        status,
        body: r#"{"too":"late"}"#.into(),
        comes: Comes::After(Duration::from_millis(700)),
        ..Scripted::default()
    };
    answers(&world, vec![late(200), success()]);
    let message = text(&world, 1);
    assert_success(&world.push(&account.push(&message)));
    // It was told that it had come: whatever the app says now, it is not sent again, nor taken for new.
    assert_success(&world.push(&account.push(&message)));
    assert_comes_to(&mut world, "wx_session.push.delivered", 1);
    assert_eq!(world.received(), 1);
    answers(&world, vec![late(500)]);
    let message = text(&world, 2);
    assert_success(&world.push(&account.push(&message)));
    assert_comes_to(&mut world, "wx_session.push.lost", 1);
    assert_eq!(world.counter("wx_session.push.late"), 2);
    assert!(world.log().contains("push_lost"), "{}", world.log());
}

/// A push of which the body or the query was changed.
fn bent(push: &Push, change: impl FnOnce(&mut Push)) -> Push {
    let mut bent = push.clone();
    change(&mut bent);
    bent
}

pub fn whatever_is_wrong_with_a_push_is_one_refusal(host: HostKind) {
    let mut world = host.start(sealed());
    let account = account(&world);
    let push = account.push(&text(&world, 1));
    let message = format!(r#"{{"FromUserName":"{FROM}","MsgId":2}}"#);
    let framed = |message: &str, appid: &str, length: usize, pad: u8| {
        let length = u32::try_from(length).unwrap().to_be_bytes();
        let mut bytes = [&[7; 16][..], &length, message.as_bytes(), appid.as_bytes()].concat();
        bytes.resize(bytes.len().next_multiple_of(32), pad);
        bytes
    };
    // Of a length that leaves this much to pad.
    let fitting = format!("{message:<100}");
    let pad = u8::try_from(32 - (20 + 100 + APPID.len()) % 32).unwrap();
    let whole = account.push_framed(&message, framed(&fitting, APPID, 100, pad));
    let mut other_token = account.clone();
    other_token.token = OTHER_PUSH_TOKEN.into();
    let mut other_key = account.clone();
    other_key.encoding_aes_key = PUSH_KEY.replace('a', "b");
    let mut other_app = account.clone();
    other_app.appid = OTHER_APPID.into();
    let middle = push.body.as_ref().unwrap().len() / 2;
    let flip = |body: &mut Option<String>| {
        let body = body.as_mut().unwrap();
        let new = if &body[middle..=middle] == "A" {
            "B"
        } else {
            "A"
        };
        body.replace_range(middle..=middle, new);
    };
    let bad = [
        bent(&push, |bent| flip(&mut bent.body)),
        bent(&push, |bent| {
            bent.target = bent.target.replace("&msg_signature=", "&msg_signature=0")
        }),
        // The plain signature alone is right.
        bent(&push, |bent| {
            bent.target = bent.target.split("&encrypt_type").next().unwrap().into()
        }),
        bent(&push, |bent| {
            bent.target = bent.target.replace("&nonce=", "&nonce=1")
        }),
        bent(&push, |bent| bent.target += "&nonce=1"),
        bent(&push, |bent| bent.target = "/wx/push".into()),
        other_token.push(&text(&world, 1)),
        other_key.push(&text(&world, 1)),
        other_app.push(&text(&world, 1)),
        account.push_framed(&message, framed(&fitting, APPID, 100, pad - 1)),
        account.push_framed(&message, framed(&fitting, APPID, 100, 0)),
        account.push_framed(&message, framed(&fitting, APPID, 100, 33)),
        account.push_framed(&message, framed(&fitting, APPID, 99, pad)),
        account.push_framed(&message, framed(&fitting, APPID, 101, pad)),
        account.push_framed(&message, framed(&fitting, APPID, u32::MAX as usize, pad)),
        account.push_framed(&message, vec![]),
        account.push_framed(&message, vec![0; 16]),
        account.push_framed(&message, vec![1; 32]),
    ];
    let told: Vec<Value> = bad
        .iter()
        .map(|bad| world.assert_refused(Ask::from(bad), 403, "push_refused"))
        .collect();
    assert!(told.iter().all(|body| *body == told[0]), "{told:?}");
    assert_eq!(told[0].get("detail"), None);
    assert_eq!(world.received(), 0);
    // Only the operator is told.
    let log = world.log();
    assert!(log.contains("is push.token the Token at WeChat?"), "{log}");
    // Nothing was remembered of them, and the right ones come through.
    answers(&world, vec![success()]);
    for good in [push, whole] {
        assert_success(&world.push(&good));
    }
    assert_eq!(world.received(), 2);
}

pub fn a_push_from_longer_ago_is_refused(host: HostKind) {
    let mut world = host.start(with(
        &json!({ "encoding_aes_key": { "env": "WX_PUSH_KEY" } }),
        &json!({ "max_age_s": 60 }),
    ));
    let account = account(&world);
    answers(&world, vec![success()]);
    let now = world.wechat.now();
    for (age, is_taken) in [
        (-50, true),
        (-70, false),
        (50, true),
        (70, false),
        (-1_000_000, false),
    ] {
        world.wechat.set_time(Some(now.saturating_add_signed(age)));
        let push = account.push(&text(&world, now.saturating_add_signed(age)));
        let (check, echo) = account.check();
        world.wechat.set_time(Some(now));
        let (got, echoed) = (world.push(&push), world.push(&check));
        if is_taken {
            assert_success(&got);
            assert_eq!(echoed.body, echo.as_bytes(), "{age}");
        } else {
            assert_refusal(&got, 403, "push_refused");
            assert_refusal(&echoed, 403, "push_refused");
        }
    }
}

/// The order of what is signed is lost: whoever has kept a push whose nonce reads as a second may send it again then, with
/// the two exchanged.
pub fn a_sealed_message_of_another_day_is_refused(host: HostKind) {
    const DAY: i64 = 24 * 3600;
    for format in FORMATS {
        let mut world = host.start(sealed());
        let account = account(&world).in_mode(Mode::Safe, format);
        answers(&world, vec![success()]);
        let now = world.wechat.now();
        for (id, (age, is_taken)) in (1..).zip([
            (-DAY + 60, true),
            (-DAY - 60, false),
            (DAY + 60, false),
            (-300 * DAY, false),
        ]) {
            let made = now.saturating_add_signed(age);
            let got = world.push(&account.push(&Message::text(FROM, made, id, "x")));
            if is_taken {
                assert_success(&got);
            } else {
                assert_refusal(&got, 403, "push_refused");
            }
        }
        // In another unit it tells nothing.
        let message = Message::text(FROM, now * 1000, 10, "x");
        assert_success(&world.push(&account.push(&message)));
        assert_eq!(world.received(), 2);
    }
}

/// The operator's to mend, and no outage of the app.
pub fn a_cluster_that_nobody_knows_is_a_fault_of_the_edge(host: HostKind) {
    if !matches!(host, HostKind::Envoy | HostKind::Wasm) {
        return;
    }
    let mut patch = sealed();
    patch["push"] = json!({ "cluster": "nowhere" });
    let mut world = host.start(patch);
    let push = account(&world).push(&text(&world, 1));
    let got = world.push(&push);
    assert_eq!(
        (got.status, &got.json()["error"]),
        (500, &json!("internal_error"))
    );
    assert!(world.log().contains("push_failed"));
}

/// For clients that know no status but 200.
pub fn wechat_hears_of_a_failure_whatever_clients_are_told(host: HostKind) {
    let mut patch = sealed();
    let other = json!({ "http_status": 200, "members": { "code": 1 } });
    patch["answers"] = json!({ "session": other, "other": other });
    let mut world = host.start(patch);
    let account = account(&world);
    let failing = Scripted {
        status: 500,
        ..success()
    };
    answers(&world, vec![failing, success()]);
    let push = account.push(&text(&world, 1));
    let got = world.push(&push);
    let told = (got.status, got.json()["error"].clone());
    assert_eq!(told, (503, json!("upstream_unavailable")));
    assert_success(&world.push(&push));
    let other = bent(&push, |bent| bent.target += "&nonce=1");
    world.assert_refused(Ask::from(&other), 403, "push_refused");
    // A client is told what it knows.
    let got = world.ask(Ask::get("/wx/user"));
    assert_eq!((got.status, &got.json()["code"]), (200, &json!(1)));
}

pub fn where_there_is_a_key_nothing_unsealed_is_taken(host: HostKind) {
    let mut world = host.start(sealed());
    let own = account(&world);
    for format in FORMATS {
        let push = own.in_mode(Mode::Plain, format).push(&text(&world, 1));
        world.assert_refused(Ask::from(&push), 403, "push_refused");
    }
    // Of a message in both forms, the one that is not signed is not looked at.
    let mut push = own
        .in_mode(Mode::Compatible, PushFormat::Json)
        .push(&text(&world, 2));
    push.body = push.body.map(|body| {
        body.replace("你好", "forged")
            .replace(FROM, "oForgedForgedForgedForged")
    });
    answers(&world, vec![success()]);
    let got = world.push(&push);
    assert_success(&got);
    let seen = got.seen();
    assert_eq!(seen.header("x-wx-openid").as_deref(), Some(FROM));
    assert!(!String::from_utf8_lossy(&seen.body).contains("forged"));
    // And without one, nothing that is sealed.
    let mut world = host.start(plain());
    for mode in [Mode::Safe, Mode::Compatible] {
        let push = account(&world)
            .in_mode(mode, PushFormat::Xml)
            .push(&text(&world, 1));
        world.assert_refused(Ask::from(&push), 403, "push_refused");
    }
}

pub fn what_cannot_be_read_is_refused(host: HostKind) {
    let bomb = r#"<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>"#;
    let deep = format!("<xml>{}{}</xml>", "<a>".repeat(500), "</a>".repeat(500));
    let deep_json = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
    let bad = [
        "",
        "success",
        "[]",
        "{",
        "{\"a\":1",
        "<xml>",
        "<html></html>",
        bomb,
        &deep,
        &deep_json,
        "<xml><Content>&unknown;</Content></xml>",
        "<xml><MsgId>1</MsgId><MsgId>2</MsgId></xml>",
        "{\"MsgId\":1,\"MsgId\":2}",
    ];
    for (patch, mode) in [(plain(), Mode::Plain), (sealed(), Mode::Safe)] {
        let mut world = host.start(patch);
        let own = account(&world).in_mode(mode, PushFormat::Json);
        for message in bad {
            let push = own.push_written(message);
            world.assert_refused(Ask::from(&push), 403, "push_refused");
        }
        // Around what is sealed, too.
        for message in bad {
            let push = bent(&own.push_written("{}"), |bent| {
                bent.body = Some(message.into())
            });
            world.assert_refused(Ask::from(&push), 403, "push_refused");
        }
        assert_eq!(world.received(), 0);
        let bytes = Ask::from(&own.push_written("{}")).body(b"{\"a\":\"\xff\"}");
        world.assert_refused(bytes, 403, "push_refused");
    }
}

pub fn a_large_push_is_refused(host: HostKind) {
    let mut world = host.start(sealed());
    let account = account(&world);
    let large = Message::text(FROM, world.wechat.now(), 1, &"x".repeat(1_000_000));
    let got = world.push(&account.push(&large));
    assert_refusal(&got, 413, "body_too_large");
    let fits = Message::text(FROM, world.wechat.now(), 2, &"x".repeat(11_000));
    answers(&world, vec![success()]);
    assert_success(&world.push(&account.push(&fits)));
    assert_eq!(world.received(), 1);
}

pub fn no_client_reaches_the_app_where_messages_go(host: HostKind) {
    let to = json!({ "encoding_aes_key": { "env": "WX_PUSH_KEY" }, "to": "/app/messages" });
    let mut patch = with(&to, &json!({}));
    patch["routes"] = json!([{ "prefix": "/app", "session": "public" }]);
    let mut world = host.start(patch);
    let account = account(&world);
    let alice = world.wechat.phone("alice");
    let token = world.login(&alice).token;
    let forged = text(&world, 1).written(PushFormat::Json);
    for path in [
        "/wx/push",
        "/wx/push/",
        "/wx/PUSH",
        "/wx/push.json",
        "/app/messages",
        "/app/messages/",
        "/APP/Messages",
    ] {
        for method in ["POST", "GET"] {
            let ask = Ask::new(method, path).token(&token);
            let ask = ask.header("content-type", "application/json").body(&forged);
            world.assert_refused(ask, 403, "push_refused");
        }
    }
    // Signed or not: WeChat knows the path that the operator has given it.
    let push = bent(&account.push(&text(&world, 1)), |bent| {
        bent.target = bent.target.replace("/wx/push", "/app/messages");
    });
    world.assert_refused(Ask::from(&push), 403, "push_refused");
    answers(&world, vec![success()]);
    let got = world.push(&account.push(&text(&world, 1)));
    assert_success(&got);
    assert_eq!(got.seen().path, "/app/messages");
    let got = world.ask(Ask::get("/app/messages-of-the-day/1"));
    assert!(got.seen.is_some(), "{got:?}");
}

pub fn each_app_has_messages_of_its_own(host: HostKind) {
    let app = |appid: &str, token: &str, path: &str| {
        json!({
            "appid": appid,
            "secret": { "env": "WX_SECRET" },
            "push": { "token": { "env": token }, "encoding_aes_key": { "env": "WX_PUSH_KEY" }, "path": path },
        })
    };
    let mut world = host.start(json!({
        "apps": [
            app(APPID, "WX_PUSH_TOKEN", "/push/one"),
            app(OTHER_APPID, "WX_OTHER_PUSH_TOKEN", "/push/two"),
        ],
    }));
    answers(&world, vec![success()]);
    let account = |appid, token, path| world.wechat.push_account(appid, token, PUSH_KEY, path);
    let one = account(APPID, PUSH_TOKEN, "/push/one");
    let two = account(OTHER_APPID, OTHER_PUSH_TOKEN, "/push/two");
    let strangers = [
        account(APPID, PUSH_TOKEN, "/push/two"),
        account(OTHER_APPID, OTHER_PUSH_TOKEN, "/push/one"),
        account(OTHER_APPID, PUSH_TOKEN, "/push/one"),
    ];
    // The same id is another message.
    let message = text(&world, 1);
    for (account, appid) in [(&one, APPID), (&two, OTHER_APPID)] {
        let got = world.push(&account.push(&message));
        assert_success(&got);
        assert_eq!(got.seen().header("x-wx-appid").as_deref(), Some(appid));
    }
    for account in strangers {
        let push = account.push(&text(&world, 2));
        world.assert_refused(Ask::from(&push), 403, "push_refused");
    }
}

pub fn a_probe_of_cloud_run_is_answered(host: HostKind) {
    let mut world = host.start(sealed());
    for (content_type, body) in [
        ("application/json", r#"{"action":"CheckContainerPath"}"#),
        (
            "text/xml",
            "<xml>\n  <action>CheckContainerPath</action>\n</xml>",
        ),
    ] {
        let ask = Ask::new("POST", "/wx/push").header("content-type", content_type);
        assert_success(&world.ask(ask.body(body)));
    }
    assert_eq!(world.received(), 0);
}

pub fn a_client_cannot_say_who_a_message_is_from(host: HostKind) {
    let mut world = host.start(sealed());
    let account = account(&world);
    answers(&world, vec![success()]);
    let system = Message::event("gh_97417a04a28d", world.wechat.now(), "weapp_audit_success");
    let mut ask = Ask::from(&account.push(&system));
    for name in [
        "X-WX-OPENID",
        "x_wx_openid",
        "X-WX-UNIONID",
        "X-WX-Source",
        "x-wx-sources",
        "X-WX-Skey",
    ] {
        ask = ask.header(name, "forged");
    }
    let got = world.ask(ask);
    assert_success(&got);
    let seen = got.seen();
    assert!(
        !seen.has("x-wx-openid") && !seen.has("x_wx_openid"),
        "{seen:?}"
    );
    assert!(!format!("{seen:?}").contains("forged"), "{seen:?}");
    let forged = |(_, value): &(String, Vec<u8>)| value == b"forged";
    assert!(!seen.headers.iter().any(forged), "{seen:?}");
}

pub fn without_push_its_path_is_one_like_others(host: HostKind) {
    let mut world = host.start(json!({}));
    let account = account(&world);
    let push = account.push(&text(&world, 1));
    world.assert_refused(Ask::from(&push), 401, "no_session");
    let token = {
        let alice = world.wechat.phone("alice");
        world.login(&alice).token
    };
    let got = world.ask(Ask::get("/wx/push").token(&token));
    assert!(got.seen.is_some(), "{got:?}");
}
