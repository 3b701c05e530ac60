//! The proxy, in front of both bridges.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{IMPATIENCE, PATIENCE};
use crate::client::{Connection, End, Request, Response, send};
use crate::redis::{BridgeFault, FaultyProxy, RestServer, Server, Value, Webdis};

/// A proxy in front of webdis in front of Redis.
struct Chain {
    redis: Server,
    webdis: Webdis,
    proxy: FaultyProxy,
}

impl Chain {
    fn start() -> Self {
        let redis = Server::start().unwrap();
        let webdis = Webdis::start(redis.addr()).unwrap();
        let proxy = FaultyProxy::start(webdis.addr());
        Self {
            redis,
            webdis,
            proxy,
        }
    }

    fn ask(&self, command: &str) -> anyhow::Result<Response> {
        send(self.proxy.addr(), &self.webdis.request(command), PATIENCE)
    }

    fn with(&self, fault: BridgeFault, command: &str) -> anyhow::Result<Response> {
        self.proxy.set(fault);
        self.ask(command)
    }

    fn has(&self, key: &str) -> bool {
        self.redis.command(&["EXISTS", key]).unwrap() == Value::Int(1)
    }
}

#[test]
fn what_is_passed_is_unchanged_for_both_bridges() {
    let chain = Chain::start();
    let direct = send(
        chain.webdis.addr(),
        &chain.webdis.request("GET/k"),
        PATIENCE,
    )
    .unwrap();
    let passed = chain.ask("GET/k").unwrap();
    assert_eq!((passed.status, &passed.body), (200, &direct.body));
    assert_eq!(passed.header("etag"), direct.header("etag"));
    assert_eq!(chain.ask("INFO").unwrap().status, 403);
    assert_eq!(chain.proxy.bodies(), ["GET/k", "INFO"]);

    let rest = RestServer::start(chain.redis.addr(), "token");
    let proxy = FaultyProxy::start(rest.addr());
    let mut kept = Connection::open(proxy.addr(), PATIENCE).unwrap();
    let set = Request::post("/")
        .header("authorization", rest.authorization())
        .json(&json!(["SET", "k", "v"]));
    for _ in 0..2 {
        let answer = kept.send(&set).unwrap();
        assert_eq!(answer.json().unwrap(), json!({ "result": "OK" }));
    }
}

#[test]
fn answers_that_are_made_up_have_no_effect() {
    let chain = Chain::start();
    let wrong = r#"{"SET":5}"#;
    for (fault, status, length, start) in [
        (BridgeFault::EmptyObject, 200, 2, "{}"),
        (BridgeFault::Body(wrong.to_owned()), 200, wrong.len(), wrong),
        (BridgeFault::BigBody, 200, (1 << 20) + 2, "\"xxx"),
        (BridgeFault::Html, 200, 34, "<html>"),
        (BridgeFault::Status503, 503, 0, ""),
    ] {
        let answer = chain.with(fault, "SET/k/v").unwrap();
        assert_eq!((answer.status, answer.body.len()), (status, length));
        assert!(answer.text().starts_with(start));
    }
    assert!(chain.with(BridgeFault::Refuse, "SET/k/v").is_err());
    chain.proxy.set(BridgeFault::Hang);
    let request = chain.webdis.request("SET/k/v");
    assert!(send(chain.proxy.addr(), &request, IMPATIENCE).is_err());
    assert!(!chain.has("k"));
    assert!(chain.with(BridgeFault::Pass, "SET/k/v").is_ok() && chain.has("k"));
}

#[test]
fn answers_that_are_harmed_have_their_effect() {
    let chain = Chain::start();
    let whole = r#"{"SET":[true,"OK"]}"#;
    let half = &whole[..whole.len() / 2];
    let truncated = chain
        .with(BridgeFault::Truncated, "SET/truncated/v")
        .unwrap();
    assert_eq!((truncated.status, truncated.text().as_str()), (200, half));
    assert!(chain.has("truncated"));

    chain.proxy.set(BridgeFault::LoseAnswer);
    let drained = raw(&chain, "SET/lost/v");
    assert!(drained.0.is_empty() && drained.1 == End::Closed && chain.has("lost"));

    chain.proxy.set(BridgeFault::ResetMidBody);
    let drained = raw(&chain, "SET/reset/v");
    assert!(drained.0.ends_with(half) && drained.1 == End::Reset && chain.has("reset"));

    let pause = Duration::from_millis(5);
    let began = Instant::now();
    let drip = chain
        .with(BridgeFault::SlowDrip(pause), "SET/drip/v")
        .unwrap();
    assert_eq!(drip.text(), whole);
    assert!(began.elapsed() >= pause * 19 && chain.has("drip"));

    // The effect does not wait for the answer.
    chain.proxy.set(BridgeFault::Delay(PATIENCE * 10));
    let request = chain.webdis.request("SET/delayed/v");
    let mut connection = Connection::open(chain.proxy.addr(), IMPATIENCE).unwrap();
    connection.write_head(&request).unwrap();
    connection.write(b"SET/delayed/v").unwrap();
    crate::eventually(|| chain.has("delayed"));
    let drained = connection.drain();
    assert!(drained.bytes.is_empty() && drained.end == End::Open);
}

/// The bytes of the answer as text, and how the connection ended.
fn raw(chain: &Chain, command: &str) -> (String, End) {
    let mut connection = Connection::open(chain.proxy.addr(), PATIENCE).unwrap();
    connection
        .write_head(&chain.webdis.request(command))
        .unwrap();
    connection.write(command.as_bytes()).unwrap();
    let drained = connection.drain();
    (
        String::from_utf8_lossy(&drained.bytes).into_owned(),
        drained.end,
    )
}

#[test]
fn a_script_is_for_one_exchange_each_and_a_refusal_meets_kept_connections_too() {
    let chain = Chain::start();
    let request = chain.webdis.request("GET/k");
    let mut kept = Connection::open(chain.proxy.addr(), PATIENCE).unwrap();
    kept.send(&request).unwrap();
    chain.proxy.script([
        BridgeFault::Status503,
        BridgeFault::Pass,
        BridgeFault::Refuse,
    ]);
    assert_eq!(kept.send(&request).unwrap().status, 503);
    assert_eq!(kept.send(&request).unwrap().status, 200);
    assert!(kept.send(&request).is_err());
    assert_eq!(chain.ask("GET/k").unwrap().status, 200);
}

#[test]
fn a_bridge_that_is_gone_closes_the_connection() {
    let chain = Chain::start();
    chain.webdis.kill9();
    assert!(chain.ask("GET/k").is_err());
    chain.webdis.restart().unwrap();
    assert_eq!(chain.ask("GET/k").unwrap().status, 200);
}
