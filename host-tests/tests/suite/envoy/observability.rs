//! What an operator sees: statistics, access log and log, after a sequence of requests that is known.
//! Of what nobody may see, see `leaks`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::client::Request;
use testkit::fakes::wechat::Fault;

use crate::rig::envoy_world::{EnvoyWorld, PLUGIN_LINE, login_request, token_of, with_token};
use testkit::eventually;

/// In place of a word for a request that went on to the app.
const PASSED: &str = "-";

/// One request of every kind. Status, openid and word of each, as the access log should have them: the error of an answer
/// of the edge, or what the app was told of the session.
fn play(edge: &EnvoyWorld) -> Vec<(u16, Option<String>, &'static str)> {
    let phone = edge.wechat.phone("a");
    let openid = Some(phone.openid());
    let code = phone.login();
    let token = token_of(&edge.send(&login_request(&code)));
    let mut seen = vec![(200, openid.clone(), "none")];
    let mut send = |request: &Request, openid: Option<&String>, word: &'static str| {
        seen.push((edge.send(request).status, openid.cloned(), word));
    };
    let user = openid.as_ref();
    let no_code = Request::post("/wx/login").json(&json!({}));
    let decrypt = |data: &Value| {
        Request::post("/wx/decrypt")
            .header("x-wx-skey", &token)
            .json(data)
    };
    let forged = json!({ "encryptedData": "A".repeat(64), "iv": "AAAAAAAAAAAAAAAAAAAAAA==" });

    send(&login_request(&code), user, "none");
    send(
        &login_request("0nevermade0nevermade0nevermade00"),
        None,
        "invalid_code",
    );
    send(&no_code, None, "missing_parameter");
    for (fault, error) in [
        (Fault::RateLimited, "login_rate_limited"),
        (Fault::HighRisk, "user_blocked"),
        (Fault::Html, "wechat_unavailable"),
    ] {
        edge.wechat.script([fault]);
        // Of another user: WeChat changes the key of whoever it has logged in, also where its answer is lost.
        send(&login_request(&edge.wechat.phone("b").login()), None, error);
    }
    send(&with_token(&token), user, PASSED);
    send(&with_token(&token), user, PASSED);
    let claims = [("x-wx-openid", "admin"), ("x-wx-auth-status", "verified")];
    let claiming = claims
        .into_iter()
        .fold(Request::get("/api/orders?a=b"), |request, (name, value)| {
            request.header(name, value)
        });
    send(&claiming, None, "no_session");
    send(&with_token("short"), None, "invalid_token");
    send(&Request::get("/public/x"), None, PASSED);
    send(&Request::get("/feed/x"), None, "missing");
    send(&Request::get("/public;x"), None, "bad_path");
    send(&decrypt(&phone.user_info().to_json()), user, "none");
    send(&decrypt(&forged), None, "session_key_stale");
    send(
        &Request::post("/wx/logout").header("x-wx-skey", &token),
        user,
        "none",
    );
    seen
}

#[test]
fn each_result_has_its_counter() {
    let edge = EnvoyWorld::start();
    play(&edge);
    let prefix = "wasmcustom.wx_session.";
    let stats = edge.envoy.stats_told().unwrap();
    let counted: BTreeMap<&str, u64> = stats
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, *value)))
        .filter(|(name, value)| *value > 0 && *name != "store.ok")
        .collect();
    let expected = BTreeMap::from([
        ("login.ok", 1),
        ("login.repeated", 1),
        ("login.bad_code", 1),
        ("login.bad_request", 1),
        ("login.limited", 1),
        ("login.blocked", 1),
        ("login.failed", 1),
        ("wechat.ok", 1),
        ("wechat.errcode", 3),
        ("wechat.unreadable", 1),
        // Two requests to the app and two to endpoints; the worker has made the session itself.
        ("session.hit", 4),
        ("session.absent", 2),
        ("session.denied", 1),
        ("request.refused", 1),
        ("open_data.current", 1),
        ("open_data.refused", 1),
    ]);
    assert_eq!(counted, expected);
    assert!(edge.counter("store.ok") > 0);
}

#[test]
fn prometheus_gets_one_metric_by_result_and_histograms_in_milliseconds() {
    let edge = EnvoyWorld::alone(|config| config);
    edge.wechat.script([Fault::Slow(Duration::from_millis(60))]);
    edge.login("a");
    edge.send(&login_request("0nevermade0nevermade0nevermade00"));
    // Histograms are brought together every 100 ms, and what is counted is told as often.
    let last = [
        "wx_session_login_ms_count{} 2",
        r#"wx_session_login{result="bad_code"} 1"#,
    ];
    eventually(|| {
        let metrics = edge.envoy.envoy().prometheus().unwrap();
        let has = |line: &&str| metrics.lines().any(|own| own == *line);
        last.iter().all(has)
    });
    let metrics = edge.envoy.envoy().prometheus().unwrap();
    for line in [
        "# TYPE wx_session_login counter",
        r#"wx_session_login{result="ok"} 1"#,
        r#"wx_session_login{result="bad_code"} 1"#,
        r#"wx_session_wechat{result="ok"} 1"#,
        r#"wx_session_store{result="failed"} 0"#,
        "# TYPE wx_session_login_ms histogram",
        r#"wx_session_wechat_ms_bucket{le="50"} 1"#,
        r#"wx_session_wechat_ms_bucket{le="10000"} 2"#,
        "wx_session_wechat_ms_count{} 2",
    ] {
        assert!(
            metrics.lines().any(|own| own == line),
            "{line} is not among\n{}",
            ours(&metrics)
        );
    }
}

fn ours(metrics: &str) -> String {
    let ours = metrics.lines().filter(|line| line.contains("wx_session"));
    ours.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_access_log_says_who_it_was_and_what_was_decided() {
    let edge = EnvoyWorld::start();
    let expected = play(&edge);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let entries = edge.access_log(expected.len());
    let logged: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry["status"].as_u64(),
                text(&entry["openid"]),
                text(&entry["error"]).or(text(&entry["auth"])),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(status, openid, word)| {
            let word = Some(word.to_owned()).filter(|word| word != PASSED);
            (Some(status.into()), openid, word)
        })
        .collect();
    assert_eq!(logged, expected);
    assert!(
        entries.iter().any(|entry| entry["path"] == "/api/orders"),
        "the query is cut off"
    );
}

#[test]
fn each_refused_request_is_one_line_of_json_in_the_log() {
    let edge = EnvoyWorld::start();
    let refused: Vec<_> = play(&edge)
        .into_iter()
        .filter(|(status, ..)| *status >= 400)
        .map(|(status, _, error)| (u64::from(status), error.to_owned()))
        .collect();
    let lines = || -> Vec<(String, Value)> {
        let log = edge.envoy.log();
        let split = |line: &str| {
            let (head, json) = line.split_at(line.find(PLUGIN_LINE)?);
            Some((head.to_owned(), serde_json::from_str(json).unwrap()))
        };
        log.lines().filter_map(split).collect()
    };
    eventually(|| lines().len() >= refused.len());
    let lines = lines();
    let logged: Vec<_> = lines
        .iter()
        .map(|(_, line)| {
            (
                line["status"].as_u64().unwrap(),
                line["error"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(logged, refused);
    for (head, line) in &lines {
        assert_eq!(line["event"], "refused");
        let level = match line["error"].as_str().unwrap() {
            "wechat_unavailable" => "[error]",
            "login_rate_limited" | "user_blocked" | "bad_path" => "[warning]",
            _ => "[info]",
        };
        assert!(head.contains(level), "{head} {line}");
    }
    let errcodes: Vec<_> = lines
        .iter()
        .filter_map(|(_, line)| line["errcode"].as_i64())
        .collect();
    assert_eq!(errcodes, [40029, 45011, 40226]);
}
