//! The token that a request presents, wherever clients put it. Never picks one of two different tokens: the next reader
//! may pick the other.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use percent_encoding::percent_decode_str;

use crate::config::SessionRules;
use crate::cookie::judge_origin;
use crate::head::{Head, Header};
use crate::header_names::WAFER_ID;
use crate::placeholder::is_placeholder;
use crate::records::token::{TEXT_LENGTH, Token};
use crate::rejection::{Reason, Rejection};

/// Apps have tokens of their own in it.
const AUTHORIZATION: &str = "authorization";

/// Before a token (RFC 6750, 2.1).
const SCHEME: &str = "bearer";

/// What a request shows to prove its session.
#[derive(Clone, Debug)]
pub(crate) enum Presented {
    Nothing,
    Token(Token),
    /// Something that cannot be a token.
    Malformed,
}

/// Where a token may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot<'a> {
    Header(&'a str),
    Cookie(&'a str),
    Query(&'a str),
    Body(&'a str),
}

/// The one token that was found so far, and where; and whether something malformed was found.
#[derive(Default)]
struct Found<'a> {
    token: Option<(Token, Spot<'a>)>,
    malformed: bool,
}

/// Reads the token from the places that the configuration names. Placeholders are ignored, and so is a malformed value
/// beside a well-formed token; two different tokens are refused, within one place and across all.
pub(crate) fn presented(head: &Head, rules: &SessionRules) -> Result<Presented, Rejection> {
    presented_with(head, rules, None)
}

/// As [`presented`], with the texts that stand in the body under one name.
pub(crate) fn presented_with<'a>(
    head: &'a Head,
    rules: &'a SessionRules,
    in_body: Option<(&'a str, &'a [String])>,
) -> Result<Presented, Rejection> {
    let mut found = Found::in_headers(head, rules)?;
    if let Some(cookie) = &rules.cookie {
        let name = &cookie.name;
        for (_, header) in head.pairs().filter(|(own, _)| *own == b"cookie") {
            // Other cookies are the app's, and need not be text.
            for value in cookies(header).filter_map(|cookie| cookie_of(cookie, name)) {
                match core::str::from_utf8(value) {
                    Ok(value) => found.take(value, Spot::Cookie(name))?,
                    Err(_) => found.malformed = true,
                }
            }
        }
    }
    if let Some(name) = &rules.query
        && let Some((_, query)) = head.text(":path").and_then(|path| path.split_once('?'))
    {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        for (_, value) in pairs.filter(|(own, _)| is_name(own, name)) {
            found.take(value, Spot::Query(name))?;
        }
    }
    if let Some((name, texts)) = in_body {
        for text in texts {
            found.take(text, Spot::Body(name))?;
        }
    }
    found.shown(head, rules)
}

/// As [`presented`], but only what stands in headers of the configuration: a link, or a page of another site, cannot put
/// it there.
pub(crate) fn in_headers(head: &Head, rules: &SessionRules) -> Result<Presented, Rejection> {
    Found::in_headers(head, rules)?.shown(head, rules)
}

/// The cookies of one header, as they are written.
pub(crate) fn cookies(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii)
}

/// The value of a cookie, if it goes by this name.
pub(crate) fn cookie_of<'a>(cookie: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let at = cookie.iter().position(|byte| *byte == b'=')?;
    let (own, value) = cookie.split_at_checked(at)?;
    (own.trim_ascii() == name.as_bytes()).then(|| value.get(1..).unwrap_or_default().trim_ascii())
}

/// Whether a client has a cookie of this name with something of a token's form: another may be the app's.
pub(crate) fn sends_cookie(head: &Head, name: &str) -> bool {
    head.pairs()
        .filter(|(own, _)| *own == b"cookie")
        .flat_map(|(_, header)| cookies(header))
        .filter_map(|cookie| cookie_of(cookie, name))
        .any(|value| core::str::from_utf8(value).is_ok_and(|value| token_in(value).is_some()))
}

impl<'a> Found<'a> {
    fn in_headers(head: &'a Head, rules: &'a SessionRules) -> Result<Self, Rejection> {
        let mut found = Found::default();
        let mut takes_authorization = false;
        for name in &rules.headers {
            if **name == *AUTHORIZATION {
                takes_authorization = true;
                continue;
            }
            match head.get(name) {
                Header::Absent => {}
                // Proxies join doubled headers with a comma, which no token has.
                Header::One(text) if !text.contains(',') => {
                    found.take(text, Spot::Header(name))?;
                }
                _ => {
                    if let Some(text) = only(head, name)? {
                        found.take(text, Spot::Header(name))?;
                    }
                }
            }
        }
        if takes_authorization {
            authorization(head, &mut found)?;
        }
        Ok(found)
    }

    /// What comes of it.
    fn shown(self, head: &Head, rules: &SessionRules) -> Result<Presented, Rejection> {
        // What a browser sends by itself proves nothing about who asked for it.
        if let Some((_, Spot::Cookie(_))) = &self.token {
            judge_origin(head, rules)?;
        }
        Ok(match self.token {
            Some((token, _)) if !rules.wafer || names_it(head, &token)? => Presented::Token(token),
            None if !self.malformed => Presented::Nothing,
            _ => Presented::Malformed,
        })
    }

    fn take(&mut self, text: &'a str, spot: Spot<'a>) -> Result<(), Rejection> {
        let Some(token) = token_in(text) else {
            self.malformed |= !is_placeholder(text);
            return Ok(());
        };
        match &self.token {
            None => self.token = Some((token, spot)),
            Some((earlier, _)) if earlier.same(&token) => {}
            Some((_, first)) => return Err(two(*first, spot)),
        }
        Ok(())
    }
}

/// The token in a text: alone or behind `Bearer`, which clients write in headers of their own too and some glue to it;
/// and also if some client has quoted or percent-encoded it all.
pub(crate) fn token_in(text: &str) -> Option<Token> {
    if let Some(token) = plain(text) {
        return Some(token);
    }
    // With every character encoded, a scheme and quotes.
    if text.len() > 4 * TEXT_LENGTH {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    plain(decoded.trim_matches(['"', '\'', ' ']))
}

fn plain(text: &str) -> Option<Token> {
    if text.len() == TEXT_LENGTH {
        return Token::parse(text);
    }
    let (scheme, token) = text.split_at_checked(SCHEME.len())?;
    if scheme.eq_ignore_ascii_case(SCHEME) {
        Token::parse(token.trim())
    } else {
        None
    }
}

/// Says where both stand, so that the client can take one away.
fn two(first: Spot<'_>, second: Spot<'_>) -> Rejection {
    let places = if first == second {
        format!("{first}")
    } else {
        format!("{first} and {second}")
    };
    Reason::InvalidHeader.parameter(&places, "two different session tokens; send one")
}

impl fmt::Display for Spot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => f.write_str(name),
            Self::Cookie(name) => write!(f, "cookie {name}"),
            Self::Query(name) => write!(f, "query {name}"),
            Self::Body(name) => write!(f, "body {name}"),
        }
    }
}

/// The one text in a header that is doubled, or that a proxy joined from doubled ones, if all others are nothing.
fn only<'a>(head: &'a Head, name: &str) -> Result<Option<&'a str>, Rejection> {
    let mut only = None;
    for (_, value) in head.pairs().filter(|(own, _)| *own == name.as_bytes()) {
        let value = core::str::from_utf8(value).map_err(|_| Reason::ambiguous(name))?;
        for text in value.split(',').filter(|text| !is_placeholder(text)) {
            if only.replace(text.trim()).is_some() {
                return Err(Reason::ambiguous(name));
            }
        }
    }
    Ok(only)
}

/// Takes our token from `Authorization`; anything else there is the app's, and ignored. If several values say
/// something, and they stand in doubled headers or one is our token, nobody can tell which the app reads: then the
/// request is refused, unless another header has the token.
fn authorization<'a>(head: &'a Head, found: &mut Found<'a>) -> Result<(), Rejection> {
    let spot = Spot::Header(AUTHORIZATION);
    let is_doubled = match head.get(AUTHORIZATION) {
        Header::Absent => return Ok(()),
        Header::One(text) if !text.contains(',') => {
            let text = text.trim();
            return token_in(text).map_or(Ok(()), |_| found.take(text, spot));
        }
        Header::One(_) => false,
        Header::Ambiguous => true,
    };
    let mut texts = Vec::new();
    let own = |(name, _): &(&[u8], &[u8])| *name == AUTHORIZATION.as_bytes();
    for (_, value) in head.pairs().filter(own) {
        match core::str::from_utf8(value) {
            Ok(value) => texts.extend(value.split(',').map(str::trim)),
            Err(_) if found.token.is_none() => return Err(Reason::ambiguous(AUTHORIZATION)),
            Err(_) => {}
        }
    }
    texts.retain(|text| !is_placeholder(text));
    let is_token = |text: &&str| token_in(text).is_some();
    let is_clear = match (
        texts.len(),
        texts.iter().filter(|text| is_token(text)).count(),
    ) {
        (0, _) | (1, 1) => true,
        (_, tokens) => tokens == 0 && !is_doubled,
    };
    if !is_clear && found.token.is_none() {
        return Err(Reason::ambiguous(AUTHORIZATION));
    }
    for text in texts.into_iter().filter(is_token) {
        found.take(text, spot)?;
    }
    Ok(())
}

/// Whether the session that a request names, if it names one, is that of its token. The token alone proves the session
/// and the name is no secret; but a request that says two things about whose it is is refused, as Wafer's own server
/// refused it: its client then logs in again.
fn names_it(head: &Head, token: &Token) -> Result<bool, Rejection> {
    match head.get(WAFER_ID) {
        Header::Absent => Ok(true),
        Header::One(name) => Ok(is_placeholder(name) || name == token.id().short()),
        Header::Ambiguous => Err(Reason::ambiguous(WAFER_ID)),
    }
}

/// Whether a parameter of a query goes by this name, which is plain ASCII.
pub(crate) fn is_name(written: &str, name: &str) -> bool {
    written == name
        || (written.contains('%') && percent_decode_str(written).decode_utf8_lossy() == name)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::CookieRules;
    use crate::testing::test;
    use alloc::format;
    use alloc::string::String;
    use core::time::Duration;

    pub(crate) fn rules() -> SessionRules {
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
            cookie: Some(CookieRules {
                name: "wx".into(),
                attributes: String::new(),
                cleared: "wx=; Max-Age=0".into(),
                origins: None,
            }),
            query: Some("wx".into()),
            forward_token: false,
            wafer: false,
            login_on_the_way: None,
        }
    }

    pub(crate) fn head(pairs: &[(&str, &str)]) -> Head {
        Head::from_pairs(pairs.iter().copied())
    }

    pub(crate) fn token() -> String {
        Token([1; 32]).text()
    }

    #[test]
    fn a_token_is_found_in_every_configured_place() {
        let token = token();
        for place in [
            ("x-wx-skey", token.clone()),
            ("x-3rd-session", token.clone()),
            ("authorization", format!("bearer {token}")),
            ("authorization", token.clone()),
            ("authorization", format!("bearer{token}")),
            ("authorization", format!("Bearer%20{token}")),
            ("x-3rd-session", format!("Bearer {token}")),
            ("x-3rd-session", format!("BEARER  {token}")),
            ("x-3rd-session", format!("\"bearer{token}\"")),
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
    fn beside_a_token_nothing_is_ignored_and_anything_else_in_authorization_is_not() {
        let good = format!("Bearer {}", token());
        let nothing = "Bearer undefined";
        let shown = |values: &[&str]| {
            let head = Head::from_pairs(values.iter().map(|value| ("authorization", value)));
            match presented(&head, &rules()) {
                Ok(Presented::Token(_)) => "token",
                Ok(Presented::Nothing) => "nothing",
                Ok(Presented::Malformed) => "malformed",
                Err(_) => "refused",
            }
        };
        for (values, expected, joined) in [
            ([nothing, &*good], "token", "token"),
            ([&*good, "null"], "token", "token"),
            ([nothing, ""], "nothing", "nothing"),
            ([&*good, "Basic abc"], "refused", "refused"),
            ([&*good, &*good], "refused", "refused"),
            // The app's own may have commas in it.
            ([nothing, "Basic abc"], "refused", "nothing"),
        ] {
            assert_eq!(shown(&values), expected, "{values:?}");
            assert_eq!(shown(&[&values.join(", ")]), joined, "{values:?}");
        }
        let unreadable = [
            ("authorization", good.as_bytes()),
            ("authorization", b"\xff"),
        ];
        assert!(presented(&Head::from_pairs(unreadable), &rules()).is_err());
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
}
