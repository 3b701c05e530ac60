//! The token that a request presents, and the headers that must not reach the app as the client sent them.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::{Config, SessionRules};
use crate::host::{Head, Header};
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;
use crate::session::token::Token;

/// What a request shows to prove its session.
#[derive(Debug)]
pub(crate) enum Presented {
    Nothing,
    Token(Token),
    /// Something that cannot be a token.
    Malformed,
}

/// Reads the token from the places that the configuration names. Two different ones are refused: whoever picks one
/// of them may pick another than the next reader.
pub(crate) fn presented(head: &Head, rules: &SessionRules) -> Result<Presented, Rejection> {
    let mut found = None;
    let mut takes_authorization = false;
    for name in &rules.headers {
        match (&**name, head.get(name)) {
            // Mini programs send an empty header where they have no token yet.
            (_, Header::Absent | Header::One("")) => {}
            ("authorization", _) => takes_authorization = true,
            // Proxies join doubled headers with a comma, which no token has.
            (_, Header::One(token)) if !token.contains(',') => agree(&mut found, token)?,
            _ => return Err(ambiguous(name)),
        }
    }
    // Where a header of our own is present, Authorization belongs to the app.
    if takes_authorization && found.is_none() {
        match head.get("authorization") {
            Header::One(value) if bearer(value).is_some_and(|token| token.contains(',')) => {
                return Err(ambiguous("authorization"));
            }
            // What is no token of ours in it is one of the app's.
            Header::One(value) => found = bearer(value).filter(|text| Token::parse(text).is_some()),
            _ => return Err(ambiguous("authorization")),
        }
    }
    if let Some(name) = &rules.cookie {
        match head.get("cookie") {
            Header::Absent => {}
            Header::Ambiguous => return Err(ambiguous("cookie")),
            Header::One(header) => {
                if let Some((_, value)) = cookies(header).find(|(own, _)| own == name) {
                    agree(&mut found, value)?;
                }
            }
        }
    }
    if let Some(name) = &rules.query
        && let Some((_, query)) = head.text(":path").and_then(|path| path.split_once('?'))
        && let Some((_, value)) = pairs(query).find(|(own, _)| own == name)
    {
        agree(&mut found, value)?;
    }
    Ok(match found {
        None => Presented::Nothing,
        Some(text) => match Token::parse(text) {
            Some(token) if !rules.wafer || is_named(head, &token)? => Presented::Token(token),
            _ => Presented::Malformed,
        },
    })
}

fn agree<'a>(found: &mut Option<&'a str>, token: &'a str) -> Result<(), Rejection> {
    if found.is_some_and(|earlier| earlier != token) {
        return Err(Reason::InvalidHeader.with("the request carries two different session tokens"));
    }
    *found = Some(token);
    Ok(())
}

/// Wafer 1's clients name the session beside the token that proves it.
pub(crate) const WAFER_ID: &str = "x-wx-id";

/// Whether the session that a request names, if it names one, is that of its token. The token alone proves the session
/// and the name is no secret; but a request that says two things about whose it is is refused, as Wafer's own server
/// refused it: its client then logs in again.
fn is_named(head: &Head, token: &Token) -> Result<bool, Rejection> {
    match head.get(WAFER_ID) {
        Header::Absent | Header::One("") => Ok(true),
        Header::One(name) => Ok(name == token.id().short()),
        Header::Ambiguous => Err(ambiguous(WAFER_ID)),
    }
}

fn ambiguous(name: &str) -> Rejection {
    Reason::InvalidHeader.parameter(name, "must occur once and be ASCII")
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn cookies(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

/// What is taken off every request that goes to the app: identity headers in every spelling that an app server may
/// read as the same name (CGI turns everything but letters and digits into `_`), the token, and what a login on the
/// way may take.
pub(crate) fn strip(head: &Head, config: &Config) -> Changes {
    let mut changes = Changes::default();
    let rules = &config.session;
    for (name, value) in head.pairs() {
        if let Some(own) = rules.headers.iter().find(|own| own.as_bytes() == name) {
            // Of doubled ones (of Authorization), nobody can tell which the app reads.
            let is_ours = || carries_token(own, value) || head.get(own) == Header::Ambiguous;
            if !rules.forward_token && is_ours() {
                remove(&mut changes, own);
            }
        } else if (is_identity(name, config) || carries_login(name, rules))
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

/// Whether an app could take a header or trailer of this name for a statement of ours.
pub(crate) fn is_identity(name: &[u8], config: &Config) -> bool {
    let identity = &config.identity;
    let assertion = config.assertion.as_ref().map(|rules| &rules.header);
    [
        &identity.openid,
        &identity.unionid,
        &identity.appid,
        &identity.source,
        &identity.auth_status,
        &identity.login_event,
    ]
    .into_iter()
    .chain(assertion)
    .any(|own| own.len() == name.len() && begins_like(name, own))
        || CLOUD_RUN.iter().any(|prefix| begins_like(name, prefix))
        || (config.session.wafer && name.len() == WAFER_ID.len() && begins_like(name, WAFER_ID))
}

/// WeChat Cloud Run has more headers that a backend written for it trusts.
const CLOUD_RUN: [&str; 2] = ["x-wx-from-", "x-wx-env"];

/// Whether `name` begins with `prefix` for a reader to whom everything but letters and digits is the same.
fn begins_like(name: &[u8], prefix: &str) -> bool {
    name.len() >= prefix.len()
        && prefix
            .bytes()
            .zip(name)
            .all(|(own, byte)| own == *byte || (own == b'-' && !byte.is_ascii_alphanumeric()))
}

/// The app's own Authorization goes on; a token of ours in it does not.
fn carries_token(name: &str, value: &[u8]) -> bool {
    name != "authorization"
        || core::str::from_utf8(value).map_or(true, |value| {
            // Proxies join doubled headers with a comma.
            let mut tokens = value.split(',').filter_map(|part| bearer(part.trim()));
            tokens.any(|token| Token::parse(token).is_some())
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
    rules.piggyback.is_some()
        && LOGIN_HEADERS
            .iter()
            .any(|(own, _)| own.len() == name.len() && begins_like(name, own))
}

fn remove(changes: &mut Changes, name: &Rc<str>) {
    if !changes.remove.contains(name) {
        changes.remove.push(Rc::clone(name));
    }
}

fn strip_cookie_and_query(head: &Head, rules: &SessionRules, changes: &mut Changes) {
    if rules.cookie.is_some() && head.get("cookie") == Header::Ambiguous {
        // Nobody can tell which of them holds the token.
        remove(changes, &"cookie".into());
    }
    if let (Some(name), Some(header)) = (&rules.cookie, head.text("cookie")) {
        let is_ours = |cookie: &&str| {
            cookie
                .trim()
                .split_once('=')
                .is_some_and(|(n, _)| n == name)
        };
        if header.split(';').any(|cookie| is_ours(&cookie)) {
            let rest: Vec<&str> = header.split(';').filter(|c| !is_ours(c)).collect();
            changes
                .set
                .push(("cookie".into(), rest.join(";").trim_start().into()));
        }
    }
    if let (Some(name), Some((path, query))) = (
        &rules.query,
        head.text(":path").and_then(|path| path.split_once('?')),
    ) {
        let is_ours = |pair: &&str| pair.split('=').next() == Some(name);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;
    use core::time::Duration;

    fn rules() -> SessionRules {
        SessionRules {
            idle: Duration::ZERO,
            absolute: Duration::ZERO,
            cache: Duration::ZERO,
            stale: Duration::ZERO,
            user_lifetime: Duration::ZERO,
            max_per_user: 1,
            headers: ["x-wx-skey", "x-3rd-session", "authorization"]
                .map(Into::into)
                .into(),
            cookie: Some("wx".into()),
            query: Some("wx".into()),
            forward_token: false,
            wafer: false,
            piggyback: None,
        }
    }

    fn head(pairs: &[(&str, &str)]) -> Head {
        Head::from_pairs(pairs.iter().copied())
    }

    fn token() -> String {
        Token([1; 32]).text()
    }

    #[test]
    fn a_token_is_found_in_every_configured_place() {
        let token = token();
        for place in [
            ("x-wx-skey", token.clone()),
            ("x-3rd-session", token.clone()),
            ("authorization", format!("bearer {token}")),
            ("cookie", format!("a=b; wx={token}")),
            (":path", format!("/a?b=c&wx={token}")),
        ] {
            let found = presented(&head(&[(place.0, &place.1)]), &rules()).unwrap();
            assert!(matches!(found, Presented::Token(_)), "{place:?}");
        }
    }

    #[test]
    fn an_empty_header_is_no_token_and_another_scheme_is_the_apps() {
        for pairs in [
            &[("x-wx-skey", "")][..],
            &[("authorization", "Basic abc")],
            &[],
        ] {
            let found = presented(&head(pairs), &rules()).unwrap();
            assert!(matches!(found, Presented::Nothing), "{pairs:?}");
        }
    }

    #[test]
    fn doubled_unreadable_or_contradicting_tokens_are_refused() {
        let (one, other) = (token(), Token([2; 32]).text());
        for pairs in [
            &[("x-wx-skey", &*one), ("x-wx-skey", &*one)][..],
            &[("x-wx-skey", &*one), ("x-3rd-session", &*other)],
        ] {
            assert!(presented(&head(pairs), &rules()).is_err(), "{pairs:?}");
        }
        let unreadable = Head::from_pairs([("x-wx-skey", [0xff])]);
        assert!(presented(&unreadable, &rules()).is_err());
    }

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
