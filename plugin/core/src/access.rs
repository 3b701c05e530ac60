//! The headers that must not reach the app as the client sent them: what only the edge may say, the token, and what a
//! login on the way takes. Never looks at what the token is worth.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::{Config, SessionRules};
use crate::head::{Head, Header};
use crate::header_names::{is_disguised, is_of_login, reads_as};
use crate::placeholder::is_placeholder;
use crate::presented::{cookie_of, cookies, is_name, token_in};
use crate::records::token::holds_minted;
use crate::reply::Changes;
use crate::seal::MasterKeys;

/// What is taken off every request that goes to the app: what only the edge may say, the token, and what a login on the
/// way may take. In every spelling that an app server may read as the same name: CGI turns everything but letters and
/// digits into `_`. Of an `observed` request nothing is taken for a token but what has the form of one: the app has
/// tokens of its own in the same places.
pub(crate) fn strip(head: &Head, config: &Config, keys: &MasterKeys, observed: bool) -> Changes {
    let mut changes = Changes {
        trailers: config.trailers.clone(),
        // The app's words about sessions are for nobody else: they are taken off the response even if there is no
        // session.
        response: config.hears.any().then(Box::default),
        ..Changes::default()
    };
    let rules = &config.session;
    for (name, value) in head.pairs() {
        if let Some(own) = rules.headers.iter().find(|own| reads_as(name, own)) {
            let is_ours = || {
                if observed {
                    holds_token(value, keys)
                } else {
                    // Of doubled ones (of Authorization), nobody can tell which the app reads.
                    carries_token(own, value, keys) || head.get(own) == Header::Ambiguous
                }
            };
            if rules.forward_token || !is_ours() {
                continue;
            }
            if own.as_bytes() == name {
                remove(&mut changes, own);
            } else if let Ok(name) = core::str::from_utf8(name) {
                remove(&mut changes, &name.into());
            }
        } else if (config.own_names.has(name) || carries_login(name, rules) || is_disguised(name))
            && let Ok(name) = core::str::from_utf8(name)
        {
            remove(&mut changes, &name.into());
        }
    }
    if !rules.forward_token {
        let goes = |value: &[u8]| !observed || holds_token(value, keys);
        strip_cookie_and_query(head, rules, goes, &mut changes);
    }
    changes
}

/// Header changes of a request that is answered here, so that the access log shows our openid and not what the client
/// claimed. Most need none.
pub(crate) fn noted(head: &Head, config: &Config, openid: Option<&Rc<str>>) -> Changes {
    let openid = openid.map(|openid| (Rc::clone(&config.identity.openid), Rc::clone(openid)));
    let mut changes = Changes {
        set: openid.into_iter().collect(),
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
        .filter(|name| config.own_names.has(name.as_bytes()))
}

/// Whether this value is a session token to be taken off. The app's own `Authorization` stays; one with our token, or a
/// placeholder such as `Bearer undefined`, goes, and so does one that is not text.
fn carries_token(name: &str, value: &[u8], keys: &MasterKeys) -> bool {
    name != "authorization"
        || core::str::from_utf8(value).map_or(true, is_placeholder)
        || holds_token(value, keys)
}

/// Whether a value, or a part of it, has the form of a token; or holds one that was minted here, wrapped in what the gate
/// does not read.
fn holds_token(value: &[u8], keys: &MasterKeys) -> bool {
    // Proxies join doubled headers with a comma.
    let is_token = |part: &str| token_in(part.trim()).is_some();
    let text = String::from_utf8_lossy(value);
    text.split(',').any(is_token) || holds_minted(&text, keys)
}

fn carries_login(name: &[u8], rules: &SessionRules) -> bool {
    rules.login_on_the_way.is_some() && is_of_login(name)
}

fn remove(changes: &mut Changes, name: &Rc<str>) {
    if !changes.remove.contains(name) {
        changes.remove.push(Rc::clone(name));
    }
}

fn strip_cookie_and_query(
    head: &Head,
    rules: &SessionRules,
    goes: impl Fn(&[u8]) -> bool + Copy,
    changes: &mut Changes,
) {
    if let Some(cookie) = &rules.cookie {
        strip_cookie(head, &cookie.name, goes, changes);
    }
    if let Some(name) = &rules.query
        && let Some(target) = head.text(":path")
        && let Some((_, query)) = target.split_once('?')
    {
        let is_ours = |pair: &str| is_parameter(pair, name, goes);
        if query.split('&').any(is_ours) {
            let target = without_pairs(target, is_ours);
            changes.set.push((":path".into(), target.into()));
        }
    }
}

/// A target without a parameter of its query.
pub(crate) fn without_parameter(target: &str, name: &str) -> String {
    without_pairs(target, |pair| is_parameter(pair, name, |_| true))
}

fn is_parameter(pair: &str, name: &str, goes: impl Fn(&[u8]) -> bool) -> bool {
    let (own, value) = pair.split_once('=').unwrap_or((pair, ""));
    is_name(own, name) && goes(value.as_bytes())
}

fn without_pairs(target: &str, goes: impl Fn(&str) -> bool) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let rest: Vec<&str> = query.split('&').filter(|pair| !goes(pair)).collect();
    let mut target = String::from(path);
    if !(rest.is_empty() || rest == [""]) {
        target.push('?');
        target.push_str(&rest.join("&"));
    }
    target
}

/// Takes off our cookie, if it is there. All other cookies then go on in one header, without those that are not text.
fn strip_cookie(head: &Head, name: &str, goes: impl Fn(&[u8]) -> bool, changes: &mut Changes) {
    let headers = || head.pairs().filter(|(own, _)| *own == b"cookie");
    let is_ours = |cookie: &&[u8]| {
        let value = cookie_of(cookie, name);
        (*cookie == name.as_bytes())
            .then_some(&b""[..])
            .or(value)
            .is_some_and(&goes)
    };
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
    use crate::fake_host::FakeHost;
    use crate::presented::tests::{head, rules, token};
    use crate::records::token::Token;
    use crate::testing::test;
    use alloc::format;

    fn keys() -> MasterKeys {
        MasterKeys::new(["a master key of thirty-two bytes and more"])
    }

    #[test]
    fn a_token_that_was_minted_here_goes_however_it_is_wrapped() {
        let config = crate::config::tests::minimal();
        let removed = |value: &str| {
            let sent = head(&[("authorization", value)]);
            !strip(&sent, &config, &keys(), false).remove.is_empty()
        };
        let host = FakeHost::at(1_700_000_000_000);
        let minted = Token::mint(&host, &keys()).unwrap().text();
        let of_others = token();
        for around in [
            "Bearer Bearer T",
            "Bearer \"T\"",
            "Token T",
            "Basic T",
            "T=",
            "AT",
            "Bearer TA",
            "Token _T_",
            "Bearer T.undefined",
            "s:T.signature",
            "Bearer undefinedT",
            "T U",
            "Bearer token=T; a=b",
        ] {
            assert!(removed(&around.replace('T', &minted)), "{around}");
            assert!(!removed(&around.replace('T', &of_others)), "{around}");
        }
        // Of an app that gives tickets of kilobytes (Kerberos), of which many parts could be tokens.
        let ticket = [&*of_others, "/"].concat().repeat(100);
        assert!(!removed(&format!("Negotiate {ticket}")));
        // As long as the signature of a JWT by HS256, of which nobody has to look at the mark.
        assert!(!removed(&format!("Bearer a.b.{minted}")));
    }

    #[test]
    fn of_doubled_authorization_headers_nobody_gets_any() {
        let config = crate::config::tests::minimal();
        let removed = |values: &[&str]| {
            let pairs = values.iter().map(|value| ("authorization", *value));
            !strip(&Head::from_pairs(pairs), &config, &keys(), false)
                .remove
                .is_empty()
        };
        assert!(!removed(&["Basic a"]), "it is the app's");
        assert!(removed(&["Basic a", "Digest b"]));
        let ours = format!("Bearer {}", token());
        assert!(removed(&[&ours]));
        assert!(removed(&[&format!("Basic a, {ours}")]), "joined by a proxy");
    }

    #[test]
    fn where_the_app_is_heard_no_answer_shows_its_words() {
        let mut config = crate::config::tests::minimal();
        let response = |config: &Config| strip(&Head::default(), config, &keys(), false).response;
        assert!(response(&config).is_none(), "of most nothing becomes");
        config.hears.end = true;
        let response = response(&config).unwrap();
        assert!(response.takes_off("x-wx-session-end"));
        assert!(response.takes_off("x-wx-session-attributes"));
        assert!(!response.takes_off("content-type"));
    }

    #[test]
    fn cookie_and_query_lose_only_the_token() {
        let mut changes = Changes::default();
        let sent = head(&[("cookie", "a=1; wx=t; b=2"), (":path", "/p?x=1&wx=t&y=2")]);
        strip_cookie_and_query(&sent, &rules(), |_| true, &mut changes);
        let set = |name: &str, value: &str| (Rc::from(name), Rc::from(value));
        assert_eq!(
            changes.set.as_slice(),
            [set("cookie", "a=1; b=2"), set(":path", "/p?x=1&y=2")]
        );
    }

    #[test]
    fn of_an_observed_request_only_what_has_the_form_of_a_token_is_taken() {
        let config = crate::config::tests::minimal();
        let token = token();
        let removed = |name: &str, value: &str| {
            let sent = head(&[(name, value)]);
            !strip(&sent, &config, &keys(), true).remove.is_empty()
        };
        for name in ["x-wx-skey", "x_3rd_session", "authorization"] {
            for of_the_app in ["the.apps.own", "Bearer the.apps.own", "undefined", ""] {
                assert!(!removed(name, of_the_app), "{name}: {of_the_app}");
            }
            for ours in [
                token.clone(),
                format!("Bearer {token}"),
                format!("a, {token}"),
            ] {
                assert!(removed(name, &ours), "{name}: {ours}");
            }
        }
        assert!(removed("x-wx-openid", "it is a statement of the edge"));
        let cookie = format!("a=1; wx=own; wx={token}");
        let query = format!("/p?wx=own&x&wx={token}");
        let sent = head(&[("cookie", &cookie), (":path", &query)]);
        let mut changes = Changes::default();
        let goes = |value: &[u8]| holds_token(value, &keys());
        strip_cookie_and_query(&sent, &rules(), goes, &mut changes);
        let set = |name: &str, value: &str| (Rc::from(name), Rc::from(value));
        assert_eq!(
            changes.set.as_slice(),
            [set("cookie", "a=1; wx=own"), set(":path", "/p?wx=own&x")]
        );
    }
}
