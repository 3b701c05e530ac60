//! The Upstash REST dialect, in front of a real Redis.

use serde_json::{Value as Json, json};

use super::{PATIENCE, SWAP};
use crate::client::{Connection, Request, send};
use crate::redis::{Login, RestServer, Server};

fn request(server: &RestServer, path: &str, body: &Json) -> Request {
    Request::post(path)
        .header("authorization", server.authorization())
        .json(body)
}

fn ask(server: &RestServer, path: &str, body: &Json) -> (u16, Json) {
    let answer = send(server.addr(), &request(server, path, body), PATIENCE).unwrap();
    (answer.status, answer.json().unwrap())
}

#[test]
fn commands_are_arrays_and_answers_are_results() {
    let redis = Server::start().unwrap();
    let rest = RestServer::start(redis.addr(), "token");
    for (command, answer) in [
        (json!(["GET", "k"]), json!({ "result": null })),
        (
            json!(["SET", "k", "a/b+c é", "NX", "PX", 60000]),
            json!({ "result": "OK" }),
        ),
        (json!(["SET", "k", "w", "NX"]), json!({ "result": null })),
        (json!(["GET", "k"]), json!({ "result": "a/b+c é" })),
        (
            json!(["EVAL", SWAP, 1, "k", "a/b+c é", "new", 60000]),
            json!({ "result": 1 }),
        ),
        (
            json!(["EVAL", SWAP, 1, "k", "old", "newer", 60000]),
            json!({ "result": "new" }),
        ),
        (
            json!(["MGET", "k", "none"]),
            json!({ "result": ["new", null] }),
        ),
        (json!(["DEL", "k"]), json!({ "result": 1 })),
    ] {
        assert_eq!(ask(&rest, "/", &command), (200, answer), "{command}");
    }
    assert_eq!(rest.requests(), 8);
}

#[test]
fn a_command_that_fails_is_a_400() {
    let redis = Server::start().unwrap();
    let rest = RestServer::start(redis.addr(), "token");
    for (command, error) in [
        (
            json!(["GET"]),
            "ERR wrong number of arguments for 'get' command",
        ),
        (
            json!(["SET", "k", "v", "PX", 0]),
            "ERR invalid expire time in 'set' command",
        ),
        (json!([]), "ERR empty command"),
        (json!({ "a": 1 }), "ERR failed to parse command"),
        (json!(["GET", ["k"]]), "ERR failed to parse command"),
    ] {
        assert_eq!(ask(&rest, "/", &command), (400, json!({ "error": error })));
    }
}

#[test]
fn a_pipeline_answers_each_command_and_goes_on_after_an_error() {
    let redis = Server::start().unwrap();
    let rest = RestServer::start(redis.addr(), "token");
    let commands = json!([["SET", "k", "v"], ["INCR", "k"], [], ["GET", "k"]]);
    let answers = json!([
        { "result": "OK" },
        { "error": "ERR value is not an integer or out of range" },
        { "error": "ERR empty pipeline command" },
        { "result": "v" },
    ]);
    assert_eq!(ask(&rest, "/pipeline", &commands), (200, answers));
    let empty = json!({ "error": "ERR empty pipeline request" });
    assert_eq!(ask(&rest, "/pipeline", &json!([])), (400, empty));
    let flat = json!({ "error": "ERR failed to parse pipeline request" });
    assert_eq!(ask(&rest, "/pipeline", &json!(["GET", "k"])), (400, flat));
}

#[test]
fn a_transaction_is_discarded_as_a_whole_or_answers_each_command() {
    let redis = Server::start().unwrap();
    let rest = RestServer::start(redis.addr(), "token");
    let discarded = json!([["SET", "k", "v"], ["NOPE"]]);
    let (status, answer) = ask(&rest, "/multi-exec", &discarded);
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().starts_with("EXECABORT "));
    assert_eq!(
        ask(&rest, "/", &json!(["GET", "k"])).1,
        json!({ "result": null })
    );
    let commands = json!([["SET", "k", "v"], ["INCR", "k"], ["GET", "k"]]);
    let answers = json!([
        { "result": "OK" },
        { "error": "ERR value is not an integer or out of range" },
        { "result": "v" },
    ]);
    assert_eq!(ask(&rest, "/multi-exec", &commands), (200, answers));
}

#[test]
fn base64_is_for_every_string_but_ok() {
    let redis = Server::start().unwrap();
    let rest = RestServer::start(redis.addr(), "token");
    redis.command(&[&b"SET"[..], b"k", b"a\xff"]).unwrap();
    let lossy = json!({ "result": "a\u{fffd}" });
    assert_eq!(ask(&rest, "/", &json!(["GET", "k"])), (200, lossy));
    let body = json!([
        ["GET", "k"],
        ["SET", "k", "OK"],
        ["GET", "k"],
        ["DEL", "k"],
        ["GET", "k"]
    ]);
    let encoded = request(&rest, "/pipeline", &body).header("upstash-encoding", "base64");
    let answer = send(rest.addr(), &encoded, PATIENCE)
        .unwrap()
        .json()
        .unwrap();
    let results: Vec<_> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|a| &a["result"])
        .collect();
    assert_eq!(json!(results), json!(["Yf8=", "OK", "T0s=", 1, null]));
}

#[test]
fn only_the_token_the_type_and_the_method_of_the_dialect_pass() {
    let redis = Server::start().unwrap();
    let rest = RestServer::start(redis.addr(), "token");
    let body = json!(["PING"]);
    let status = |request: &Request| {
        let answer = send(rest.addr(), request, PATIENCE).unwrap();
        assert!(answer.json().unwrap()["error"].is_string());
        answer.status
    };
    let authorized = Request::post("/").header("authorization", "Bearer token");
    assert_eq!(status(&Request::post("/").json(&body)), 401);
    assert_eq!(
        status(
            &Request::post("/")
                .header("authorization", "Bearer no")
                .json(&body)
        ),
        401
    );
    assert_eq!(
        status(
            &Request::post("/")
                .header("authorization", "token")
                .json(&body)
        ),
        401
    );
    let typed = |kind: &str| {
        authorized
            .clone()
            .header("content-type", kind)
            .body("[\"PING\"]")
    };
    assert_eq!(status(&typed("application/json; charset=utf-8")), 400);
    assert_eq!(status(&authorized.clone().body("[\"PING\"]")), 400);
    assert_eq!(
        status(&Request::get("/").header("authorization", "Bearer token")),
        405
    );
    assert_eq!(status(&request(&rest, "/get/k", &body)), 404);
}

#[test]
fn what_redis_refuses_is_passed_on() {
    let redis = Server::options()
        .password("pw")
        .maxmemory("1kb", "noeviction")
        .start()
        .unwrap();
    let error = |login: Option<Login>| {
        let rest = RestServer::start_as(redis.addr(), "token", login);
        let (status, answer) = ask(&rest, "/", &json!(["SET", "k", "v"]));
        assert_eq!(
            status,
            if answer["error"].as_str().unwrap().starts_with("SRH") {
                500
            } else {
                400
            }
        );
        answer["error"]
            .as_str()
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(error(None), "NOAUTH");
    assert_eq!(error(Some(Login::new("default", "pw"))), "OOM");
    assert_eq!(error(Some(Login::new("default", "no"))), "SRH:");
}

#[test]
fn without_redis_the_answer_is_500_and_a_kept_connection_recovers() {
    let redis = Server::start().unwrap();
    let rest = RestServer::start(redis.addr(), "token");
    let mut kept = Connection::open(rest.addr(), PATIENCE).unwrap();
    let get = request(&rest, "/", &json!(["GET", "k"]));
    assert_eq!(kept.send(&get).unwrap().status, 200);
    redis.kill9();
    let down = kept.send(&get).unwrap();
    assert!(down.status == 500 && down.json().unwrap()["error"].is_string());
    redis.restart(true).unwrap();
    assert_eq!(kept.send(&get).unwrap().status, 200);
    redis.restart(true).unwrap();
    assert_eq!(
        kept.send(&get).unwrap().status,
        200,
        "a dead connection is replaced"
    );
    redis.stop_process().unwrap();
    assert_eq!(kept.send(&get).unwrap().status, 500, "in bounded time");
    redis.continue_process().unwrap();
    assert_eq!(kept.send(&get).unwrap().status, 200);
}
