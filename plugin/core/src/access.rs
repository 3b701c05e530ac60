//! The headers that must not reach the app as the client sent them: what only the edge may say, the token, and what a
//! login on the way takes. Never looks at what the token is worth.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::{Config, SessionRules};
use crate::host::{Head, Header};
use crate::presented::{WAFER_ID, bearer, cookie_of, cookies, is_name, is_nothing};
use crate::reply::Changes;
use crate::session::token::Token;

/// What is taken off every request that goes to the app: what only the edge may say, the token, and what a login on the
/// way may take. In every spelling that an app server may read as the same name: CGI turns everything but letters and
/// digits into `_`.
pub(crate) fn strip(head: &Head, config: &Config) -> Changes {
    let mut changes = Changes::default();
    let rules = &config.session;
    for (name, value) in head.pairs() {
        if let Some(own) = rules.headers.iter().find(|own| reads_as(name, own)) {
            // Of doubled ones (of Authorization), nobody can tell which the app reads.
            let is_ours = || carries_token(own, value) || head.get(own) == Header::Ambiguous;
            if rules.forward_token || !is_ours() {
                continue;
            }
            if own.as_bytes() == name {
                remove(&mut changes, own);
            } else if let Ok(name) = core::str::from_utf8(name) {
                remove(&mut changes, &name.into());
            }
        } else if (is_identity(name, config) || carries_login(name, rules) || is_disguised(name))
            && let Ok(name) = core::str::from_utf8(name)
        {
            remove(&mut changes, &name.into());
        }
    }
    if !rules.forward_token {
        strip_cookie_and_query(head, rules, &mut changes);
    }
    changes
}

/// What an access log is to see of a request that is answered here. Log and app read the same headers.
pub(crate) fn noted(
    head: &Head,
    config: &Config,
    openid: Option<&Rc<str>>,
    auth_status: &str,
) -> Changes {
    let identity = &config.identity;
    let openid = openid.map(|openid| (&identity.openid, Rc::clone(openid)));
    let set = openid
        .into_iter()
        .chain([(&identity.auth_status, auth_status.into())]);
    let mut changes = Changes {
        set: set.map(|(name, value)| (Rc::clone(name), value)).collect(),
        ..Changes::default()
    };
    for name in claims(head, config) {
        remove(&mut changes, &name.into());
    }
    changes.drop_needless();
    changes
}

/// The names of the headers in which a client states an identity itself.
pub(crate) fn claims<'a>(head: &'a Head, config: &'a Config) -> impl Iterator<Item = &'a str> {
    head.names()
        .filter(|name| is_identity(name.as_bytes(), config))
}

/// Whether an app could take a header or trailer of this name for a statement of the edge, whatever the configuration
/// calls ours.
pub(crate) fn is_identity(name: &[u8], config: &Config) -> bool {
    is_standard(name) || config.also_ours.iter().any(|own| reads_as(name, own))
}

/// The names of `config` under which an app is told something, beside the standard ones.
pub(crate) fn also_ours(config: &Config) -> Vec<Rc<str>> {
    let identity = &config.identity;
    let session = &config.session;
    let piggyback = session.piggyback.as_ref();
    // What a client presents its token in is no statement, and is taken off as its token.
    let token = piggyback
        .map(|names| &names.token)
        .filter(|name| !session.headers.contains(name));
    let names = [
        &identity.openid,
        &identity.unionid,
        &identity.appid,
        &identity.source,
        &identity.auth_status,
        &identity.login_event,
    ];
    let mut names: Vec<_> = names
        .into_iter()
        .chain(config.assertion.as_ref().map(|rules| &rules.header))
        .chain(piggyback.map(|names| &names.expires_in))
        .chain(token)
        .map(Rc::clone)
        .collect();
    if session.wafer {
        names.push(WAFER_ID.into());
    }
    names.retain(|name| !is_standard(name.as_bytes()));
    names
}

fn is_standard(name: &[u8]) -> bool {
    const FAMILY: &str = "x-wx-";
    if begins_like(name, FAMILY) {
        let rest = name.get(FAMILY.len()..).unwrap_or_default();
        return STANDARD.iter().any(|own| begins_like(rest, own));
    }
    ELSEWHERE.iter().any(|own| reads_as(name, own))
}

/// What follows `x-wx-` in the names that an app may believe, and how those of its kin begin: our defaults, and what
/// WeChat's Cloud Run tells its containers. None of them is one that a client has to send.
/// <https://developers.weixin.qq.com/miniprogram/dev/wxcloudservice/wxcloudrun/src/development/weixin/>
const STANDARD: [&str; 17] = [
    "openid",
    "unionid",
    "appid",
    "source",
    "auth-status",
    "login-event",
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
];

/// Cloud Run's name for the client's address; and two by which Symfony, Zend and others are led to another path than
/// the one that was judged.
const ELSEWHERE: [&str; 3] = [
    "x-original-forwarded-for",
    "x-original-url",
    "x-rewrite-url",
];

/// What a server reads a body by, and that it may find in another spelling too: CGI joins both, or takes the last.
const FRAMING: [&str; 4] = [
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
];

/// Whether some server takes `name` for one of [`FRAMING`] that it is not.
fn is_disguised(name: &[u8]) -> bool {
    let same_length = |own: &&&str| own.len() == name.len();
    let mut like = FRAMING.iter().filter(same_length);
    like.any(|own| own.as_bytes() != name && begins_like(name, own))
}

/// Whether a reader may take `name` for `own`, to whom everything but letters and digits is the same.
fn reads_as(name: &[u8], own: &str) -> bool {
    own.len() == name.len() && begins_like(name, own)
}

/// Whether `name` begins with `prefix` for a reader to whom everything but letters and digits is the same.
fn begins_like(name: &[u8], prefix: &str) -> bool {
    name.len() >= prefix.len()
        && prefix
            .bytes()
            .zip(name)
            .all(|(own, byte)| own == *byte || (own == b'-' && !byte.is_ascii_alphanumeric()))
}

/// The app's own Authorization goes on; a token of ours in it does not, nor what a client made of none.
fn carries_token(name: &str, value: &[u8]) -> bool {
    name != "authorization"
        || core::str::from_utf8(value).map_or(true, |value| {
            // Proxies join doubled headers with a comma.
            let mut tokens = value.split(',').filter_map(|part| bearer(part.trim()));
            is_nothing(value) || tokens.any(|token| Token::parse(token).is_some())
        })
}

/// Headers that carry the parameters of a login, and their names in a body.
pub(crate) const LOGIN_HEADERS: [(&str, &str); 5] = [
    ("x-wx-code", "code"),
    ("x-wx-encrypted-data", "encryptedData"),
    ("x-wx-iv", "iv"),
    ("x-wx-rawdata", "rawData"),
    ("x-wx-signature", "signature"),
];

pub(crate) fn carries_login(name: &[u8], rules: &SessionRules) -> bool {
    rules.piggyback.is_some() && LOGIN_HEADERS.iter().any(|(own, _)| reads_as(name, own))
}

fn remove(changes: &mut Changes, name: &Rc<str>) {
    if !changes.remove.contains(name) {
        changes.remove.push(Rc::clone(name));
    }
}

fn strip_cookie_and_query(head: &Head, rules: &SessionRules, changes: &mut Changes) {
    if let Some(name) = &rules.cookie {
        strip_cookie(head, name, changes);
    }
    if let (Some(name), Some((path, query))) = (
        &rules.query,
        head.text(":path").and_then(|path| path.split_once('?')),
    ) {
        let is_ours = |pair: &&str| is_name(pair.split('=').next().unwrap_or_default(), name);
        if query.split('&').any(|pair| is_ours(&pair)) {
            let rest: Vec<&str> = query.split('&').filter(|pair| !is_ours(pair)).collect();
            let mut target = String::from(path);
            if !rest.is_empty() {
                target.push('?');
                target.push_str(&rest.join("&"));
            }
            changes.set.push((":path".into(), target.into()));
        }
    }
}

/// What is left of all cookies goes on in one header; of those that are no text, beside one of ours, nothing.
fn strip_cookie(head: &Head, name: &str, changes: &mut Changes) {
    let headers = || head.pairs().filter(|(own, _)| *own == b"cookie");
    let is_ours = |cookie: &&[u8]| *cookie == name.as_bytes() || cookie_of(cookie, name).is_some();
    let all = || headers().flat_map(|(_, header)| cookies(header));
    if all().any(|cookie| is_ours(&cookie)) {
        let rest: Vec<&str> = all()
            .filter(|cookie| !is_ours(cookie) && !cookie.is_empty())
            .filter_map(|cookie| core::str::from_utf8(cookie).ok())
            .collect();
        if rest.is_empty() {
            remove(changes, &"cookie".into());
        } else {
            changes.set.push(("cookie".into(), rest.join("; ").into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presented::tests::{head, rules, token};
    use crate::testing::test;
    use alloc::format;

    #[test]
    fn of_doubled_authorization_headers_nobody_gets_any() {
        let config = crate::config::tests::minimal();
        let removed = |values: &[&str]| {
            let pairs = values.iter().map(|value| ("authorization", *value));
            !strip(&Head::from_pairs(pairs), &config).remove.is_empty()
        };
        assert!(!removed(&["Basic a"]), "it is the app's");
        assert!(removed(&["Basic a", "Digest b"]));
        let ours = format!("Bearer {}", token());
        assert!(removed(&[&ours]));
        assert!(removed(&[&format!("Basic a, {ours}")]), "joined by a proxy");
    }

    #[test]
    fn cookie_and_query_lose_only_the_token() {
        let mut changes = Changes::default();
        let sent = head(&[("cookie", "a=1; wx=t; b=2"), (":path", "/p?x=1&wx=t&y=2")]);
        strip_cookie_and_query(&sent, &rules(), &mut changes);
        let set = |name: &str, value: &str| (Rc::from(name), Rc::from(value));
        assert_eq!(
            changes.set.as_slice(),
            [set("cookie", "a=1; b=2"), set(":path", "/p?x=1&y=2")]
        );
    }
}
