//! The body of a request on its way to the app, and its trailers without those that an app could take for a statement of
//! ours or of Spin's. Never holds more of it than a piece, unless the core has read it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Trailers};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};
use wx_session_core::TrailerPolicy;

use crate::hop_headers::is_forbidden;
use crate::incoming::End;
use crate::outbound::{self, CHUNK};
use crate::spin_headers;

/// What the app is to read.
pub(crate) struct Onward {
    pub(crate) contents: Option<StreamReader<u8>>,
    pub(crate) trailers: FutureReader<End>,
    pub(crate) broken: Broken,
}

/// Whether the client broke its body off, or sent something invalid. Known when the body has ended.
pub(crate) type Broken = Rc<Cell<bool>>;

/// What has come of the body, and the rest as it comes, piece by piece. Of a request that is over with its head, nothing.
/// If no piece moves for as long as `idle`, the app sees it broken off.
///
/// `announced`: the head says that there is a body. Then one of which nothing comes may be broken, too.
///
/// Every piece goes through here only because of the trailers: a stream that is handed back to wasmtime unread is
/// joined to its source there, and the trailers given with it are ignored for those that the client sent
/// (wasmtime-wasi-http 48, `Body::new_guest`).
pub(crate) async fn onward(
    begun: Vec<u8>,
    mut body: StreamReader<u8>,
    trailers: FutureReader<End>,
    policy: TrailerPolicy,
    idle: Duration,
    announced: bool,
) -> Onward {
    let broken = Broken::default();
    // With no room for a piece, this only asks whether there will be one.
    let mut asked = Box::pin(async move {
        let (result, _) = body.read(Vec::new()).await;
        (result, body)
    });
    let answered = outbound::at_once(asked.as_mut()).await;
    let may_be_none = begun.is_empty() && !announced;
    if let (true, Some((StreamResult::Dropped, _))) = (may_be_none, &answered) {
        // Where there is no body, there are no trailers for the app. In HTTP/2 a client can send some all the same.
        let (end, none) = wit_future::new(|| Ok(None));
        drop((end, trailers));
        return Onward {
            contents: None,
            trailers: none,
            broken,
        };
    }
    let (mut onward, relayed) = wit_stream::new();
    let (end, relayed_end) = wit_future::new(|| Ok(None));
    let pieces = Rc::new(Cell::new(0_u64));
    let moved = Rc::clone(&pieces);
    let is_broken = Rc::clone(&broken);
    let mut relay = Box::pin(async move {
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
            moved.set(moved.get().wrapping_add(1));
        }
        drop(onward);
        match trailers.await {
            Ok(Some(trailers)) => without(&trailers, &policy),
            end => {
                is_broken.set(end.is_err());
                end
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
        // As above.
        let _ = end.write(ended).await;
    });
    Onward {
        contents: Some(relayed),
        trailers: relayed_end,
        broken,
    }
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
pub(crate) async fn whole(
    body: Vec<u8>,
    trailers: Option<Trailers>,
    policy: &TrailerPolicy,
) -> Onward {
    let (end, whole_end) = wit_future::new(|| Ok(None));
    if let Some(trailers) = trailers {
        let stripped = without(&trailers, policy);
        spawn(async move {
            // Whoever stopped reading wants no more.
            let _ = end.write(stripped).await;
        });
    }
    Onward {
        contents: Some(outbound::stream(body).await),
        trailers: whole_end,
        broken: Broken::default(),
    }
}

fn without(trailers: &Trailers, policy: &TrailerPolicy) -> End {
    let mut all = trailers.copy_all();
    all.retain(|(name, _)| {
        let name = name.to_ascii_lowercase();
        !policy.forbids(&name) && !spin_headers::is_spins(&name) && !is_forbidden(&name)
    });
    Fields::from_list(&all)
        .map(Some)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))
}
