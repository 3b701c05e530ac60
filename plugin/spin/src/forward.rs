//! A request on its way to the app: its head with the core's changes, its body piece by piece as it comes. A service
//! sends it over the network or to another component of the app, a middleware to the component that Spin put behind it.
//! What the app answers never enters this module.

use std::rc::Rc;

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use spin_sdk::wasip3::wit_future;
use wx_session_core::{
    BodyError, Changes, Head, Host, Level, body_unusable, internal_error, upstream_unavailable,
};

use crate::incoming::{Body, Headers, Incoming};
use crate::instance::Instance;
use crate::log::log;
use crate::outbound::{self, Place};
use crate::relay::{self, Broken, Onward};
use crate::upstream::Upstream;
use crate::{hop_headers, reply, spin_headers};

/// A request that is ready to be sent.
pub(crate) struct Outgoing {
    pub(crate) request: Request,
    pub(crate) broken: Broken,
}

/// The request as the app is to see it, or somebody elsewhere. `None` if it cannot be made so.
pub(crate) async fn changed(
    incoming: Incoming,
    changes: Changes,
    instance: &Rc<Instance>,
    elsewhere: Option<Place>,
) -> Option<Outgoing> {
    let (mut headers, line, body) = incoming.into_parts()?;
    let of_set = |wanted: &str| {
        let mut found = changes.set.iter().filter(|(name, _)| **name == *wanted);
        found.next_back().map(|(_, value)| &**value)
    };
    let new_path = of_set(":path");
    let announced = headers.iter().any(|(name, _)| name == "transfer-encoding");
    only_spins(&mut headers, new_path.is_some());
    headers.retain(|(name, _)| {
        let removed = || changes.remove.iter().any(|own| is(own, name));
        let replaced = || changes.set.iter().any(|(own, _)| is(own, name));
        !hop_headers::is_forbidden(name) && !removed() && !replaced()
    });
    // The core writes `connection: upgrade` on a request that may change protocols, which cannot be on Spin.
    let added = changes
        .set
        .iter()
        .filter(|(name, _)| !name.starts_with(':') && !hop_headers::is_forbidden(name));
    headers.extend(added.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())));

    let headers = Fields::from_list(&headers).ok()?;
    let policy = changes.trailers;
    let idle = instance.waiting.relay_idle();
    let onward = match (body, changes.body) {
        (Body::Unread(request), None) => {
            let (_handled, outcome) = wit_future::new(|| Ok(()));
            let (body, trailers) = Request::consume_body(request, outcome);
            relay::onward(Vec::new(), body, trailers, policy, idle, announced).await
        }
        (Body::Begun(begun, body, trailers), None) => {
            relay::onward(begun, body, trailers, policy, idle, announced).await
        }
        (Body::Read(body, trailers), None) | (Body::Read(_, trailers), Some(body)) => {
            relay::whole(body, trailers, &policy).await
        }
        // Nobody changes a body without having read it.
        (Body::Unread(_) | Body::Begun(..), Some(_)) => return None,
    };
    let Onward {
        contents,
        trailers,
        broken,
    } = onward;
    let (request, _transmitted) = Request::new(headers, contents, trailers, line.options);
    if !matches!(line.method, Method::Get) {
        request.set_method(&line.method).ok()?;
    }
    if let Some(place) = elsewhere {
        request.set_scheme(Some(&place.scheme)).ok()?;
        request.set_authority(Some(&place.authority)).ok()?;
        request.set_path_with_query(Some(&place.path)).ok()?;
        return Some(Outgoing { request, broken });
    }
    if cfg!(feature = "middleware") {
        request.set_scheme(line.scheme.as_ref()).ok()?;
        request.set_authority(line.authority.as_deref()).ok()?;
    } else {
        let Upstream { scheme, authority } = &instance.upstream;
        request.set_scheme(Some(scheme)).ok()?;
        request.set_authority(Some(authority)).ok()?;
    }
    let path = new_path.or(line.path.as_deref());
    request.set_path_with_query(path).ok()?;
    Some(Outgoing { request, broken })
}

fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

/// Of what Spin writes about the request for the component it goes to, a client's forgeries are taken off. The app
/// behind a service gets Spin's own anew; the app behind a middleware needs them, but not the old URL if a token was
/// taken out of it.
fn only_spins(headers: &mut Headers, url_changed: bool) {
    if cfg!(feature = "middleware") {
        spin_headers::keep_own(headers);
        if url_changed {
            headers.retain(|(name, _)| name != "spin-full-url");
        }
    } else {
        headers.retain(|(name, _)| !spin_headers::is_spins(name));
    }
}

/// Sends it to the app, and gives back what the app answers. A client whose body breaks off is told so, should it still be
/// there.
pub(crate) async fn pass_on(
    outgoing: Outgoing,
    instance: &Instance,
    host: &impl Host,
    head: &Head,
) -> Result<Response, ErrorCode> {
    let Outgoing { request, broken } = outgoing;
    let error = match send(request).await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    // The app is not to blame for it.
    if broken.get() {
        let unreadable = body_unusable(&instance.worker, host, head, BodyError::Unreadable);
        return reply::response(unreadable).await;
    }
    let app = instance.upstream.name();
    // Of a middleware's app, it is an answer: the app itself may not ask somebody.
    if !cfg!(feature = "middleware") && outbound::is_forbidden(&error) {
        let forbidden = outbound::forbidden(&app, &error);
        log(
            Level::Error,
            &format!("the app may not be asked: {forbidden}"),
        );
        return reply::response(internal_error()).await;
    }
    let code = outbound::in_words(&error);
    log(
        Level::Error,
        &format!("the app does not answer ({app}): {code}"),
    );
    reply::response(upstream_unavailable(&instance.worker, head)).await
}

/// To the app itself: over the network, or to the component behind this one.
#[cfg(not(feature = "middleware"))]
pub(crate) async fn send(request: Request) -> Result<Response, ErrorCode> {
    spin_sdk::wasip3::http::client::send(request).await
}

#[cfg(feature = "middleware")]
pub(crate) async fn send(request: Request) -> Result<Response, ErrorCode> {
    let response = spin_sdk::http::next(request).await?;
    // The SDK wraps it; its body has not been touched.
    let response = response.into_body().take_unstarted();
    response.ok_or_else(|| ErrorCode::InternalError(Some("no response".to_owned())))
}
