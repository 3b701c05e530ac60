//! Login on the way: a request for the app that brings a code, and no session that is good, is logged in and goes on
//! in the same round trip. Never spends the code of a request that has a session or needs none.

use alloc::format;

use crate::config::Config;
use crate::edge::Edge;
use crate::endpoint::{LoggedIn, expires_in};
use crate::host::{Head, Header};
use crate::presented::is_nothing;
use crate::reply::{Action, Verdict};

/// Whether a request without a good session is to be logged in.
pub(crate) fn is_asked_for(head: &Head, config: &Config) -> bool {
    config.session.piggyback.is_some()
        && match head.get("x-wx-code") {
            Header::Absent => false,
            Header::One(code) => !is_nothing(code),
            Header::Ambiguous => true,
        }
}

/// The verdict that also tells the app what login this was, and the client its token. The token comes with the app's
/// own answer: nobody may keep it for another client.
pub(crate) fn told(edge: &Edge, login: &LoggedIn, mut verdict: Verdict) -> Verdict {
    if let (Action::Forward(changes), Some(names)) =
        (&mut verdict.action, &edge.config.session.piggyback)
    {
        let event = edge.config.identity.login_event.clone();
        changes.set.push((event, login.told.event.into()));
        // An answer that says "as you have it" would be joined, token and all, to what some cache has.
        let conditions = ["if-none-match", "if-modified-since", "if-range", "range"];
        changes.remove.extend(conditions.map(Into::into));
        changes.answer = [
            ("cache-control".into(), "no-store".into()),
            (names.token.clone(), login.token.text().into()),
            (
                names.expires_in.clone(),
                format!("{}", expires_in(edge)).into(),
            ),
        ]
        .into();
    }
    verdict
}
