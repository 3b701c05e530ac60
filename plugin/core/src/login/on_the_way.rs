//! Login on the way: a request for the app that brings a code, and no session that is good, is logged in and goes on
//! in the same round trip. Never spends the code of a request that has a session or needs none.

use alloc::format;

use crate::config::Config;
use crate::cookie;
use crate::head::{Head, Header};
use crate::header_names::CODE;
use crate::placeholder::is_placeholder;
use crate::records::login::LoggedIn;
use crate::reply::{Changes, OfResponse};

/// Whether a request without a good session is to be logged in.
pub(crate) fn is_asked_for(head: &Head, config: &Config) -> bool {
    config.session.login_on_the_way.is_some()
        && match head.get(CODE) {
            Header::Absent => false,
            Header::One(code) => !is_placeholder(code),
            Header::Ambiguous => true,
        }
}

/// Changes that also tell the app what login this was, and the client its token. The token comes with the app's own
/// response: nobody may keep it for another client.
pub(crate) fn tell(login: &LoggedIn, config: &Config, changes: &mut Changes) {
    let Some(names) = &config.session.login_on_the_way else {
        return;
    };
    let mut response = with_token(login, config, changes);
    let expires_in = format!("{}", config.session.expires_in());
    response.set.extend([
        (names.token.clone(), login.token.text().into()),
        (names.expires_in.clone(), expires_in.into()),
    ]);
    changes.response = Some(response.into());
}

/// What becomes of a response that brings a token: nobody may keep it for another client. The request is changed so that
/// its answer is a whole one, and tells the app what login it was.
pub(super) fn with_token(login: &LoggedIn, config: &Config, changes: &mut Changes) -> OfResponse {
    let event = config.identity.login_event.clone();
    changes.set.push((event, login.told.event.name().into()));
    // A 304 or 206 would be joined, token and all, to what some cache has.
    let conditions = ["if-none-match", "if-modified-since", "if-range", "range"];
    changes.remove.extend(conditions.map(Into::into));
    let seconds = config.session.absolute.as_secs();
    let cookie = cookie::set(&config.session, &login.token.text(), seconds);
    OfResponse {
        set: [("cache-control".into(), "no-store".into())].into(),
        cookie: cookie.map(Into::into),
        ..OfResponse::default()
    }
}
