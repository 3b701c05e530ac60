//! `GET /wx/session`: does the client need to log in again? Looks only; does not extend the session.

use serde::Serialize;

use super::answer::{Answer, ok};
use crate::host::{Host, Request};
use crate::presented::{Presented, presented};
use crate::rejection::Rejection;
use crate::session::sessions::Gone;
use crate::worker::Context;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    has_session: bool,
    expired: bool,
    /// Seconds until it ends if it is not used.
    expires_in: u64,
}

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let Context { worker, host } = context;
    let sessions = context.sessions();
    let found = match presented(request.head(), &worker.config.session)? {
        Presented::Token(token) => {
            let now = host.now();
            sessions.load(&token, now, Gone::Stays).await?
        }
        Presented::Malformed | Presented::Nothing => None,
    };
    let Some(found) = found else {
        let body = ok(&State {
            has_session: false,
            expired: false,
            expires_in: 0,
        });
        return Ok(Answer {
            body,
            ..Answer::default()
        });
    };
    let (session, now) = (found.record, host.now());
    let body = ok(&State {
        has_session: true,
        expired: sessions.is_over(&session, now),
        expires_in: sessions.remaining(&session, now).as_secs(),
    });
    Ok(Answer::of(&session, body))
}
