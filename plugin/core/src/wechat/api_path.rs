//! Paths of WeChat's server APIs: which ones have one reading only, and which give a token or a key away, or take one from
//! others, and so are for nobody but the edge.

/// Whether a path can be read in one way only: segments of letters, digits, `_` and `-`. WeChat has no others.
pub(crate) fn is_plain(path: &str) -> bool {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    path.strip_prefix('/').is_some_and(|rest| {
        let mut segments = rest.split('/');
        segments.all(|segment| !segment.is_empty() && segment.bytes().all(usable))
    })
}

/// Tokens, logins, session_keys, and the quotas of all; and what was sent with a request, of which the token is a part.
const NEVER: [&str; 7] = [
    "/cgi-bin/component",
    "/cgi-bin/openapi/quota/clear",
    "/cgi-bin/openapi/rid",
    "/cgi-bin/stable_token",
    "/cgi-bin/token",
    "/sns",
    "/wxa/resetusersessionkey",
];

/// Of these, whatever begins so.
const NEVER_BEGINNING: [&str; 1] = ["/cgi-bin/clear_quota"];

/// Whether a plain path is one that is passed on for nobody, in whatever case.
pub(crate) fn is_refused(path: &str) -> bool {
    let begins = |with: &str| {
        path.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let is_below =
        |own: &&str| begins(own) && matches!(path.as_bytes().get(own.len()), None | Some(b'/'));
    NEVER.iter().any(is_below) || NEVER_BEGINNING.iter().copied().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn a_path_with_two_readings_is_not_plain() {
        for plain in ["/wxa/img_sec_check", "/cgi-bin/media/upload", "/a"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "",
            "/",
            "a",
            "//a",
            "/a//b",
            "/a/",
            "/a/../b",
            "/a/./b",
            "/a%2fb",
            "/a;b",
            "/a\\b",
            "/a b",
            "/a.json",
            "http://a/b",
            "/ａ",
            "*",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn tokens_and_logins_are_refused_in_every_case_and_below() {
        for never in [
            "/cgi-bin/token",
            "/cgi-bin/TOKEN",
            "/CGI-bin/stable_token",
            "/cgi-bin/stable_token/x",
            "/sns/jscode2session",
            "/sns",
            "/cgi-bin/clear_quota",
            "/cgi-bin/clear_quota/v2",
            "/cgi-bin/clear_quota_by_appsecret",
            "/cgi-bin/openapi/quota/clear",
            "/wxa/resetusersessionkey",
            "/cgi-bin/component/api_component_token",
        ] {
            assert!(is_refused(never), "{never}");
        }
        for other in [
            "/cgi-bin/tokens",
            "/cgi-bin/openapi/quota/get",
            "/snsx",
            "/wxa/checksession",
            "/a/sns",
        ] {
            assert!(!is_refused(other), "{other}");
        }
    }
}
