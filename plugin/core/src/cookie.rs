//! The cookie that carries a token: set by a login, cleared by a logout. Whose pages may send it is judged here too: a
//! browser sends cookies along with whatever a page of others asks for.

use alloc::format;
use alloc::string::String;

use crate::config::{CookieRules, SessionRules};
use crate::head::{Head, Header};
use crate::rejection::{Reason, Rejection};

/// The value of `set-cookie` that gives a client its token, for so many seconds. `None` if tokens go in no cookie.
/// <https://www.rfc-editor.org/rfc/rfc6265#section-4.1>
pub(crate) fn set(rules: &SessionRules, token: &str, seconds: u64) -> Option<String> {
    let CookieRules {
        name, attributes, ..
    } = rules.cookie.as_ref()?;
    Some(format!("{name}={token}{attributes}; Max-Age={seconds}"))
}

/// The same that takes it away.
pub(crate) fn clear(rules: &SessionRules) -> Option<String> {
    rules.cookie.as_ref().map(|rules| (*rules.cleared).into())
}

/// That a request comes from a page that may send the cookie, or from no browser at all. Browsers name the origin of
/// whatever a page of another site has them change.
/// <https://fetch.spec.whatwg.org/#origin-header>
pub(crate) fn judge_origin(head: &Head, rules: &SessionRules) -> Result<(), Rejection> {
    let Some(origins) = rules
        .cookie
        .as_ref()
        .and_then(|rules| rules.origins.as_ref())
    else {
        return Ok(());
    };
    match head.get("origin") {
        Header::Absent => Ok(()),
        Header::One(origin) if origins.iter().any(|own| own == origin) => Ok(()),
        _ => Err(Reason::OriginRefused.with("origin is not one of session.cookie_origins")),
    }
}
