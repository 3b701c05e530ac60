//! The query of a call: what is the edge's is taken off, everything else stays as it was written.

use alloc::borrow::Cow;
use alloc::string::String;

use percent_encoding::percent_decode_str;

/// The edge's own words, in whatever case: old code of Cloud Run still names a token.
const TOKENS: [&str; 2] = ["access_token", "cloudbase_access_token"];
const FROM: &str = "from_appid";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Whose call it is.
    pub(super) from_appid: Option<String>,
    /// As written.
    pub(super) rest: String,
}

impl Query {
    pub(super) fn read(query: &str) -> Self {
        let mut own = Self {
            from_appid: None,
            rest: String::new(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name);
            if name.eq_ignore_ascii_case(FROM) {
                own.from_appid =
                    Some(decoded(value).into_owned()).filter(|value| !value.is_empty());
            } else if !TOKENS.iter().any(|token| name.eq_ignore_ascii_case(token)) {
                if !own.rest.is_empty() {
                    own.rest.push('&');
                }
                own.rest.push_str(pair);
            }
        }
        own
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn tokens_and_the_app_are_taken_off_and_the_rest_stays() {
        for (query, from_appid, rest) in [
            ("", None, ""),
            ("type=image", None, "type=image"),
            (
                "access_token=x&type=image&a=%2F&b",
                None,
                "type=image&a=%2F&b",
            ),
            (
                "cloudbase_access_token=&access%5Ftoken=y&Access_Token=z",
                None,
                "",
            ),
            ("a=1&from_appid=wx1&&b=2", Some("wx1"), "a=1&b=2"),
            ("from_appid=", None, ""),
            ("from_appid=%77x1", Some("wx1"), ""),
            ("x_access_token=1", None, "x_access_token=1"),
        ] {
            let expected = Query {
                from_appid: from_appid.map(Into::into),
                rest: rest.into(),
            };
            assert_eq!(Query::read(query), expected, "{query}");
        }
    }
}
