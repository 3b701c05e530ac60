//! Sends a request of the edge's own to the app: the way of the requests that are passed on, unless the configuration
//! names another place. It goes on when the request that brought it is over.

use std::rc::Rc;

use spin_sdk::wasip3::http::client;
use wx_session_core::{CallError, Delivery, Head, HttpResponse};

use crate::forward;
use crate::instance::Instance;
use crate::outbound::{self, Outgoing};
use crate::spin_headers;

/// Sends it and waits for the whole answer. `head` is of the request that brought it.
pub(crate) async fn deliver(
    delivery: Delivery,
    instance: Rc<Instance>,
    head: Rc<Head>,
) -> Result<HttpResponse, CallError> {
    let timeout = delivery.timeout;
    // Dropped when the time is over, which ends the call.
    outbound::within(timeout, exchange(delivery, &instance, &head))
        .await
        .unwrap_or(Err(CallError::TimedOut))
}

async fn exchange(
    delivery: Delivery,
    instance: &Instance,
    head: &Head,
) -> Result<HttpResponse, CallError> {
    let (scheme, authority) = outbound::split(&delivery.target);
    let is_app = instance.upstream.is_at(&scheme, &authority);
    let mut headers = if is_app && cfg!(feature = "middleware") {
        spins_own(head, &delivery.path)
    } else {
        Vec::new()
    };
    let own = delivery.headers.iter();
    headers.extend(own.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())));
    let outgoing = Outgoing {
        method: "POST",
        path: &delivery.path,
        headers,
        body: delivery.body,
        timeout: delivery.timeout,
    };
    let request = outbound::request(outgoing, &scheme, &authority).await?;
    let (response, named) = if is_app {
        let name = instance.upstream.name().into_owned();
        (forward::send(request).await, name)
    } else {
        (client::send(request).await, delivery.target)
    };
    let limit = delivery.max_response_bytes;
    outbound::whole(response, &named, limit, Some("content-type")).await
}

/// What Spin itself writes about the request, for the component behind this one, as far as it is true of its path too.
fn spins_own(head: &Head, path: &str) -> Vec<(String, Vec<u8>)> {
    let pairs = head.pairs().filter_map(|(name, value)| {
        let name = std::str::from_utf8(name).ok()?;
        Some((name.to_owned(), value.to_vec()))
    });
    let mut own: Vec<_> = pairs
        .filter(|(name, _)| spin_headers::is_spins(name))
        .collect();
    spin_headers::keep_own(&mut own);
    let (came, goes) = (head.text(":path").unwrap_or_default(), path);
    own.retain(|(name, _)| match name.as_str() {
        "spin-full-url" => came == goes,
        "spin-path-info" => without_query(came) == without_query(goes),
        _ => true,
    });
    own
}

fn without_query(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}
