//! Which releases of a mini program may call, by what WeChat's client says of itself in the Referer of `wx.request`:
//! `https://servicewechat.com/{appid}/{version}/page-frame.html`. No proof of anything: whoever is no such client can
//! say it too.
//! <https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html>

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::head::Head;

/// What every such Referer begins with.
pub(crate) const SITE: &str = "https://servicewechat.com/";

/// What a client says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// WeChat's developer tools.
    Devtools,
    /// A trial, one under review, one in development on a phone.
    Trial,
    Number(u64),
    /// Its Referer says nothing of this app, or nothing that can be read.
    Unknown,
}

/// One word of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    This(Release),
    /// Whatever has a number.
    AnyNumber,
}

/// What one app says of its releases.
pub(crate) struct Policy {
    pub(crate) appid: String,
    pub(crate) listed: Vec<Listed>,
    /// Those that are not listed go on, and the app is told.
    pub(crate) tells: bool,
}

/// A client that the policy does not list.
pub(crate) struct Unlisted {
    pub(crate) release: Release,
    /// It goes on.
    pub(crate) tells: bool,
}

impl Release {
    /// A version as it stands in a Referer.
    pub(crate) fn parse(version: &str) -> Self {
        match version {
            "devtools" => Self::Devtools,
            "0" => Self::Trial,
            _ if version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0') => {
                version.parse().map_or(Self::Unknown, Self::Number)
            }
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Devtools => f.write_str("devtools"),
            Self::Trial => f.write_str("trial"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Policy {
    fn lists(&self, release: Release) -> bool {
        self.listed.iter().any(|listed| match listed {
            Listed::This(own) => *own == release,
            Listed::AnyNumber => matches!(release, Release::Number(_)),
        })
    }
}

/// The client of a request, if its app's policy does not list it. The app is `appid`, if that is known; else the one of
/// `appids` that the Referer names; else the only one. `None` if the client is listed, or no policy applies, or nobody
/// can tell the app.
pub(crate) fn unlisted<'a>(
    policies: &[Policy],
    mut appids: impl ExactSizeIterator<Item = &'a str> + Clone,
    head: &Head,
    appid: Option<&str>,
) -> Option<Unlisted> {
    // As nearly everywhere.
    if policies.is_empty() {
        return None;
    }
    let referer = head.text("referer").and_then(of_referer);
    let referer = referer.and_then(|(named, version)| Some((named, version?)));
    let by_referer = || {
        let (named, _) = referer?;
        appids.clone().find(|own| *own == named)
    };
    let appid = match appid.or_else(by_referer) {
        Some(appid) => appid,
        None if appids.len() == 1 => appids.next()?,
        None => return None,
    };
    let policy = policies.iter().find(|policy| policy.appid == appid)?;
    let release = match referer {
        Some((named, version)) if named == appid => Release::parse(version),
        _ => Release::Unknown,
    };
    (!policy.lists(release)).then_some(Unlisted {
        release,
        tells: policy.tells,
    })
}

/// The app id that a Referer names, and the version behind it, if it goes on.
pub(crate) fn of_referer(referer: &str) -> Option<(&str, Option<&str>)> {
    let mut parts = referer.strip_prefix(SITE)?.split('/');
    Some((parts.next()?, parts.next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec;

    const APP: &str = "wx0123456789abcdef";
    const OTHER: &str = "wxfedcba9876543210";

    fn said(appid: &str, version: &str) -> Head {
        let referer = format!("{SITE}{appid}/{version}/page-frame.html");
        Head::from_pairs([("referer", referer)])
    }

    fn policy(listed: Vec<Listed>) -> Vec<Policy> {
        Vec::from([Policy {
            appid: APP.into(),
            listed,
            tells: false,
        }])
    }

    fn found(listed: Vec<Listed>, apps: &[&str], head: &Head) -> Option<String> {
        let apps = apps.iter().copied();
        let unlisted = unlisted(&policy(listed), apps, head, None)?;
        Some(unlisted.release.to_string())
    }

    #[test]
    fn a_release_is_listed_by_its_kind_or_its_number() {
        let any = || vec![Listed::AnyNumber];
        for version in ["1", "17", "18446744073709551615"] {
            assert_eq!(found(any(), &[APP], &said(APP, version)), None, "{version}");
        }
        for (version, told) in [
            ("0", "trial"),
            ("devtools", "devtools"),
            ("", "unknown"),
            ("00", "unknown"),
            ("017", "unknown"),
            ("-1", "unknown"),
            ("18446744073709551616", "unknown"),
            ("release", "unknown"),
        ] {
            let found = found(any(), &[APP], &said(APP, version));
            assert_eq!(found.as_deref(), Some(told), "{version}");
        }
        let some = || {
            vec![
                Listed::This(Release::Number(17)),
                Listed::This(Release::Trial),
            ]
        };
        assert_eq!(found(some(), &[APP], &said(APP, "17")), None);
        assert_eq!(found(some(), &[APP], &said(APP, "0")), None);
        let other = found(some(), &[APP], &said(APP, "18"));
        assert_eq!(other.as_deref(), Some("18"));
    }

    #[test]
    fn what_says_nothing_of_the_app_is_of_no_release() {
        let none = Head::from_pairs([("referer", "https://example.com/")]);
        let cut = Head::from_pairs([("referer", format!("{SITE}{APP}"))]);
        for head in [&none, &cut, &Head::default(), &said(OTHER, "17")] {
            let found = found(vec![Listed::AnyNumber], &[APP], head);
            assert_eq!(found.as_deref(), Some("unknown"));
        }
    }

    #[test]
    fn of_several_apps_the_one_decides_that_is_known() {
        let policies = policy(vec![Listed::AnyNumber]);
        let apps = [APP, OTHER];
        let is_unlisted = |head: &Head, appid| {
            let apps = apps.iter().copied();
            unlisted(&policies, apps, head, appid).is_some()
        };
        assert!(is_unlisted(&said(APP, "0"), None));
        assert!(!is_unlisted(&said(OTHER, "0"), None));
        assert!(!is_unlisted(&Head::default(), None));
        assert!(is_unlisted(&Head::default(), Some(APP)));
        assert!(is_unlisted(&said(OTHER, "17"), Some(APP)));
        assert!(!is_unlisted(&said(APP, "0"), Some(OTHER)));
    }
}
