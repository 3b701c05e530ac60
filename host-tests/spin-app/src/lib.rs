//! A Spin app for the tests: hands every request on to the app that the test listens with, as it came. It asks no
//! question about who calls: what reaches it counts as let through.

#![allow(
    missing_docs,
    reason = "a component for Spin, with no items for other crates"
)]

use spin_sdk::wasip3;
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use spin_sdk::wasip3::wit_future;

/// Where the test listens, for the host that runs this.
const APP: &str = if cfg!(feature = "chained") {
    "app.spin.internal"
} else {
    "app.outside"
};

struct App;

wasip3::http::service::export!(App);

impl Guest for App {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let onward = onward(request).ok_or(ErrorCode::HttpProtocolError)?;
        client::send(onward).await
    }
}

fn onward(request: Request) -> Option<Request> {
    let mut headers = request.get_headers().copy_all();
    // A client's own, as a bare forwarder has it; no component may set it, and the authority says the same.
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    let headers = Fields::from_list(&headers).ok()?;
    let (method, path) = (request.get_method(), request.get_path_with_query());
    let (_handled, outcome) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, outcome);
    let (onward, _transmitted) = Request::new(headers, Some(body), trailers, None);
    onward.set_method(&method).ok()?;
    onward.set_scheme(Some(&Scheme::Http)).ok()?;
    onward.set_authority(Some(APP)).ok()?;
    onward.set_path_with_query(path.as_deref()).ok()?;
    Some(onward)
}
