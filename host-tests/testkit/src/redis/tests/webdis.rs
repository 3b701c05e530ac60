//! webdis 0.1.9, as Debian 12 has it: the shapes of its answers, which the core's dialect relies on.

use super::{IMPATIENCE, PATIENCE, SWAP, lives};
use crate::client::{Request, Response, send};
use crate::eventually;
use crate::redis::{Server, Value, Webdis};

/// Status and body.
fn ask(webdis: &Webdis, command: &str) -> (u16, String) {
    shape(&send(webdis.addr(), &webdis.request(command), PATIENCE).unwrap())
}

fn shape(answer: &Response) -> (u16, String) {
    (answer.status, answer.text())
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

/// All but letters and digits percent-encoded: right in every place.
fn encode(argument: impl AsRef<[u8]>) -> String {
    let byte = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    argument.as_ref().iter().map(byte).collect()
}

fn eval(webdis: &Webdis, script: &str, arguments: &str) -> (u16, String) {
    ask(webdis, &format!("EVAL/{}/1/{arguments}", encode(script)))
}

#[test]
fn hits_misses_and_refused_writes_have_their_shapes() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    assert_eq!(ask(&webdis, "GET/k"), ok(r#"{"GET":null}"#));
    assert_eq!(
        ask(&webdis, "SET/k/v/NX/PX/60000"),
        ok(r#"{"SET":[true,"OK"]}"#)
    );
    assert_eq!(ask(&webdis, "SET/k/w/NX/PX/60000"), ok(r#"{"SET":null}"#));
    assert_eq!(ask(&webdis, "GET/k"), ok(r#"{"GET":"v"}"#));
    assert_eq!(
        ask(&webdis, "get/k"),
        ok(r#"{"get":"v"}"#),
        "the name as it was sent"
    );
    assert_eq!(ask(&webdis, "DEL/k"), ok(r#"{"DEL":1}"#));
    assert_eq!(ask(&webdis, "DEL/k"), ok(r#"{"DEL":0}"#));
    assert_eq!(
        ask(&webdis, "SET/k/v/PX/0"),
        ok(r#"{"SET":[false,"ERR invalid expire time in 'set' command"]}"#)
    );
}

#[test]
fn a_script_compares_and_swaps() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    ask(&webdis, "SET/k/old");
    assert_eq!(eval(&webdis, SWAP, "k/old/new/60000"), ok(r#"{"EVAL":1}"#));
    assert_eq!(
        eval(&webdis, SWAP, "k/old/new/60000"),
        ok(r#"{"EVAL":"new"}"#)
    );
    assert_eq!(
        eval(&webdis, SWAP, "absent//new/60000"),
        ok(r#"{"EVAL":0}"#)
    );
    assert_eq!(ask(&webdis, "GET/k"), ok(r#"{"GET":"new"}"#));
    assert_eq!(
        eval(&webdis, "return {1,'a'}", "k"),
        ok(r#"{"EVAL":[1,"a"]}"#)
    );
    assert_eq!(eval(&webdis, "return false", "k"), ok(r#"{"EVAL":null}"#));
    let (status, failed) = eval(&webdis, "return redis.call('INCR',KEYS[1])", "k");
    assert!(status == 200 && failed.starts_with(r#"{"EVAL":[false,"ERR value is not an integer"#));
}

#[test]
fn every_byte_of_a_key_passes_when_percent_encoded() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    for byte in 0..=u8::MAX {
        for key in [vec![b'a', byte, b'b'], vec![byte], vec![b'.', byte]] {
            let sent = encode(&key);
            let set = ask(&webdis, &format!("SET/{sent}/{byte}/PX/60000"));
            assert_eq!(set, ok(r#"{"SET":[true,"OK"]}"#), "{sent}");
            let stored = redis.command(&[b"GET".to_vec(), key]).unwrap();
            assert_eq!(stored, Value::BulkString(byte.to_string().into()), "{sent}");
            let got = ask(&webdis, &format!("GET/{sent}"));
            assert_eq!(got, ok(&format!(r#"{{"GET":"{byte}"}}"#)), "{sent}");
            assert_eq!(ask(&webdis, &format!("DEL/{sent}")), ok(r#"{"DEL":1}"#));
        }
    }
}

#[test]
fn what_is_not_encoded_is_misread() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    for (sent, stored) in [
        ("a+b", "a b"),
        ("a?b", "a"),
        ("a.json", "a"),
        ("a.b", "a.b"),
        ("a:b", "a:b"),
        ("a%", "a%"),
        ("%C3%a9", "é"),
    ] {
        ask(&webdis, &format!("SET/k/{sent}"));
        let value = redis.command(&["GET", "k"]).unwrap();
        assert_eq!(value, Value::BulkString(stored.into()), "{sent}");
    }
    // A format is known by the end of the last argument only.
    ask(&webdis, "SET/k/a.json/PX/60000");
    assert_eq!(ask(&webdis, "GET/k"), ok(r#"{"GET":"a.json"}"#));
}

#[test]
fn values_that_are_not_text_are_lost_on_the_way_back() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    ask(&webdis, "SET/k/a%ff");
    assert_eq!(ask(&webdis, "GET/k"), ok("{}"));
    ask(&webdis, "SET/k/a%00b");
    assert_eq!(
        ask(&webdis, "GET/k"),
        ok(r#"{"GET":"a"}"#),
        "cut at the NUL"
    );
}

#[test]
fn only_the_user_and_the_commands_of_the_acl_pass() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    let refused = (403, String::new());
    assert_eq!(ask(&webdis, "FLUSHALL"), refused);
    let get = Request::post("/").body("GET/k");
    assert_eq!(
        shape(&send(webdis.addr(), &get, PATIENCE).unwrap()),
        refused
    );
    let wrong = get.header("authorization", "Basic dXNlcjp3cm9uZw==");
    assert_eq!(
        shape(&send(webdis.addr(), &wrong, PATIENCE).unwrap()),
        refused
    );
    let open = Webdis::options(redis.addr())
        .without_basic_auth()
        .commands(&["GET"])
        .start()
        .unwrap();
    assert_eq!(ask(&open, "GET/k").0, 200);
    assert_eq!(ask(&open, "SET/k/v"), refused);
}

#[test]
fn refusals_of_redis_come_with_status_200() {
    let redis = Server::options().password("pw").start().unwrap();
    let no_password = Webdis::start(redis.addr()).unwrap();
    let noauth = ok(r#"{"GET":[false,"NOAUTH Authentication required."]}"#);
    assert_eq!(ask(&no_password, "GET/k"), noauth);
    let with = |password| {
        Webdis::options(redis.addr())
            .redis_password(password)
            .start()
    };
    let wrong = with("wrong").unwrap();
    assert_eq!(ask(&wrong, "GET/k"), noauth, "WRONGPASS is never shown");
    let right = with("pw").unwrap();
    assert_eq!(ask(&right, "GET/k"), ok(r#"{"GET":null}"#));
    redis.set_acl("default resetkeys ~s:* -del").unwrap();
    assert_eq!(ask(&right, "GET/s:1"), ok(r#"{"GET":null}"#));
    assert!(
        ask(&right, "GET/u:1")
            .1
            .starts_with(r#"{"GET":[false,"NOPERM "#)
    );
    assert!(
        ask(&right, "DEL/s:1")
            .1
            .starts_with(r#"{"DEL":[false,"NOPERM "#)
    );
    redis.config_set("maxmemory", "1kb").unwrap();
    assert!(
        ask(&right, "SET/s:1/v")
            .1
            .starts_with(r#"{"SET":[false,"OOM "#)
    );
}

#[test]
fn without_redis_the_answer_is_503_and_it_recovers_by_itself() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    redis.kill9();
    let unavailable = (503, String::new());
    eventually(|| ask(&webdis, "GET/k") == unavailable);
    let at_start = Webdis::start(redis.addr()).unwrap();
    assert_eq!(ask(&at_start, "GET/k"), unavailable);
    redis.restart(true).unwrap();
    for bridge in [&webdis, &at_start] {
        let empty = ok(r#"{"GET":null}"#);
        eventually(|| ask(bridge, "GET/k") == empty);
    }
}

#[test]
fn a_frozen_redis_or_webdis_answers_nothing_and_then_goes_on() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    let silent = || send(webdis.addr(), &webdis.request("GET/k"), IMPATIENCE).is_err();
    redis.stop_process().unwrap();
    assert!(silent());
    redis.continue_process().unwrap();
    assert_eq!(ask(&webdis, "GET/k").0, 200);
    webdis.stop_process().unwrap();
    assert!(silent());
    webdis.continue_process().unwrap();
    assert_eq!(ask(&webdis, "GET/k").0, 200);
}

#[test]
fn a_killed_webdis_comes_back_on_its_port_and_is_gone_when_dropped() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    webdis.kill9();
    assert!(send(webdis.addr(), &webdis.request("GET/k"), PATIENCE).is_err());
    webdis.restart().unwrap();
    assert_eq!(ask(&webdis, "GET/k").0, 200);
    let pid = webdis.pid();
    assert!(lives(pid));
    drop(webdis);
    assert!(!lives(pid));
}
