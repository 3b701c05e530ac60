//! The platforms whose mini programs log in here: for each how a code is exchanged, what its answers mean, and what its
//! apps are called. One file each, and one line in [`Platform::row`]. Pure functions: bytes in, values out.

mod douyin;
mod kuaishou;
mod qq;
mod wechat;

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;

use crate::wechat::answer::Refusal;
use crate::wechat::code2session::Code2Session;
use crate::wechat::errcode::Meaning;

/// A platform, as `apps[].platform` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Platform {
    #[default]
    Wechat,
    Qq,
    Douyin,
    Kuaishou,
}

/// All there is to know of a platform.
pub(crate) struct Row {
    /// As in the configuration, where it is the name of its table and of its cluster too.
    pub(crate) name: &'static str,
    /// What people call it, in English and in Chinese.
    pub(crate) called: [&'static str; 2],
    /// The host of its API.
    pub(crate) authority: &'static str,
    /// What an app is told of where a request comes from.
    pub(crate) source: &'static str,
    /// The form of an app's id, and its words. No id has the form of two platforms: sessions and users are kept by it.
    pub(crate) is_appid: fn(&str) -> bool,
    pub(crate) appid_form: &'static str,
    /// The form of a code, and its words.
    pub(crate) is_code: fn(&str) -> bool,
    pub(crate) code_form: &'static str,
    /// The call that exchanges a code.
    pub(crate) ask: fn(&Asking<'_>) -> Question,
    /// Reads the body of an answer with HTTP status 200.
    pub(crate) read: fn(&[u8]) -> Result<Code2Session, Refusal>,
    pub(crate) meaning: fn(i64) -> Meaning,
    /// "Busy" means that nobody has looked at the code, so that it may be sent again.
    pub(crate) busy_keeps_code: bool,
    /// Its answers tell a code that was used from one that never existed.
    pub(crate) tells_used: bool,
}

/// What a call is made of. Holds the app's secret: never log it.
pub(crate) struct Asking<'a> {
    pub(crate) appid: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) code: &'a str,
}

/// A call. `Debug` is not derived: it holds the app's secret.
pub(crate) struct Question {
    pub(crate) method: &'static str,
    /// With its query.
    pub(crate) path: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

impl Platform {
    pub(crate) const ALL: [Self; 4] = [Self::Wechat, Self::Qq, Self::Douyin, Self::Kuaishou];

    pub(crate) fn row(self) -> &'static Row {
        match self {
            Self::Wechat => &wechat::ROW,
            Self::Qq => &qq::ROW,
            Self::Douyin => &douyin::ROW,
            Self::Kuaishou => &kuaishou::ROW,
        }
    }
}

/// A member of an answer that is a text.
fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// The form of a code where the platform documents none: 1 to 512 visible ASCII characters.
fn is_visible(code: &str) -> bool {
    (1..=512).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A beginning that no other platform has, and then letters and digits.
fn begins_with(appid: &str, beginning: &str) -> bool {
    appid.strip_prefix(beginning).is_some_and(|rest| {
        (1..=62).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::collections::BTreeSet;

    #[test]
    fn no_id_of_an_app_has_the_form_of_two_platforms() {
        for (id, own) in [
            ("wx0123456789abcdef", Some(Platform::Wechat)),
            ("wx0123456789ABCDEF", Some(Platform::Wechat)),
            ("1108292182", Some(Platform::Qq)),
            ("tt0123456789abcdef01", Some(Platform::Douyin)),
            ("ks700000000000000001", Some(Platform::Kuaishou)),
            ("wx0123456789abcdeg", None),
            ("wx", None),
            ("tt", None),
            ("ks", None),
            ("gh_0123456789ab", None),
            ("tt01 23", None),
            ("", None),
        ] {
            let of = |platform: &Platform| (platform.row().is_appid)(id);
            let all: Vec<Platform> = Platform::ALL.into_iter().filter(of).collect();
            assert_eq!(all, Vec::from_iter(own), "{id}");
        }
    }

    #[test]
    fn names_hosts_and_sources_are_each_platforms_own() {
        let rows = || Platform::ALL.into_iter().map(Platform::row);
        for of in [
            |row: &'static Row| row.name,
            |row: &'static Row| row.authority,
            |row: &'static Row| row.source,
            |row: &'static Row| row.called[0],
            |row: &'static Row| row.called[1],
        ] {
            assert_eq!(rows().map(of).collect::<BTreeSet<_>>().len(), 4);
        }
        assert_eq!(Platform::default().row().source, "wx_client");
    }
}
