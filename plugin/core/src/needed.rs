//! A large head without what nobody here reads: a request may wait with it. Never leaves out the name of a header that
//! the app must not see, and what it leaves out is not there to be misjudged: whoever reads it after all finds it
//! unreadable, and refuses.

use crate::config::Config;
use crate::head::Head;
use crate::header_names::{WAFER_ID, parameter_headers};
use crate::spelling::same_name;

/// Mini programs send less, in bytes: their heads are kept as they are.
const LARGE: usize = 4096;

/// A name or value of so many bytes is not worth leaving out.
const SHORT: usize = 64;

/// Headers of any length that the core reads, beside those that the configuration names.
const READ: [&str; 15] = [
    ":authority",
    ":method",
    ":path",
    "access-control-request-method",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "origin",
    "referer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// `None` if the head is kept whole.
pub(crate) fn lightened(head: &Head, config: &Config) -> Option<Head> {
    // Of what goes to WeChat every name counts.
    if head.bytes() <= LARGE || config.wechat_api.is_some() {
        return None;
    }
    let is_read = |name: &[u8]| {
        let named = |own: &str| own.as_bytes() == name;
        READ.into_iter().any(named)
            || config.session.headers.iter().any(|own| named(own))
            || config.routes.code_headers().any(named)
            || parameter_headers().any(|(own, _)| named(own))
            || named(WAFER_ID)
            || (config.routes.admin.is_some() && named("authorization"))
    };
    let is_opened = |name: &[u8]| {
        let name = core::str::from_utf8(name).unwrap_or_default();
        let mut opened = config
            .routes
            .rules
            .iter()
            .filter_map(|own| own.open_data.as_ref());
        opened.any(|own| same_name(name, &own.name))
    };
    let is_ours = |name: &[u8]| config.own_names.has(name) || is_opened(name);
    Some(head.without(
        |name| name.len() > SHORT && !is_read(name) && !is_ours(name),
        |name, value| value.len() > SHORT && !is_read(name),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::strip;
    use crate::config::tests::{minimal, with};
    use crate::head::Header;
    use crate::seal::MasterKeys;
    use crate::testing::test;
    use alloc::format;
    use alloc::string::String;

    fn long() -> String {
        "v".repeat(5000)
    }

    #[test]
    fn a_head_that_mini_programs_send_is_kept_as_it_is() {
        let head = Head::from_pairs([("x-of-the-app", "v".repeat(4000))]);
        assert!(lightened(&head, &minimal()).is_none());
    }

    #[test]
    fn of_a_large_head_everything_stays_that_somebody_reads() {
        let config = minimal();
        let mut pairs = alloc::vec![(String::from("x-of-the-app"), long())];
        let session = config.session.headers.iter().map(|name| &**name);
        let login = parameter_headers().map(|(name, _)| name);
        let read: alloc::vec::Vec<&str> = READ.into_iter().chain(session).chain(login).collect();
        for name in &read {
            pairs.push((String::from(*name), format!("{name} {}", long())));
        }
        pairs.push(("x-short".into(), "1".into()));
        let light = lightened(&Head::from_pairs(pairs.iter().take(1).cloned()), &config).unwrap();
        assert!(light.bytes() < 100, "{}", light.bytes());
        let light = lightened(&Head::from_pairs(pairs.iter().cloned()), &config).unwrap();
        assert_eq!(light.text("x-short"), Some("1"));
        for name in read {
            let kept = light
                .text(name)
                .is_some_and(|value| value.starts_with(name));
            assert!(kept, "{name}");
        }
    }

    /// Whoever forgets to name a header above refuses requests, and lets none through.
    #[test]
    fn a_value_that_is_gone_is_unreadable_and_not_absent() {
        let head = Head::from_pairs([("x-of-the-app", long())]);
        let light = lightened(&head, &minimal()).unwrap();
        assert_eq!(light.get("x-of-the-app"), Header::Ambiguous);
    }

    #[test]
    fn nor_the_name_of_what_the_edge_opens() {
        let route = serde_json::json!({
            "prefix": "/", "session": "required", "open_data": "body", "open_data_as": "phone",
        });
        let config = with(serde_json::json!({ "routes": [route] }));
        let name = format!("p{}hone", "-".repeat(SHORT));
        let head = Head::from_pairs([(&*name, long())]);
        let light = lightened(&head, &config).unwrap();
        assert!(light.names().any(|own| own == name));
    }

    #[test]
    fn no_length_of_a_name_or_value_saves_a_forged_identity() {
        let config = minimal();
        let of_cloud_run = format!("x-wx-from-{}", "y".repeat(200));
        for name in ["x-wx-openid", "x_wx_openid", &of_cloud_run] {
            let head = Head::from_pairs([(name, long())]);
            let light = lightened(&head, &config).unwrap();
            let keys = MasterKeys::new(["a master key of thirty-two bytes and more"]);
            let removed = strip(&light, &config, &keys, false).remove;
            assert!(removed.iter().any(|own| **own == *name), "{name}");
        }
    }
}
