//! `GET /wx/session`: does the client need to log in again? Looks only; does not extend the session.

use serde::Serialize;

use crate::edge::Edge;
use crate::host::{Host, Request};
use crate::presented::{Presented, presented};
use crate::rejection::Rejection;
use crate::reply::Answer;
use crate::reply::ok;
use crate::session::sessions;
use crate::session::sessions::Gone;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    has_session: bool,
    expired: bool,
    /// Seconds until it ends if it is not used.
    expires_in: u64,
}

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let found = match presented(request.head(), &edge.config.session)? {
        Presented::Token(token) => {
            sessions::load(edge, host, &token, &token.id(), host.now(), Gone::Stays).await?
        }
        Presented::Malformed | Presented::Nothing => None,
    };
    let now = host.now();
    let openid = found.as_ref().map(|found| (&*found.record.openid).into());
    let state = match found {
        None => State {
            has_session: false,
            expired: false,
            expires_in: 0,
        },
        Some(found) => State {
            has_session: true,
            expired: sessions::is_over(edge, &found.record, now),
            expires_in: sessions::remaining(edge, &found.record, now).as_secs(),
        },
    };
    Ok(Answer {
        body: ok(&state),
        openid,
    })
}
