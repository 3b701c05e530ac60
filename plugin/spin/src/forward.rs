//! A request on its way to the app: its head with the core's changes, its body piece by piece as it comes. A service
//! sends it over the network or to another component of the app, a middleware to the component that Spin put behind it.
//! What the app answers never enters this module.

use std::rc::Rc;

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Trailers};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};
use wx_session_core::{Changes, Level, TrailerPolicy, internal_error, upstream_unavailable};

use crate::incoming::{Body, Headers, Incoming};
use crate::instance::Instance;
use crate::log::log;
use crate::outbound::{self, CHUNK};
use crate::upstream::Upstream;
use crate::{hop_headers, reply, spin_headers};

/// The request as the app is to see it. `None` if it cannot be made so.
pub(crate) async fn changed(
    incoming: Incoming,
    changes: Changes,
    instance: &Rc<Instance>,
) -> Option<Request> {
    let (mut headers, line, body) = incoming.into_parts()?;
    let of_set = |wanted: &str| {
        let mut found = changes.set.iter().filter(|(name, _)| **name == *wanted);
        found.next_back().map(|(_, value)| &**value)
    };
    let new_path = of_set(":path");
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
    let (contents, trailers) = match (body, changes.body) {
        (Body::Unread(request), None) => {
            let (_handled, outcome) = wit_future::new(|| Ok(()));
            let (body, trailers) = Request::consume_body(request, outcome);
            relayed(body, trailers, policy).await
        }
        (Body::Read(body, trailers), None) | (Body::Read(_, trailers), Some(body)) => {
            whole(body, trailers, &policy).await
        }
        // Nobody changes a body without having read it.
        (Body::Unread(_), Some(_)) => return None,
    };
    let (request, _transmitted) = Request::new(headers, contents, trailers, line.options);
    if !matches!(line.method, Method::Get) {
        request.set_method(&line.method).ok()?;
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
    Some(request)
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

type End = Result<Option<Trailers>, ErrorCode>;

type Onward = (Option<StreamReader<u8>>, FutureReader<End>);

/// The body as it comes, piece by piece, and those of its trailers that may go on. Of a request that is over with its
/// head, nothing.
///
/// Every piece goes through here only because of the trailers: a stream that is handed back to wasmtime unread is
/// joined to its source there, and the trailers given with it are ignored for those that the client sent
/// (wasmtime-wasi-http 48, `Body::new_guest`).
async fn relayed(
    mut body: StreamReader<u8>,
    trailers: FutureReader<End>,
    policy: TrailerPolicy,
) -> Onward {
    // With no room for a piece, this only asks whether there will be one.
    let mut asked = Box::pin(async move {
        let (result, _) = body.read(Vec::new()).await;
        (result, body)
    });
    let begun = outbound::at_once(asked.as_mut()).await;
    if let Some((StreamResult::Dropped, _)) = begun {
        // Where there is no body, there are no trailers.
        return (None, trailers);
    }
    let (mut onward, relayed) = wit_stream::new();
    let (end, relayed_end) = wit_future::new(|| Ok(None));
    let mut relay = Box::pin(async move {
        let (mut result, mut body) = match begun {
            Some(begun) => begun,
            None => asked.await,
        };
        while result != StreamResult::Dropped {
            let piece;
            (result, piece) = body.read(Vec::with_capacity(CHUNK)).await;
            // Whoever stopped reading wants no more.
            if !onward.write_all(piece).await.is_empty() {
                return;
            }
        }
        drop(onward);
        let stripped = match trailers.await {
            Ok(Some(trailers)) => without(&trailers, &policy),
            end => end,
        };
        // As above.
        let _ = end.write(stripped).await;
    });
    // What is here already leaves together with the head.
    if outbound::at_once(relay.as_mut()).await.is_none() {
        spawn(relay);
    }
    (Some(relayed), relayed_end)
}

/// A body that has been read, and those of its trailers that may go on.
async fn whole(body: Vec<u8>, trailers: Option<Trailers>, policy: &TrailerPolicy) -> Onward {
    let (end, whole_end) = wit_future::new(|| Ok(None));
    if let Some(trailers) = trailers {
        let stripped = without(&trailers, policy);
        spawn(async move {
            // Whoever stopped reading wants no more.
            let _ = end.write(stripped).await;
        });
    }
    (Some(outbound::stream(body).await), whole_end)
}

fn without(trailers: &Trailers, policy: &TrailerPolicy) -> End {
    let mut all = trailers.copy_all();
    all.retain(|(name, _)| !policy.forbids(&name.to_ascii_lowercase()));
    Fields::from_list(&all)
        .map(Some)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))
}

/// Sends it to the app, and gives back what the app answers.
pub(crate) async fn pass_on(request: Request, instance: &Instance) -> Result<Response, ErrorCode> {
    let error = match send(request).await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
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
    reply::response(upstream_unavailable()).await
}

#[cfg(not(feature = "middleware"))]
async fn send(request: Request) -> Result<Response, ErrorCode> {
    spin_sdk::wasip3::http::client::send(request).await
}

#[cfg(feature = "middleware")]
async fn send(request: Request) -> Result<Response, ErrorCode> {
    let response = spin_sdk::http::next(request).await?;
    // The SDK wraps it; its body has not been touched.
    let response = response.into_body().take_unstarted();
    response.ok_or_else(|| ErrorCode::InternalError(Some("no response".to_owned())))
}
