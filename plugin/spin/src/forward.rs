//! A request on its way to the app: its head with the core's changes, its body piece by piece as it comes. A service
//! sends it over the network or to another component of the app, a middleware to the component that Spin put behind it.
//! What the app answers never enters this module.

use std::borrow::Cow;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use spin_sdk::wasip3::http::types::{
    ErrorCode, Fields, Method, Request, Response, Scheme, Trailers,
};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};
use wx_session_core::{Changes, Level, describes_body, internal_error, upstream_unavailable};

use crate::incoming::{Body, End, Headers, Incoming};
use crate::instance::Instance;
use crate::log::log;
use crate::outbound::{self, CHUNK};
use crate::{reply, spin_headers};

/// Headers of one connection, which a component may not send: with one of them left in, a client could make its own
/// request fail with 500. wasmtime-wasi-http, `DEFAULT_FORBIDDEN_HEADERS`.
pub(crate) const FORBIDDEN: [&str; 9] = [
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Where the app is, for a service.
pub(crate) struct Upstream {
    scheme: Scheme,
    authority: String,
}

impl Upstream {
    /// `url` is scheme and host, as the configuration was checked to have it.
    pub(crate) fn at(url: &str) -> Self {
        let (scheme, authority) = outbound::split(url);
        Self { scheme, authority }
    }

    /// As an operator knows it, for the log.
    fn name(&self) -> Cow<'static, str> {
        let Self { scheme, authority } = self;
        match scheme {
            _ if cfg!(feature = "middleware") => "the component behind this one".into(),
            Scheme::Http => format!("http://{authority}").into(),
            _ => format!("https://{authority}").into(),
        }
    }
}

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
        !FORBIDDEN.contains(&name.as_str()) && !removed() && !replaced()
    });
    // The core writes `connection: upgrade` on a request that may change protocols, which cannot be on Spin.
    let added = changes.set.iter().filter(|(name, _)| {
        !name.starts_with(':') && !FORBIDDEN.iter().any(|forbidden| is(name, forbidden))
    });
    headers.extend(added.map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        (name, value.as_bytes().to_vec())
    }));

    let headers = Fields::from_list(&headers).ok()?;
    let (contents, trailers) = match (body, changes.body) {
        (Body::Unread(request), None) => {
            let (_handled, outcome) = wit_future::new(|| Ok(()));
            let (body, trailers) = Request::consume_body(request, outcome);
            relayed(Vec::new(), body, trailers, instance).await
        }
        (Body::Begun(begun, body, trailers), None) => {
            relayed(begun, body, trailers, instance).await
        }
        (Body::Read(body, trailers), None) => {
            whole(body, trailers, |name| instance.edge.is_identity(name)).await
        }
        (Body::Read(_, trailers), Some(body)) => {
            let is_forbidden = |name: &str| instance.edge.is_identity(name) || describes_body(name);
            whole(body, trailers, is_forbidden).await
        }
        // Nobody changes a body without having read it.
        (Body::Unread(_) | Body::Begun(..), Some(_)) => return None,
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

type Onward = (Option<StreamReader<u8>>, FutureReader<End>);

/// What has come of the body, the rest as it comes, piece by piece, and its trailers without those that an app could
/// take for a statement of ours. Of a request that is over with its head, nothing.
///
/// Every piece goes through here only because of the trailers: a stream that is handed back to wasmtime unread is
/// joined to its source there, and the trailers given with it are ignored for those that the client sent
/// (wasmtime-wasi-http 48, `Body::new_guest`).
async fn relayed(
    begun: Vec<u8>,
    mut body: StreamReader<u8>,
    trailers: FutureReader<End>,
    instance: &Rc<Instance>,
) -> Onward {
    // With no room for a piece, this only asks whether there will be one.
    let mut asked = Box::pin(async move {
        let (result, _) = body.read(Vec::new()).await;
        (result, body)
    });
    let answered = outbound::at_once(asked.as_mut()).await;
    if let (true, Some((StreamResult::Dropped, _))) = (begun.is_empty(), &answered) {
        // Where there is no body, there are no trailers.
        return (None, trailers);
    }
    let instance = Rc::clone(instance);
    let idle = instance.waiting.relay_idle();
    let (mut onward, relayed) = wit_stream::new();
    let (end, relayed_end) = wit_future::new(|| Ok(None));
    let pieces = Rc::new(Cell::new(0_u64));
    let mut relay = Box::pin({
        let pieces = Rc::clone(&pieces);
        async move {
            if !begun.is_empty() && !onward.write_all(begun).await.is_empty() {
                return Ok(None);
            }
            let (mut result, mut body) = match answered {
                Some(answered) => answered,
                None => asked.await,
            };
            while result != StreamResult::Dropped {
                let piece;
                (result, piece) = body.read(Vec::with_capacity(CHUNK)).await;
                // Whoever stopped reading wants no more.
                if !onward.write_all(piece).await.is_empty() {
                    return Ok(None);
                }
                pieces.set(pieces.get().wrapping_add(1));
            }
            drop(onward);
            match trailers.await {
                Ok(Some(trailers)) => without(&trailers, |name| instance.edge.is_identity(name)),
                end => end,
            }
        }
    });
    // What is here already leaves together with the head.
    let done = outbound::at_once(relay.as_mut()).await;
    spawn(async move {
        let ended = match done {
            Some(ended) => ended,
            None => while_moving(idle, &pieces, relay).await,
        };
        // Whoever stopped reading wants no more.
        let _ = end.write(ended).await;
    });
    (Some(relayed), relayed_end)
}

/// What `relay` comes to, unless for as long as `idle`, and at most twice as long, no piece moves: whoever sends or
/// takes them is gone then, and the other side must not take what came for the whole.
async fn while_moving(
    idle: Duration,
    pieces: &Cell<u64>,
    mut relay: Pin<Box<impl Future<Output = End>>>,
) -> End {
    loop {
        let before = pieces.get();
        if let Some(ended) = outbound::within(idle, relay.as_mut()).await {
            return ended;
        }
        if pieces.get() == before {
            return Err(ErrorCode::ConnectionReadTimeout);
        }
    }
}

/// A body that has been read, and those of its trailers that may go on.
async fn whole(
    body: Vec<u8>,
    trailers: Option<Trailers>,
    is_forbidden: impl Fn(&str) -> bool,
) -> Onward {
    let (end, whole_end) = wit_future::new(|| Ok(None));
    if let Some(trailers) = trailers {
        let stripped = without(&trailers, is_forbidden);
        spawn(async move {
            // Whoever stopped reading wants no more.
            let _ = end.write(stripped).await;
        });
    }
    (Some(outbound::stream(body).await), whole_end)
}

fn without(trailers: &Trailers, is_forbidden: impl Fn(&str) -> bool) -> End {
    let mut all = trailers.copy_all();
    all.retain(|(name, _)| !is_forbidden(&name.to_ascii_lowercase()));
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
