//! A request on its way to the app: its head with the core's changes, its body piece by piece as it comes. A service
//! sends it over the network or to another component of the app, a middleware to the component that Spin put behind it.
//! What the app answers never enters this module.

use std::rc::Rc;

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme, Trailers};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};
use wx_session_core::{Changes, Level, describes_body, upstream_unavailable};

use crate::incoming::{Body, Incoming};
use crate::instance::Instance;
use crate::log::log;
use crate::outbound::{self, CHUNK};
use crate::reply;

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
}

/// The request as the app is to see it. `None` if it cannot be made so.
pub(crate) fn changed(
    incoming: Incoming,
    changes: Changes,
    instance: &Rc<Instance>,
) -> Option<Request> {
    let (head, line, body) = incoming.into_parts()?;
    let set = |wanted: &str| {
        let mut found = changes.set.iter().filter(|(name, _)| **name == *wanted);
        found.next_back().map(|(_, value)| &**value)
    };
    let path = set(":path").map(str::to_owned);
    let path = path.or(line.path);
    let goes = |name: &str| {
        let removed = changes
            .remove
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name));
        let replaced = changes
            .set
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name));
        let of_ours = is_about_this_component(name, set(":path").is_some());
        name.starts_with(':') || removed || replaced || of_ours || FORBIDDEN.contains(&name)
    };
    let stays = head.pairs().filter_map(|(name, value)| {
        let name = std::str::from_utf8(name).ok().filter(|name| !goes(name))?;
        Some((name.to_owned(), value.to_vec()))
    });
    let mut headers: Vec<_> = stays.collect();
    let added = changes.set.iter().map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        (name, value.as_bytes().to_vec())
    });
    // The core writes `connection: upgrade` on a request that may change protocols, which cannot be on Spin.
    headers.extend(
        added.filter(|(name, _)| !name.starts_with(':') && !FORBIDDEN.contains(&name.as_str())),
    );

    let (scheme, authority) = if cfg!(feature = "middleware") {
        (line.scheme, line.authority)
    } else {
        let upstream = &instance.upstream;
        (
            Some(upstream.scheme.clone()),
            Some(upstream.authority.clone()),
        )
    };
    let headers = Fields::from_list(&headers).ok()?;
    let (body, trailers) = match (body, changes.body) {
        (Body::Unread(request), None) => {
            let (_handled, outcome) = wit_future::new(|| Ok(()));
            let (body, trailers) = Request::consume_body(request, outcome);
            relayed(body, trailers, instance)
        }
        (Body::Read(body, trailers), None) => {
            whole(body, trailers, |name| instance.edge.is_identity(name))
        }
        (Body::Read(_, trailers), Some(body)) => whole(body, trailers, |name| {
            instance.edge.is_identity(name) || describes_body(name)
        }),
        // Nobody changes a body without having read it.
        (Body::Unread(_), Some(_)) => return None,
    };
    let (request, _transmitted) = Request::new(headers, Some(body), trailers, line.options);
    request.set_method(&line.method).ok()?;
    request.set_scheme(scheme.as_ref()).ok()?;
    request.set_authority(authority.as_deref()).ok()?;
    request.set_path_with_query(path.as_deref()).ok()?;
    Some(request)
}

/// What Spin writes about the request for the component it goes to. The app behind a service gets its own; the app
/// behind a middleware needs them, but not the old URL if a token was taken out of it.
fn is_about_this_component(name: &str, url_changed: bool) -> bool {
    if cfg!(feature = "middleware") {
        url_changed && name == "spin-full-url"
    } else {
        name.starts_with("spin-")
    }
}

type End = Result<Option<Trailers>, ErrorCode>;

/// The body as it comes, piece by piece, and its trailers without those that an app could take for a statement of
/// ours.
///
/// Every piece goes through here only because of the trailers: a stream that is handed back to wasmtime unread is
/// joined to its source there, and the trailers given with it are ignored for those that the client sent
/// (wasmtime-wasi-http 48, `Body::new_guest`).
fn relayed(
    mut body: StreamReader<u8>,
    trailers: FutureReader<End>,
    instance: &Rc<Instance>,
) -> (StreamReader<u8>, FutureReader<End>) {
    let instance = Rc::clone(instance);
    let (mut onward, relayed) = wit_stream::new();
    let (end, relayed_end) = wit_future::new(|| Ok(None));
    spawn(async move {
        loop {
            let (result, piece) = body.read(Vec::with_capacity(CHUNK)).await;
            // Whoever stopped reading wants no more.
            if !onward.write_all(piece).await.is_empty() {
                return;
            }
            if result == StreamResult::Dropped {
                break;
            }
        }
        drop(onward);
        let stripped = match trailers.await {
            Ok(Some(trailers)) => without(&trailers, |name| instance.edge.is_identity(name)),
            end => end,
        };
        // As above.
        let _ = end.write(stripped).await;
    });
    (relayed, relayed_end)
}

/// A body that has been read, and those of its trailers that may go on.
fn whole(
    body: Vec<u8>,
    trailers: Option<Trailers>,
    is_forbidden: impl Fn(&str) -> bool,
) -> (StreamReader<u8>, FutureReader<End>) {
    let (end, whole_end) = wit_future::new(|| Ok(None));
    if let Some(trailers) = trailers {
        let stripped = without(&trailers, is_forbidden);
        spawn(async move {
            // Whoever stopped reading wants no more.
            let _ = end.write(stripped).await;
        });
    }
    (outbound::stream(body), whole_end)
}

fn without(trailers: &Trailers, is_forbidden: impl Fn(&str) -> bool) -> End {
    let mut all = trailers.copy_all();
    all.retain(|(name, _)| !is_forbidden(&name.to_ascii_lowercase()));
    Fields::from_list(&all)
        .map(Some)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))
}

/// Sends it to the app, and gives back what the app answers.
pub(crate) async fn pass_on(request: Request) -> Result<Response, ErrorCode> {
    match send(request).await {
        Ok(response) => Ok(response),
        Err(error) => {
            log(Level::Error, &format!("the app does not answer: {error}"));
            reply::response(upstream_unavailable())
        }
    }
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
