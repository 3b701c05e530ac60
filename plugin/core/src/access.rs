//! The token that a request presents, and the headers that must not reach the app as the client sent them.

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
    let mut found: Option<&str> = None;
    for candidate in candidates(head, rules) {
        let candidate = candidate?;
        if found.is_some_and(|earlier| earlier != candidate) {
            return Err(
                Reason::InvalidHeader.with("the request carries two different session tokens")
            );
        }
        found = Some(candidate);
    }
    Ok(match found {
        None => Presented::Nothing,
        Some(text) => match Token::parse(text) {
            Some(token) if !rules.wafer || is_named(head, &token)? => Presented::Token(token),
            _ => Presented::Malformed,
        },
    })
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

fn candidates<'a>(
    head: &'a Head,
    rules: &'a SessionRules,
) -> impl Iterator<Item = Result<&'a str, Rejection>> {
    let own_header = rules.headers.iter().any(|name| {
        name != "authorization" && !matches!(head.get(name), Header::Absent | Header::One(""))
    });
    // Where a header of our own is present, Authorization belongs to the app.
    let ours = move |name: &&String| !(own_header && *name == "authorization");
    let headers = rules.headers.iter().filter(ours).filter_map(move |name| {
        let token = match head.get(name) {
            // Mini programs send an empty header where they have no token yet.
            Header::Absent | Header::One("") => return None,
            Header::Ambiguous => return Some(Err(ambiguous(name))),
            Header::One(value) if name == "authorization" => bearer(value)?,
            Header::One(value) => value,
        };
        // Proxies join doubled headers with a comma, which no token has.
        if token.contains(',') {
            return Some(Err(ambiguous(name)));
        }
        // What is no token of ours in Authorization is one of the app's.
        let is_foreign = name == "authorization" && Token::parse(token).is_none();
        (!is_foreign).then_some(Ok(token))
    });
    let cookie = rules.cookie.as_deref().and_then(move |name| {
        let header = match head.get("cookie") {
            Header::Absent => return None,
            Header::Ambiguous => return Some(Err(ambiguous("cookie"))),
            Header::One(header) => header,
        };
        let (_, value) = cookies(header).find(|(own, _)| *own == name)?;
        Some(Ok(value))
    });
    let query = rules.query.as_deref().and_then(move |name| {
        let (_, query) = head.text(":path")?.split_once('?')?;
        let (_, value) = pairs(query).find(|(own, _)| *own == name)?;
        Some(Ok(value))
    });
    headers.chain(cookie).chain(query)
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
    for name in head.names() {
        if is_identity(name, config)
            || carries_token(head, name, &config.session)
            || carries_login(name, &config.session)
        {
            push_once(&mut changes.remove, name);
        }
    }
    if !config.session.forward_token {
        strip_cookie_and_query(head, &config.session, &mut changes);
    }
    changes
}

/// Whether an app could take a header or trailer of this name for a statement of ours.
pub(crate) fn is_identity(name: &str, config: &Config) -> bool {
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
fn begins_like(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len()
        && prefix
            .bytes()
            .zip(name.bytes())
            .all(|(own, byte)| own == byte || (own == b'-' && !byte.is_ascii_alphanumeric()))
}

fn carries_token(head: &Head, name: &str, rules: &SessionRules) -> bool {
    if rules.forward_token || !rules.headers.iter().any(|own| own == name) {
        return false;
    }
    // The app's own Authorization goes on; a token of ours in it does not.
    name != "authorization"
        || match head.get(name) {
            Header::One(value) => bearer(value).is_some_and(|token| Token::parse(token).is_some()),
            _ => true,
        }
}

/// Headers that carry the parameters of a login, and their names in a body.
pub(crate) const LOGIN_HEADERS: [(&str, &str); 5] = [
    ("x-wx-code", "code"),
    ("x-wx-encrypted-data", "encryptedData"),
    ("x-wx-iv", "iv"),
    ("x-wx-rawdata", "rawData"),
    ("x-wx-signature", "signature"),
];

fn carries_login(name: &str, rules: &SessionRules) -> bool {
    rules.piggyback.is_some()
        && LOGIN_HEADERS
            .iter()
            .any(|(own, _)| own.len() == name.len() && begins_like(name, own))
}

fn push_once(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|own| own == name) {
        names.push(name.into());
    }
}

fn strip_cookie_and_query(head: &Head, rules: &SessionRules, changes: &mut Changes) {
    if rules.cookie.is_some() && head.get("cookie") == Header::Ambiguous {
        // Nobody can tell which of them holds the token.
        push_once(&mut changes.remove, "cookie");
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
    use alloc::rc::Rc;
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
        Head(
            pairs
                .iter()
                .map(|(n, v)| ((*n).into(), v.as_bytes().to_vec()))
                .collect(),
        )
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
        let unreadable = Head([("x-wx-skey".into(), [0xff].into())].into());
        assert!(presented(&unreadable, &rules()).is_err());
    }

    #[test]
    fn cookie_and_query_lose_only_the_token() {
        let mut changes = Changes::default();
        let sent = head(&[("cookie", "a=1; wx=t; b=2"), (":path", "/p?x=1&wx=t&y=2")]);
        strip_cookie_and_query(&sent, &rules(), &mut changes);
        let set = |name: &str, value: &str| (Rc::from(name), Rc::from(value));
        assert_eq!(
            changes.set,
            [set("cookie", "a=1; b=2"), set(":path", "/p?x=1&y=2")]
        );
    }
}
