//! Names of headers that mean something to the edge, and what an app may take for them. Names only: never looks at a
//! value, nor at what a request has.

use alloc::rc::Rc;
use alloc::vec::Vec;

/// Wafer 1's clients name the session beside the token that proves it.
pub(crate) const WAFER_ID: &str = "x-wx-id";

/// What the app is told of a login that goes through it.
pub(crate) mod of_login {
    /// The new token.
    pub(crate) const TOKEN: &str = "x-wx-login-token";
    /// For how long it is good if nobody uses it, in seconds.
    pub(crate) const EXPIRES_IN: &str = "x-wx-login-expires-in";
    /// Why there is no login.
    pub(crate) const ERROR: &str = "x-wx-login-error";
    /// Why the open data beside the code was of no use.
    pub(crate) const OPEN_DATA: &str = "x-wx-login-open-data";
    /// Whose code it was, where a code only binds and logs nobody in.
    pub(crate) const BOUND_OPENID: &str = "x-wx-bound-openid";
    pub(crate) const BOUND_UNIONID: &str = "x-wx-bound-unionid";
    pub(crate) const BOUND_APPID: &str = "x-wx-bound-appid";
}

/// By this header of its response an app ends a session.
pub(crate) const SESSION_END: &str = "x-wx-session-end";

/// In this header of its response an app gives a session what it is to remember, and in requests the app gets it back.
pub(crate) const SESSION_ATTRIBUTES: &str = "x-wx-session-attributes";

/// What an observed request would have been refused with.
pub(crate) const WOULD_REFUSE: &str = "x-wx-would-refuse";

/// Where a message of WeChat's comes from, as Cloud Run spells it beside `x-wx-source`.
pub(crate) const PUSH_SOURCES: &str = "x-wx-sources";

/// The release that a client says it is, if the configuration does not list that.
pub(crate) const RELEASE: &str = "x-wx-release";

/// Those of all these names that no configuration gives to anything else.
pub(crate) const FIXED: [&str; 12] = [
    of_login::TOKEN,
    of_login::EXPIRES_IN,
    of_login::ERROR,
    of_login::OPEN_DATA,
    of_login::BOUND_OPENID,
    of_login::BOUND_UNIONID,
    of_login::BOUND_APPID,
    SESSION_END,
    SESSION_ATTRIBUTES,
    WOULD_REFUSE,
    PUSH_SOURCES,
    RELEASE,
];

/// Of a login.
pub(crate) const CODE: &str = "x-wx-code";

/// Headers that carry the parameters of a login, and their names in a body.
pub(crate) const LOGIN_HEADERS: [(&str, &str); 5] = [
    (CODE, "code"),
    ("x-wx-encrypted-data", "encryptedData"),
    ("x-wx-iv", "iv"),
    ("x-wx-rawdata", "rawData"),
    ("x-wx-signature", "signature"),
];

/// For which app a login is, wherever its other parameters stand.
pub(crate) const APP: &str = "x-wx-app";

/// The same of other endpoints.
const OTHER_HEADERS: [(&str, &str); 3] = [
    (APP, "appid"),
    ("x-wx-everywhere", "everywhere"),
    ("x-wx-keep", "keep"),
];

/// Every header that carries a parameter of an endpoint, and its name in a body.
pub(crate) fn parameter_headers() -> impl Iterator<Item = (&'static str, &'static str)> {
    LOGIN_HEADERS.into_iter().chain(OTHER_HEADERS)
}

/// Whether this one of them carries open data.
pub(crate) fn is_open_data(header: &str) -> bool {
    header != CODE && LOGIN_HEADERS.iter().any(|(own, _)| *own == header)
}

/// What follows `x-wx-` in the names that an app may believe, and how those of its kin begin: our defaults, and what
/// WeChat's Cloud Run tells its containers. None of them is one that a client has to send.
/// <https://developers.weixin.qq.com/miniprogram/dev/wxcloudservice/wxcloudrun/src/development/weixin/>
const STANDARD: [&str; 21] = [
    "openid",
    "unionid",
    "appid",
    "source",
    "auth-status",
    "login-",
    "bound-",
    "session-",
    "assertion",
    "skey-expires-in",
    "from-",
    "open-id",
    "union-id",
    "env",
    "service",
    "region",
    "call-id",
    "cloudbase-",
    "container-",
    "would-refuse",
    "release",
];

/// Cloud Run's name for the client's address; and two by which Symfony, Zend and others are led to another path than
/// the one that was judged.
const ELSEWHERE: [&str; 3] = [
    "x-original-forwarded-for",
    "x-original-url",
    "x-rewrite-url",
];

/// The names under which the edge alone may tell an app something: the standard ones, and those that a configuration
/// has beside them. Shared: every request that is let through holds on to them, for its trailers. `None`: the standard
/// ones alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnNames(Option<Rc<[Rc<str>]>>);

impl OwnNames {
    /// `configured` are in lower case.
    pub(crate) fn new(configured: impl IntoIterator<Item = Rc<str>>) -> Self {
        let others = configured
            .into_iter()
            .filter(|name| !is_standard(name.as_bytes()));
        let others: Vec<_> = others.collect();
        Self((!others.is_empty()).then(|| others.into()))
    }

    /// Whether an app could take a header or trailer of this name, in lower case, for a statement of the edge, whatever
    /// the configuration calls ours.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        let others = self.0.as_deref().unwrap_or_default();
        is_standard(name) || others.iter().any(|own| reads_as(name, own))
    }
}

fn is_standard(name: &[u8]) -> bool {
    const FAMILY: &str = "x-wx-";
    // As most headers.
    if name.first() != Some(&b'x') {
        return false;
    }
    if begins_like(name, FAMILY) {
        let rest = name.get(FAMILY.len()..).unwrap_or_default();
        return STANDARD.iter().any(|own| begins_like(rest, own));
    }
    ELSEWHERE.iter().any(|own| reads_as(name, own))
}

/// Whether an app could take a header of this name for a parameter of a login.
pub(crate) fn is_of_login(name: &[u8]) -> bool {
    LOGIN_HEADERS.iter().any(|(own, _)| reads_as(name, own))
}

/// Headers by which a server reads a body, and which it may find in another spelling too: CGI joins both, or takes the
/// last.
const FRAMING: [&str; 4] = [
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
];

/// Whether some server takes `name` for one of [`FRAMING`] that it is not.
pub(crate) fn is_disguised(name: &[u8]) -> bool {
    // As most names.
    if !matches!(name.len(), 12 | 14 | 16 | 17) {
        return false;
    }
    let mut like = FRAMING.iter().filter(|own| reads_as(name, own));
    like.any(|own| own.as_bytes() != name)
}

/// Whether a trailer of this name says how the message before it was to be read, or for whom it was: no trailer may
/// (RFC 9110, 6.5.1), and a server that joins trailers to the headers would believe it.
pub(crate) fn is_no_trailer(name: &[u8]) -> bool {
    reads_as(name, "host") || FRAMING.iter().any(|own| reads_as(name, own))
}

/// Whether a reader may take `name` for `own`, to whom everything but letters and digits is the same: CGI turns all of
/// it into `_`.
pub(crate) fn reads_as(name: &[u8], own: &str) -> bool {
    own.len() == name.len() && begins_like(name, own)
}

/// Whether `name` begins with `prefix` for a reader to whom everything but letters and digits is the same.
fn begins_like(name: &[u8], prefix: &str) -> bool {
    name.len() >= prefix.len()
        && prefix.bytes().zip(name).all(|(own, byte)| {
            own == *byte || (b"-_".contains(&own) && !byte.is_ascii_alphanumeric())
        })
}
