//! A Spin component for the tests: the plugin's own stores, from its own files, one operation a request. With a
//! variable `address` the store is the Redis there, else the key-value store `default`.
//! Never decides anything: what an operation is, the request says, also what time it is.

#![allow(
    missing_docs,
    reason = "a component for Spin, with no items for other crates"
)]

#[path = "../../../plugin/spin/src/key_value.rs"]
mod key_value;
#[path = "../../../plugin/spin/src/log.rs"]
mod log;
mod operation;
#[allow(dead_code, reason = "only its timeouts are used here")]
#[path = "../../../plugin/spin/src/outbound.rs"]
mod outbound;
#[path = "../../../plugin/spin/src/redis.rs"]
mod redis;

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use spin_sdk::variables;
use spin_sdk::wasip3;
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, Response};
use spin_sdk::wasip3::wit_future;
use wx_session_core::Config;
use wx_session_core::config::{HostKind, HostStore, StoreKind};
use wx_session_core::store::redis::Redis;
use wx_session_core::store::{Store, Written};

use crate::key_value::KeyValue;
use crate::operation::Operation;
use crate::redis::SpinRedis;

struct Probe;

wasip3::http::service::export!(Probe);

impl Guest for Probe {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (_handled, outcome) = wit_future::new(|| Ok(()));
        let (mut body, _trailers) = Request::consume_body(request, outcome);
        let body = outbound::read(&mut body, Vec::new(), 1 << 20).await;
        let body = body.unwrap_or_default();
        let answer = answer(&body).await;
        let answer = answer.unwrap_or_else(|problem| json!({ "error": problem }));
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        drop(trailers);
        let body = outbound::stream(answer.to_string().into_bytes()).await;
        let (response, _transmitted) = Response::new(Fields::new(), Some(body), no_trailers);
        Ok(response)
    }
}

enum Kept {
    KeyValue(KeyValue),
    Redis(Redis<SpinRedis>),
}

thread_local! {
    static KEPT: OnceCell<Rc<Kept>> = const { OnceCell::new() };
}

/// One store for all requests of this instance, as in the plugin.
async fn kept() -> Result<Rc<Kept>, String> {
    if let Some(ready) = KEPT.with(|cell| cell.get().map(Rc::clone)) {
        return Ok(ready);
    }
    let made = Rc::new(match variables::get("address").await {
        Ok(address) => Kept::Redis(on_redis(&address)?),
        Err(_) => Kept::KeyValue(KeyValue::open("default").await?),
    });
    Ok(KEPT.with(|cell| Rc::clone(cell.get_or_init(|| made))))
}

/// Addresses are secrets, and only a configuration makes secrets.
fn on_redis(address: &str) -> Result<Redis<SpinRedis>, String> {
    let document = json!({
        "apps": [{ "appid": "wx0123456789abcdef", "secret": { "env": "SECRET" } }],
        "store": { "kind": "spin_redis", "address": address, "prefix": "probe:" },
    });
    let secret = |_: &str| Some("00112233445566778899aabbccddeeff".to_owned());
    let config = Config::from_json(&document.to_string(), HostKind::Spin, &secret);
    match config.map_err(|error| error.to_string())?.store {
        StoreKind::OfHost(HostStore::SpinRedis {
            address, prefix, ..
        }) => {
            let transport = SpinRedis::new(address, Duration::from_secs(5));
            Ok(Redis::new(transport, &prefix))
        }
        _ => Err("another store".to_owned()),
    }
}

async fn answer(body: &[u8]) -> Result<Value, String> {
    let operation = Operation::parse(body).ok_or("no operation")?;
    match &*kept().await? {
        Kept::KeyValue(store) => carry_out(store, operation).await,
        Kept::Redis(store) => carry_out(store, operation).await,
    }
}

async fn carry_out(store: &impl Store, operation: Operation) -> Result<Value, String> {
    let value = match operation {
        Operation::Get(key, now) => store.get(&key, now).await.map(|value| json!(value)),
        Operation::Write(writes) => store.write(&writes).await.map(|written| match written {
            Written::All => json!({ "all": true }),
            Written::Found(found) => json!({ "found": found }),
        }),
    };
    let value = value.map_err(|error| format!("{error:?}"))?;
    Ok(json!({ "value": value }))
}
