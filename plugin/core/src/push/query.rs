//! What stands in the query of a push: WeChat's own parameters, and what else the operator wrote into its URL.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::head::Head;

/// WeChat's parameters. Each at most once.
#[derive(Default)]
pub(super) struct Query<'a> {
    pub(super) signature: Option<Cow<'a, str>>,
    pub(super) msg_signature: Option<Cow<'a, str>>,
    pub(super) timestamp: Option<Cow<'a, str>>,
    pub(super) nonce: Option<Cow<'a, str>>,
    pub(super) echostr: Option<Cow<'a, str>>,
}

/// All that WeChat adds to the URL. What is signed here is of no use to an app: it has been checked, and with that of a
/// sealed push an SDK would try to open what is open already.
const OF_WECHAT: [&str; 7] = [
    "signature",
    "msg_signature",
    "timestamp",
    "nonce",
    "echostr",
    "encrypt_type",
    "openid",
];

impl<'a> Query<'a> {
    /// `None` if one stands there twice: nobody could tell which is meant.
    pub(super) fn of(head: &'a Head) -> Option<Self> {
        let mut query = Self::default();
        let (_, text) = split(head.text(":path").unwrap_or_default());
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let place = match &*name {
                "signature" => &mut query.signature,
                "msg_signature" => &mut query.msg_signature,
                "timestamp" => &mut query.timestamp,
                "nonce" => &mut query.nonce,
                "echostr" => &mut query.echostr,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        Some(query)
    }
}

/// `path` with what is left of the query of this request.
pub(super) fn without_wechats(head: &Head, path: &str) -> String {
    let (_, query) = split(head.text(":path").unwrap_or_default());
    let is_ours = |pair: &&str| {
        let named = form_urlencoded::parse(pair.as_bytes()).next();
        named.is_some_and(|(name, _)| !OF_WECHAT.contains(&&*name))
    };
    let mut target = String::from(path);
    for (number, pair) in query.split('&').filter(is_ours).enumerate() {
        target.push(if number == 0 { '?' } else { '&' });
        target.push_str(pair);
    }
    target
}

fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn wechats_parameters_are_read_once_and_taken_off() {
        let head = Head::from_pairs([(
            ":path",
            "/p?tenant=1&signature=a&timestamp=2&nonce=3&a%20b=&encrypt_type=aes&openid=o",
        )]);
        let query = Query::of(&head).unwrap();
        assert_eq!(query.signature.as_deref(), Some("a"));
        assert_eq!(query.msg_signature, None);
        assert_eq!(without_wechats(&head, "/to"), "/to?tenant=1&a%20b=");
        let bare = Head::from_pairs([(":path", "/p")]);
        assert_eq!(without_wechats(&bare, "/to"), "/to");
        let twice = Head::from_pairs([(":path", "/p?nonce=1&nonce=1")]);
        assert!(Query::of(&twice).is_none());
    }
}
