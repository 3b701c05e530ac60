//! A decryption with ever more bytes, to the limit of the body.

use anyhow::{Context, Result};
use serde_json::json;

use super::{arm, micros, times};
use crate::running_arm::RunningArm;
use crate::surroundings::Surroundings;
use crate::{PATIENCE, table};
use testkit::client::{Connection, Request};
use testkit::fakes::wechat::{FakeWechat, Phone, Source};

/// Bytes of the request's body. The last is `limits.body_bytes` where nothing else is configured.
const SIZES: [usize; 5] = [1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10];
const REQUESTS: usize = 500;

pub(super) fn measure(stage: &Surroundings) -> Result<String> {
    println!("growth: bodies …");
    let edge = RunningArm::free(arm("cached")?, stage, 1)?;
    let phone = stage.wechat.phone("bodies");
    let mut connection = Connection::open(edge.envoy.addr(), PATIENCE)?;
    let login = Request::post("/wx/login").json(&json!({ "code": phone.login() }));
    let answer = connection.send(&login)?.json()?;
    let token = answer["data"]["token"].as_str().context("no login")?;
    let mut text = String::new();
    table::head(
        &mut text,
        &["bytes of the body", "decryption p50 µs", "p99 µs"],
    );
    for size in SIZES {
        let bodies = (0..REQUESTS).map(|_| body(&stage.wechat, &phone, size));
        let request = |body| {
            let request = Request::post("/wx/decrypt").header("x-wx-skey", token);
            request
                .header("content-type", "application/json")
                .body(body)
        };
        let requests: Vec<_> = bodies.map(request).collect();
        let (p50, p99) = times(&mut connection, requests)?;
        table::row(
            &mut text,
            [table::grouped(size as u64), micros(p50), micros(p99)],
        );
    }
    text.push_str(
        "\n`POST /wx/decrypt` through Envoy: the body is read, decrypted, checked and given back. The last size is the \
         limit.\n",
    );
    Ok(text)
}

/// Open data with a nickname that makes the body as long as asked for, spaces for the rest.
fn body(wechat: &FakeWechat, phone: &Phone, size: usize) -> String {
    let built = |nickname: usize| {
        let plain = json!({
            "openId": phone.openid(),
            "nickName": "n".repeat(nickname),
            "watermark": { "timestamp": wechat.now(), "appid": phone.appid() },
        });
        let data = phone
            .open_data(Source::UserInfo)
            .plaintext(plain.to_string())
            .build();
        json!({ "encryptedData": data.encrypted_data, "iv": data.iv }).to_string()
    };
    let around = built(0).len();
    // Base64 makes four of three; blocks and its own groups of three round up.
    let nickname = (size - around) * 3 / 4;
    let body = (0..)
        .map(|less| built(nickname - less))
        .find(|body| body.len() <= size);
    let mut body = body.unwrap_or_default();
    body.push_str(&" ".repeat(size - body.len()));
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_as_long_as_asked_for_and_nearly_all_of_it_is_data() {
        let wechat = FakeWechat::new("wx0123456789abcdef", "secret");
        let phone = wechat.phone("alice");
        let _code = phone.login();
        for size in SIZES {
            let body = body(&wechat, &phone, size);
            assert_eq!(body.len(), size);
            assert!(body.trim_end().len() + 32 > size, "{size}");
        }
    }
}
