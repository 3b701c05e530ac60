//! WeChat's API for the backend: what is added and taken off on the way, what never gets there, and what becomes of a dead
//! token. The mini program has no part in it.

use serde_json::{Value, json};
use testkit::fakes::wechat::{Fault, Platform, SeenRequest};

use crate::rig::{APPID, Ask, Got, HostKind, MASTER_KEY, SECRET, World, assert_refusal};

const PICTURE: &str = "/wxa/getwxacodeunlimit";
const MESSAGE: &str = "/cgi-bin/message/custom/send";
const UPLOAD: &str = "/cgi-bin/media/upload";
const TOKEN: &str = "/cgi-bin/stable_token";

/// `None` where there is no such door.
fn start(host: HostKind, mut patch: Value) -> Option<World> {
    patch["wechat_api"] = json!({ "allow": [PICTURE, "/cgi-bin/message/", "/cgi-bin/media/"] });
    host.serves_wechat_api().then(|| host.start(patch))
}

fn picture(query: &str) -> Ask {
    Ask::post(format!("{PICTURE}{query}"), &json!({ "scene": "a=1" }))
}

#[track_caller]
fn assert_picture(got: &Got) {
    let text = String::from_utf8_lossy(&got.body);
    assert_eq!(got.status, 200, "{text}");
    assert_eq!(got.header("content-type").as_deref(), Some("image/jpeg"));
    assert!(got.body.starts_with(b"\xff\xd8"), "{text}");
    assert!(got.body.len() > 190_000);
}

fn last(world: &World) -> SeenRequest {
    world.wechat.requests().pop().unwrap()
}

pub fn a_call_reaches_wechat_as_it_was_with_the_token_and_nothing_else(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    let old = "?access_token=mine&type=x&cloudbase_access_token=theirs&a=%2F%26&Access%5FToken=z";
    let got = world.ask(picture(old));
    assert_picture(&got);
    let id = got.header("x-openapi-seqid").unwrap();
    assert!(id.len() >= 16, "{id}");
    let seen = last(&world);
    let token = world.wechat.access_tokens().pop().unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        seen.query,
        [
            pair("access_token", &token),
            pair("type", "x"),
            pair("a", "/&")
        ]
    );
    assert_eq!((&*seen.method, &*seen.path), ("POST", PICTURE));
    assert_eq!(
        seen.body,
        json!({ "scene": "a=1" }).to_string().into_bytes()
    );
    assert_eq!(seen.content_type.as_deref(), Some("application/json"));
    assert_eq!(seen.host.as_deref(), Some("api.weixin.qq.com"));
    assert_eq!(seen.sni.as_deref(), Some("api.weixin.qq.com"));
    // The id that a proxy in front has given is the id of the call.
    let got = world.ask(picture("").header("x-request-id", "0123-abc"));
    if !host.is_real_envoy() {
        assert_eq!(got.header("x-openapi-seqid").as_deref(), Some("0123-abc"));
    }
    assert_eq!(world.wechat.requests_for(TOKEN), 1);
    assert_eq!(world.counter("wx_session.api.forwarded"), 2);
}

pub fn what_wechat_says_of_a_call_is_the_backends_to_read(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    let got = world.ask(Ask::post(PICTURE, &json!({ "scene": "" })));
    assert_eq!((got.status, &got.json()["errcode"]), (200, &json!(40169)));
    assert!(
        got.header("content-type")
            .unwrap()
            .starts_with("application/json")
    );
    let message = json!({ "touser": "o", "msgtype": "text", "text": { "content": "x" } });
    let got = world.ask(Ask::post(MESSAGE, &message));
    assert_eq!(got.json()["errcode"], 40003);
    world.wechat.script([Fault::Errcode(48001)]);
    assert_eq!(world.ask(picture("")).json()["errcode"], 48001);
    assert_eq!(world.counter("wx_session.token.dead"), 0);
}

pub fn an_upload_reaches_wechat_whole(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    // More than the most that is kept to be sent once more, and more than Envoy has room for.
    let file: Vec<u8> = (0..5_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let head = "--b\r\ncontent-disposition: form-data; name=\"media\"; filename=\"a.jpg\"\r\n\r\n";
    let body = [head.as_bytes(), &file, b"\r\n--b--\r\n"].concat();
    let upload = |body: &[u8]| {
        Ask::new("POST", format!("{UPLOAD}?type=image"))
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body)
    };
    // Where the token has to be fetched first, too.
    for _ in 0..2 {
        let got = world.ask(upload(&body));
        assert_eq!(got.json()["media_id"], "MEDIA");
        assert!(last(&world).body == body, "not as it was sent");
    }
    // Too large to be sent once more: but whoever comes next has a new token.
    world.wechat.kill_tokens(APPID);
    assert_eq!(world.ask(upload(&body)).json()["errcode"], 40001);
    assert_eq!(world.ask(upload(&body)).json()["media_id"], "MEDIA");
    assert_eq!(world.wechat.access_tokens().len(), 2);
}

pub fn a_small_call_with_a_dead_token_is_sent_once_more(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    // Also the first of all, which had to wait for its token.
    world.wechat.script([Fault::Ok, Fault::Errcode(40001)]);
    assert_picture(&world.ask(picture("")));
    assert_eq!(world.wechat.requests_for(PICTURE), 2);
    for errcode in [40001, 40014, 42001] {
        let (calls, tokens) = (
            world.wechat.requests_for(PICTURE),
            world.wechat.requests_for(TOKEN),
        );
        world.wechat.script([Fault::Errcode(errcode)]);
        assert_picture(&world.ask(picture("?type=x")));
        assert_eq!(world.wechat.requests_for(PICTURE), calls + 2, "{errcode}");
        assert_eq!(world.wechat.requests_for(TOKEN), tokens + 1, "{errcode}");
        let seen = last(&world);
        assert_eq!(seen.param("type"), Some("x"));
        assert_eq!(
            seen.body,
            json!({ "scene": "a=1" }).to_string().into_bytes()
        );
    }
    assert_eq!(world.counter("wx_session.api.repeated"), 4);
    // Twice in a row: then it is the backend's to read, and nobody tries a third time.
    let calls = world.wechat.requests_for(PICTURE);
    world
        .wechat
        .script([Fault::Errcode(40001), Fault::Ok, Fault::Errcode(42001)]);
    let got = world.ask(picture(""));
    assert_eq!((got.status, &got.json()["errcode"]), (200, &json!(42001)));
    assert_eq!(world.wechat.requests_for(PICTURE), calls + 2);
    // The new one is kept for a while, whatever is said of it: another one would be no better.
    let tokens = world.wechat.requests_for(TOKEN);
    world.wechat.script([Fault::Errcode(40001)]);
    let got = world.ask(picture(""));
    assert_eq!((got.status, &got.json()["errcode"]), (200, &json!(40001)));
    assert_eq!(world.wechat.requests_for(TOKEN), tokens);
    assert_picture(&world.ask(picture("")));
}

pub fn where_nobody_knows_what_became_of_the_second_call_nobody_says_it_was_not_done(
    host: HostKind,
) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    assert_picture(&world.ask(picture("")));
    let message = json!({ "touser": "o", "msgtype": "text", "text": { "content": "x" } });
    world
        .wechat
        .script([Fault::Errcode(40001), Fault::Ok, Fault::ResetMidBody]);
    world.assert_refused(Ask::post(MESSAGE, &message), 503, "wechat_unavailable");
    assert!(world.log().contains("wechat_failed"));
    assert_eq!(world.wechat.requests_for(MESSAGE), 2);
    assert_picture(&world.ask(picture("")));
}

pub fn what_is_not_listed_is_refused_and_wechat_not_asked(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    for path in [
        "/wxa/getwxacode",
        "/wxa/getwxacodeunlimit/x",
        "/cgi-bin/message",
        "/WXA/getwxacodeunlimit",
        "/wx/login",
        "/api/orders",
    ] {
        let got = world.ask(Ask::get(path));
        let refused = assert_refusal(&got, 403, "api_refused");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("wechat_api.allow"), "{detail}");
        assert!(got.header("x-openapi-seqid").is_some());
    }
    assert!(world.wechat.requests().is_empty());
    assert_eq!(world.counter("wx_session.api.refused"), 6);
}

pub fn tokens_secrets_and_logins_are_refused_however_they_are_spelled(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    for path in [
        "/cgi-bin/token",
        "/cgi-bin/stable_token",
        "/cgi-bin/TOKEN",
        "/sns/jscode2session",
        "/cgi-bin/openapi/rid/get",
        "/cgi-bin/clear_quota",
        "/cgi-bin/clear_quota/v2",
        "/wxa/resetusersessionkey",
    ] {
        let target = format!("{path}?appid={APPID}&grant_type=client_credential");
        let refused = world.assert_refused(Ask::get(target), 403, "api_refused");
        assert!(
            refused["detail"]
                .as_str()
                .unwrap()
                .contains("never passed on"),
            "{refused}"
        );
    }
    for path in [
        "/cgi-bin/message/../token",
        "/cgi-bin/message/%2e%2e/token",
        "/cgi-bin/message%2f..%2ftoken",
        "/cgi-bin//token",
        "//cgi-bin/token",
        "/cgi-bin/./token",
        "/cgi-bin/message/..;/token",
        "/cgi-bin/token/",
        "/cgi-bin/token%00",
        "/cgi-bin/message/%74oken",
        "/cgi-bin/message\\..\\token",
    ] {
        let got = world.ask(Ask::get(path));
        // Envoy and Spin have a word in some of them.
        assert!((400..404).contains(&got.status), "{path}: {}", got.status);
    }
    assert!(world.wechat.requests().is_empty());
}

pub fn the_app_is_the_only_one_or_named_and_one_of_wechats(host: HostKind) {
    const OTHER: &str = "wx00000000000000ff";
    let Some(mut world) = start(
        host,
        json!({ "apps": [
        { "appid": APPID, "secret": { "env": "WX_SECRET" } },
        { "appid": OTHER, "secret": { "env": "WX_MASTER_KEY" } },
        { "platform": "qq", "appid": "1108292182", "secret": { "env": "WX_SECRET" } },
    ] }),
    ) else {
        return;
    };
    world.wechat.add_app(OTHER, MASTER_KEY);
    let _qq = world.wechat.beside(Platform::Qq, "1108292182", SECRET);
    assert_picture(&world.ask(picture(&format!("?from_appid={APPID}"))));
    assert_picture(&world.ask(picture(&format!("?a=b&from_appid={OTHER}"))));
    assert_eq!(world.wechat.requests_for(TOKEN), 2);
    assert_eq!(last(&world).param("from_appid"), None);
    let asked = world.wechat.requests().len();
    let refused = world.assert_refused(picture(""), 400, "missing_parameter");
    assert_eq!(refused["detail"], "from_appid");
    world.assert_refused(picture("?from_appid=wx1"), 400, "unknown_app");
    let refused = world.assert_refused(picture("?from_appid=1108292182"), 400, "invalid_parameter");
    assert_eq!(
        refused["detail"],
        "from_appid: is of another platform, and has no WeChat API"
    );
    assert_eq!(world.wechat.requests().len(), asked);
}

pub fn wechat_knows_two_methods(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    for method in ["PUT", "DELETE", "PATCH"] {
        let got = world.ask(Ask::new(method, PICTURE));
        assert_refusal(&got, 405, "method_not_allowed");
        assert_eq!(got.header("allow").as_deref(), Some("GET, POST"));
    }
    assert!(world.wechat.requests().is_empty());
}

pub fn pages_and_mini_programs_have_no_business_there(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    for (name, value) in [
        (
            "referer",
            "https://servicewechat.com/wx0123456789abcdef/1/page-frame.html",
        ),
        ("origin", "https://example.com"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let ask = picture("").header(name, value);
        world.assert_refused(ask, 403, "api_refused");
    }
    assert!(world.wechat.requests().is_empty());
}

pub fn without_a_token_the_backend_is_told_why(host: HostKind) {
    let Some(mut world) = start(host, json!({ "wechat": { "timeout_ms": 500 } })) else {
        return;
    };
    world.wechat.script([Fault::Errcode(40164)]);
    for _ in 0..2 {
        let refused = world.assert_refused(picture(""), 500, "wechat_config");
        assert_eq!(refused["errcode"], 40164);
    }
    assert_eq!(world.wechat.requests_for(PICTURE), 0);
    assert_eq!(world.wechat.requests_for(TOKEN), 1);
    assert_eq!(world.counter("wx_session.token.breaker_open"), 1);
}

pub fn no_token_of_a_call_is_in_the_log(host: HostKind) {
    let Some(mut world) = start(host, json!({})) else {
        return;
    };
    assert_picture(&world.ask(picture("?access_token=of-the-backend")));
    world.wechat.script([Fault::Errcode(40001)]);
    assert_picture(&world.ask(picture("")));
    world.assert_refused(
        Ask::get("/sns/x?access_token=of-the-backend"),
        403,
        "api_refused",
    );
    let log = world.log();
    for token in world.wechat.access_tokens() {
        assert!(!log.contains(&token[..20]), "{log}");
    }
    for secret in [SECRET, "of-the-backend"] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// The other way round: what serves clients has no such door.
pub fn what_serves_clients_passes_nothing_to_wechat(host: HostKind) {
    let mut world = host.start(json!({ "routes": [{ "prefix": "/", "session": "public" }] }));
    for path in [PICTURE, MESSAGE, TOKEN, "/cgi-bin/token"] {
        let got = world.ask(Ask::post(format!("{path}?from_appid={APPID}"), &json!({})));
        assert_eq!(
            got.seen().path.split('?').next(),
            Some(path),
            "the app's own"
        );
    }
    assert!(world.wechat.requests().is_empty());
}
