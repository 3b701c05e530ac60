//! Login through the app: a request for the app brings a code, is logged in, and goes on with the token for its app, which
//! answers in words of its own. Or the code only says whose it is. What the app is told, and what its answer may still
//! undo.

use super::on_the_way::with_token;
use crate::config::Config;
use crate::header_names::of_login as names;
use crate::records::login::LoggedIn;
use crate::records::told::Useless;
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;

/// Tells the app of a login, with the token for its client.
pub(crate) fn tell(login: &LoggedIn, config: &Config, changes: &mut Changes) {
    let mut response = with_token(login, config, changes);
    response.is_login = true;
    changes.response = Some(response.into());
    let expires_in = alloc::format!("{}", config.session.expires_in());
    set(changes, names::TOKEN, &login.token.text());
    set(changes, names::EXPIRES_IN, &expires_in);
    if let Some(useless) = login.told.open_data.map(Useless::name) {
        set(changes, names::OPEN_DATA, useless);
    }
}

/// Tells the app whose code it was.
pub(crate) fn tell_bound(login: &LoggedIn, changes: &mut Changes) {
    set(changes, names::BOUND_OPENID, &login.session.openid);
    set(changes, names::BOUND_APPID, &login.session.appid);
    if let Some(unionid) = &login.session.unionid {
        set(changes, names::BOUND_UNIONID, unionid);
    }
}

/// Tells the app why there is no login.
pub(crate) fn tell_refusal(error: &str, changes: &mut Changes) {
    set(changes, names::ERROR, error);
}

/// Whether an app may be told this in place of the client. What protects the edge itself it answers itself.
pub(crate) fn is_for_app(rejection: &Rejection) -> bool {
    !matches!(
        rejection.reason,
        Reason::Overloaded
            | Reason::BodyTimeout
            | Reason::OriginRefused
            | Reason::ReleaseRefused
            | Reason::Internal
    )
}

fn set(changes: &mut Changes, name: &'static str, value: &str) {
    changes.set.push((name.into(), value.into()));
}
