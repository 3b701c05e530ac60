//! The name under which the app finds what the edge decrypted: wherever frameworks were seen to find it, and in every
//! spelling, a client cannot write it.

use serde_json::json;

use crate::rig::{Ask, HostKind, World};

const FORM: &str = "application/x-www-form-urlencoded";

/// `/api/profile` takes JSON alone, `/api/any` passes other types on.
fn start(host: HostKind) -> (World, String) {
    let mut world = host.start(json!({ "routes": [
        { "path": "/api/profile", "session": "required", "open_data": "body" },
        { "path": "/api/any", "session": "required", "open_data": "body", "open_data_other_types": "pass" },
    ] }));
    let token = world.login(&world.wechat.phone("alice")).token;
    (world, token)
}

fn of(path: &str, token: &str, kind: &str, body: impl AsRef<[u8]>) -> Ask {
    let ask = Ask::new("POST", path).token(token);
    ask.header("content-type", kind).body(body)
}

#[track_caller]
fn assert_own_name(world: &mut World, ask: Ask) {
    let body = world.assert_refused(ask, 400, "invalid_parameter");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.starts_with("openData: "), "{detail}");
}

pub fn a_key_that_a_framework_splits_or_normalises_is_refused(host: HostKind) {
    let (mut world, token) = start(host);
    for key in [
        "openData.phoneNumber",
        "openData[phoneNumber]",
        "openData/phoneNumber",
        "openData:phoneNumber",
        "detail.openData",
        "detail[open_data]",
        "a[0].openData[x]",
        "open[Data",
        "!openData",
        "open\u{200b}Data",
        "\u{feff}openData",
        "open\u{ad}Data",
        "o\u{202e}penData",
        "open\u{fe0f}Data",
        "ｏｐｅｎＤａｔａ",
        "openData．x",
        "detail［openData］",
        "𝗼𝗽𝗲𝗻𝗗𝗮𝘁𝗮",
        "ⓞpenData",
        "ᵒpenData",
        r"open\u200bData",
        r"\uff4fpenData",
        r"\ud835\udc28penData",
    ] {
        let body = format!(r#"{{"a":[{{"{key}":{{"phoneNumber":"138"}}}}]}}"#);
        assert_own_name(
            &mut world,
            of("/api/profile", &token, "application/json", body),
        );
    }
    // What only looks like it, and words of other scripts.
    for key in [
        "openDatabase",
        "opendat",
        "reopenData",
        "open：",
        "手机号（选填）",
        "①",
        "données",
    ] {
        let body = format!(r#"{{"{key}":1}}"#);
        let got = world.ask(of("/api/profile", &token, "application/json", &body));
        assert_eq!(got.seen().body, body.as_bytes(), "{key}");
    }
}

pub fn neither_the_query_nor_a_cookie_can_say_it(host: HostKind) {
    let (mut world, token) = start(host);
    for query in [
        "openData=F",
        "a=1&openData%5BphoneNumber%5D=138",
        "openData[phoneNumber]=138",
        "detail.openData=1",
        "open%44ata=1",
        "open%2544ata=1",
        "OPEN_DATA",
        "open+data=1",
        "a=1;openData=1",
        "open%E2%80%8BData=1",
        "%EF%BD%8FpenData=1",
    ] {
        for path in ["/api/profile", "/api/any"] {
            let target = format!("{path}?{query}");
            assert_own_name(&mut world, of(&target, &token, "application/json", "{}"));
            assert_own_name(&mut world, Ask::get(&target).token(&token));
        }
    }
    for query in ["", "a=openData", "openDatabase=1", "x=%zz&%=1", "q=a%26b"] {
        let target = format!("/api/profile?{query}");
        let got = world.ask(of(&target, &token, "application/json", "{}"));
        assert_eq!(got.seen().path, target);
    }
    let with_cookie = |cookie: &str| {
        Ask::get("/api/profile")
            .token(&token)
            .header("Cookie", cookie)
    };
    assert_own_name(&mut world, with_cookie("a=1; openData[x]=F"));
    world.ask(with_cookie("a=openData; b=2")).seen();
    // Elsewhere it is a parameter like others.
    world.get("/api/orders?openData=F", &token).seen();
}

pub fn a_type_that_says_json_beside_its_essence_is_refused(host: HostKind) {
    let (mut world, token) = start(host);
    let forged = "\"&openData[phoneNumber]=13800000000&\"";
    for kind in [
        "application/x-www-form-urlencoded; x=json",
        "application/x-www-form-urlencoded;application/json",
        "application/x-www-form-urlencoded+json",
        "application/json; x=urlencoded",
        "application/json; x=multipart; boundary=b",
        "text/plain; x=json",
        "text/plain;json",
        "application/jsonp",
        "application/ json",
        "application/json/x",
        "json",
        "application/json x",
        "application/json; charset",
    ] {
        for path in ["/api/profile", "/api/any"] {
            for body in [forged, "{}"] {
                world.assert_refused(of(path, &token, kind, body), 415, "unsupported_media_type");
            }
        }
    }
    let two = "application/json, application/x-www-form-urlencoded";
    world.assert_refused(of("/api/any", &token, two, forged), 400, "invalid_header");
    for kind in [
        "application/json",
        "Application/JSON;charset=UTF-8;",
        "text/json",
        "application/problem+json; v=\"1;2\"",
    ] {
        // Bottle, web.py and GoFrame take a body of any type for a form.
        assert_own_name(&mut world, of("/api/profile", &token, kind, forged));
        // A JSON text, and in it no key of any kind.
        let text = "\"R&D on openData, &c; openData is a word\"";
        let got = world.ask(of("/api/profile", &token, kind, text));
        assert_eq!(got.seen().body, text.as_bytes(), "{kind}");
    }
    // Some take a body without a type for a form.
    let untyped = Ask::new("POST", "/api/profile").token(&token).body(forged);
    assert_own_name(&mut world, untyped);
}

pub fn the_same_type_twice_is_one_and_the_app_gets_it_once(host: HostKind) {
    let (mut world, token) = start(host);
    let twice = of("/api/profile", &token, "application/json", "{}")
        .header("Content-Type", "application/json");
    let joined = of(
        "/api/profile",
        &token,
        "application/json,application/json",
        "{}",
    );
    for ask in [twice, joined] {
        let got = world.ask(ask);
        let kinds = got
            .seen()
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kinds: Vec<_> = kinds.map(|(_, value)| value.as_slice()).collect();
        assert_eq!(kinds, [b"application/json"]);
    }
}

pub fn where_other_types_pass_forms_do_not_say_it(host: HostKind) {
    let (mut world, token) = start(host);
    let multipart = "multipart/form-data; boundary=b";
    let part = |disposition: &str| {
        format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nF\r\n--b--\r\n")
    };
    for form in [
        "openData=F",
        "a=1&openData%5Bx%5D=1",
        "open_data=1",
        "{\"openData\":1}",
    ] {
        assert_own_name(&mut world, of("/api/any", &token, FORM, form));
    }
    for disposition in [
        "name=\"openData\"",
        "name=openData",
        "name=\"openData[phoneNumber]\"",
        "name=\"open\\Data\"",
        "name=\"a\"\r\nContent-Type: application/json\r\n\r\n{\"open\\u0044ata\":1}",
    ] {
        assert_own_name(
            &mut world,
            of("/api/any", &token, multipart, part(disposition)),
        );
    }
    // Readers that split lines at a bare line feed.
    let bare = part("name=\"openData\"").replace("\r\n", "\n");
    assert_own_name(&mut world, of("/api/any", &token, multipart, bare));
    for disposition in [
        "name*=utf-8''open%44ata",
        "name*0=\"open\"; name*1=\"Data\"",
        "name=\"=?utf-8?B?b3BlbkRhdGE=?=\"",
    ] {
        let ask = of("/api/any", &token, multipart, part(disposition));
        let body = world.ask(ask);
        assert_eq!(
            (body.status, body.seen.is_none()),
            (400, true),
            "{disposition}"
        );
    }
    let upload = part("name=\"file\"; filename=\"a.png\"");
    for (kind, body) in [(FORM, "a=openData&b=%20"), (multipart, &*upload)] {
        let got = world.ask(of("/api/any", &token, kind, body));
        assert_eq!(got.seen().body, body.as_bytes());
    }
    for kind in [FORM, multipart] {
        let large = "a".repeat(17_000);
        let body = world.assert_refused(of("/api/any", &token, kind, large), 413, "body_too_large");
        assert!(body["detail"].as_str().unwrap().contains("form"), "{body}");
    }
}

/// Spring binds headers as it does parameters; Django undoes what a part says it is encoded by.
pub fn headers_of_the_name_and_parts_in_disguise_do_not_say_it(host: HostKind) {
    let (mut world, token) = start(host);
    for name in ["Open-Data", "opendata"] {
        let ask = of("/api/profile", &token, "application/json", "{}").header(name, "F");
        assert!(!world.ask(ask).seen().has(&name.to_lowercase()), "{name}");
    }
    let multipart = "multipart/form-data; boundary=b";
    let part = |headers: &str, body: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"d\"{headers}\r\n\r\n{body}\r\n--b--\r\n"
        )
    };
    for headers in [
        "\r\nContent-Transfer-Encoding: base64",
        "\r\ncontent-transfer-encoding: Quoted-Printable",
        "\r\nContent-Type: text/plain; charset=utf-7",
        "\r\nContent-Type: application/json; charset=\"IBM037\"",
        "; name *=utf-8\'\'x",
    ] {
        let ask = of(
            "/api/any",
            &token,
            multipart,
            part(headers, "eyJvcGVuRGF0YSI6MX0="),
        );
        world.assert_refused(ask, 400, "malformed_body");
    }
    // Made at random, and words that people write.
    let boundary = "----WebKitFormBoundaryaJsOn0123";
    let kind = format!("multipart/form-data; boundary={boundary}");
    let body = part(
        "\r\nContent-Type: text/plain; charset=UTF-8",
        "**Name**: Bob",
    )
    .replace("--b", &format!("--{boundary}"));
    world.ask(of("/api/any", &token, &kind, body)).seen();
    for key in [
        "detail-openData",
        "form-0-openData",
        "openData__phone",
        "openData-phone",
    ] {
        let ask = of(
            "/api/profile",
            &token,
            "application/json",
            format!("{{\"{key}\":1}}"),
        );
        assert_own_name(&mut world, ask);
    }
}
