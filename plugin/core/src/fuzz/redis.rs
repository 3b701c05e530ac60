//! Whatever stands where Redis should be: an answer is understood as one that Redis gives, or it is an outage. What it
//! says never gets into the log at length.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use super::bytes::{choice, take};
use super::world::config_with;
use crate::config::StoreKind;
use crate::fake_host::{FakeHost, run};
use crate::host::HttpResponse;
use crate::store::redis::Redis;
use crate::store::{Change, Key, Life, Space, Store, StoreError, Write, Written};
use crate::time::UnixMillis;

const REST: &str = r#""store": {"kind": "redis_rest", "token": {"env": "WX_KEY"}}"#;
const WEBDIS: &str = r#""store": {"kind": "webdis"}"#;

/// The first byte chooses the status; the rest is the body of the answer.
pub fn redis_rest(data: &[u8]) {
    redis(REST, data);
}

/// As [`redis_rest`], of webdis; `NONCE` at its beginning is the right one.
pub fn redis_webdis(data: &[u8]) {
    redis(WEBDIS, data);
}

fn redis(store: &str, data: &[u8]) {
    let (status, body) = choice(data);
    let status = if status == b'0' {
        200
    } else {
        200 + u16::from(status)
    };
    let host = FakeHost::at(1_000_000);
    // Or the answer would be written that knows a nonce of the third call.
    let digest: [u8; 32] = Sha256::digest(data).into();
    host.reseed(u64::from_be_bytes(take(&digest).0));
    let answer = body.to_vec();
    *host.answer.borrow_mut() = Some(Box::new(move |call| {
        assert!(
            call.path.bytes().all(|byte| byte.is_ascii_graphic()),
            "{}",
            call.path
        );
        let nonce = call
            .path
            .split_once("jsonp=")
            .map_or("", |(_, nonce)| nonce);
        Ok(HttpResponse {
            status,
            body: match answer.strip_prefix(b"NONCE") {
                Some(rest) => [nonce.as_bytes(), rest].concat(),
                None => answer.clone(),
            },
            wanted: core::str::from_utf8(&answer).ok().map(Into::into),
        })
    }));
    let config = config_with(store);
    let StoreKind::Redis(rules) = &config.store else {
        panic!("it is Redis");
    };
    let (own_writes, log_lines) = Default::default();
    let redis = Redis::over_http(&host, rules, &own_writes, &log_lines);
    let now = UnixMillis(1_000_000);
    let life = Life {
        now,
        expires_at: UnixMillis(2_000_000),
    };
    let key = Key::new(Space::Sessions, "s:1");
    let got = run(redis.get(&key, now));
    let latest = run(redis.get_latest(&key, now));
    assert_eq!(got, latest, "the same answer says the same");
    if let Ok(Some(value)) = &got {
        assert_eq!(status, 200);
        assert!(value.len() <= body.len());
    }
    let write = |change| {
        [Write {
            key: key.clone(),
            change,
        }]
    };
    assert!(
        store == REST || got.is_err() || body.starts_with(b"NONCE"),
        "another's answer is taken: {got:?}"
    );
    let put = run(redis.write(&write(Change::Put(b"value".to_vec(), life))));
    assert!(
        matches!(put, Ok(Written::All) | Err(StoreError::Unavailable)),
        "{put:?}"
    );
    let delete = run(redis.write(&write(Change::Delete)));
    assert!(
        matches!(delete, Ok(Written::All) | Err(StoreError::Unavailable)),
        "{delete:?}"
    );
    // No answer is both a value and a success, nor one of a status and of a count.
    assert!(
        got.is_err() || put.is_err() || matches!(&got, Ok(Some(_))),
        "{got:?}"
    );
    assert!(put.is_err() || delete.is_err());
    let swap = Change::Swap {
        expected: None,
        value: b"new".to_vec(),
        life,
    };
    let swapped = run(redis.write(&write(swap)));
    match &swapped {
        Ok(Written::All) => assert!(delete.is_ok() && got.is_err()),
        Ok(Written::Found(found)) => assert!(found.is_none() || got == Ok(found.clone())),
        Err(error) => assert_eq!(*error, StoreError::Unavailable),
    }
    let two = [write(Change::Delete), write(Change::Delete)].concat();
    let both = run(redis.write(&two));
    assert!(
        both.is_err() || delete.is_err() || store == WEBDIS,
        "one answer is not two"
    );
    let _ = run(redis.write_and_get(&two, &key, now));
    let lines: Vec<String> = host.lines.take();
    for line in &lines {
        assert!(line.len() < 1200, "{line}");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["event"], "store_failed");
    }
    // Whoever reads the log sees every outage.
    assert!(got.is_ok() || !lines.is_empty());
}
