//! `allowed_outbound_hosts` as Spin reads them: `scheme://host[:port]`, with `*` for any of the three and `*.domain`.
//! <https://spinframework.dev/http-outbound>

/// Whether one of these entries lets requests to `url` through. One with a template in it may.
pub(super) fn allow<'a>(entries: impl IntoIterator<Item = &'a str>, url: &str) -> bool {
    entries
        .into_iter()
        .any(|entry| entry.contains("{{") || allows(entry, url))
}

fn allows(entry: &str, url: &str) -> bool {
    let (Some(entry), Some(url)) = (split(entry), split(url)) else {
        return false;
    };
    let scheme = entry.scheme == "*" || entry.scheme == url.scheme;
    let host = entry.host == "*"
        || entry.host.eq_ignore_ascii_case(url.host)
        || entry
            .host
            .strip_prefix('*')
            .is_some_and(|domain| domain.starts_with('.') && url.host.ends_with(domain));
    let port = match entry.port {
        Some("*") => true,
        Some(range) => match range.split_once("..") {
            Some((start, end)) => {
                let number = |text: &str| text.parse::<u16>().ok();
                match (number(start), number(end), port_of(&url)) {
                    (Some(start), Some(end), Some(port)) => (start..end).contains(&port),
                    _ => false,
                }
            }
            None => range.parse().ok() == port_of(&url),
        },
        None => well_known(entry.scheme) == port_of(&url),
    };
    scheme && host && port
}

/// Whether an entry lets requests through to this component of the same Spin: by its name, or by a wildcard. What a
/// template would make of one is not known.
pub(super) fn may_lead_to(entry: &str, component: &str) -> bool {
    component_of(entry) == Some(component)
        || allows(entry, &format!("http://{component}.spin.internal"))
}

/// The component that a URL or an entry leads to inside of the same Spin: `http://NAME.spin.internal`.
pub(super) fn component_of(url: &str) -> Option<&str> {
    split(url)?.host.strip_suffix(".spin.internal")
}

struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
}

fn split(text: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = text.split_once("://")?;
    let rest = rest.rsplit('@').next()?;
    let authority = rest.split('/').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are within brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    Some(Parts { scheme, host, port })
}

fn port_of(url: &Parts<'_>) -> Option<u16> {
    match url.port {
        Some(port) => port.parse().ok(),
        None => well_known(url.scheme),
    }
}

fn well_known(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" | "rediss" => Some(6379),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_allows_its_scheme_host_and_port_and_no_other() {
        let wechat = "https://api.weixin.qq.com";
        for entry in [
            "https://api.weixin.qq.com",
            "https://api.weixin.qq.com:443",
            "https://api.weixin.qq.com/",
            "https://*.weixin.qq.com",
            "*://api.weixin.qq.com:*",
            "*://*:*",
            "https://*",
            "https://{{ wechat }}",
        ] {
            assert!(allow([entry], wechat), "{entry}");
        }
        for entry in [
            "http://api.weixin.qq.com",
            "https://api.weixin.qq.com:8443",
            "https://weixin.qq.com",
            "https://*.qq.com.cn",
            "api.weixin.qq.com",
            "https://api.weixinqq.com",
        ] {
            assert!(!allow([entry], wechat), "{entry}");
        }
        for url in ["http://app.spin.internal", "http://app.spin.internal:80/"] {
            assert_eq!(component_of(url), Some("app"));
        }
        assert_eq!(component_of("http://spin.internal.example.com"), None);
        assert!(allow(
            ["redis://127.0.0.1:6379"],
            "redis://user:pass@127.0.0.1"
        ));
        assert!(allow(
            ["redis://10.0.0.1:6000..7000"],
            "redis://10.0.0.1:6379"
        ));
    }

    #[test]
    fn an_entry_leads_to_a_component_by_its_name_or_a_wildcard() {
        for entry in [
            "http://app.spin.internal",
            "http://app.spin.internal:8080",
            "http://*.spin.internal",
            "http://*",
            "http://*:*",
            "*://*:*",
        ] {
            assert!(may_lead_to(entry, "app"), "{entry}");
        }
        for entry in [
            "http://other.spin.internal",
            "http://*.example.com",
            "https://*",
            "redis://*:6379",
            "redis://{{ redis }}",
        ] {
            assert!(!may_lead_to(entry, "app"), "{entry}");
        }
    }
}
