//! The smallest Spin app to stand behind wx-session: answers with the request as it came. An app of yours reads
//! `x-wx-openid` in the same way; it asks WeChat nothing, and trusts no other header about who calls.

#![allow(
    missing_docs,
    reason = "a component for Spin, with no items for other crates"
)]

use std::fmt::Write as _;

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let mut answer = match request.headers().get("x-wx-openid") {
        Some(openid) => format!("Hello, {}.\n\n", String::from_utf8_lossy(openid.as_bytes())),
        None => "Hello, whoever you are.\n\n".to_owned(),
    };
    let _ = writeln!(answer, "{} {}", request.method(), request.uri().path());
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = writeln!(answer, "{name}: {value}");
    }
    answer
}
