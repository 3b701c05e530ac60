//! Checks where calls go: Envoy knows an upstream as a cluster, Spin as a URL. One document may serve both: Spin then
//! calls the cluster's `authority` over TLS.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use super::model::{Api, Checked, HostKind, wrong};
use super::raw;
use crate::platform::Platform;

/// How an upstream is reached.
pub(super) struct Upstream {
    /// Cluster or URL.
    pub(super) target: String,
    /// For the header `:authority`.
    pub(super) authority: String,
}

/// How `platform` is reached.
pub(super) fn api(raw: &raw::Api, platform: Platform, host: HostKind) -> Checked<Api> {
    let row = platform.row();
    if !(100..=30_000).contains(&raw.timeout_ms) {
        return wrong(
            format!("{}.timeout_ms", row.name),
            "must be between 100 and 30000",
        );
    }
    let given = Given {
        cluster: raw.cluster.as_deref(),
        url: raw.url.as_deref(),
        authority: Some(raw.authority.as_deref().unwrap_or(row.authority)),
    };
    let upstream = upstream(row.name, given, row.name, host)?;
    Ok(Api {
        target: upstream.target,
        authority: upstream.authority,
        timeout: Duration::from_millis(raw.timeout_ms),
    })
}

/// Where the app is.
pub(super) fn app_url(raw: &raw::Upstream, host: HostKind) -> Checked<String> {
    let Some(text) = &raw.url else {
        return Ok("http://app.spin.internal".into());
    };
    if host == HostKind::Envoy {
        return wrong("upstream.url", "is for Spin: Envoy has routes of its own");
    }
    url("upstream.url", text)?;
    Ok(text.trim_end_matches('/').into())
}

/// What a document says of an upstream.
pub(super) struct Given<'a> {
    pub(super) cluster: Option<&'a str>,
    pub(super) url: Option<&'a str>,
    pub(super) authority: Option<&'a str>,
}

pub(super) fn upstream(
    field: &str,
    given: Given<'_>,
    default_cluster: &str,
    host: HostKind,
) -> Checked<Upstream> {
    let cluster = given.cluster.unwrap_or(default_cluster);
    if cluster.is_empty() {
        return wrong(format!("{field}.cluster"), "must not be empty");
    }
    if let Some(name) = given.authority
        && (name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return wrong(format!("{field}.authority"), "must be a host name");
    }
    match (host, given.url, given.authority) {
        (HostKind::Envoy, Some(_), _) => wrong(
            format!("{field}.url"),
            "is for Spin: on Envoy name a cluster",
        ),
        (HostKind::Envoy, None, authority) => Ok(Upstream {
            target: cluster.into(),
            authority: authority.unwrap_or(cluster).into(),
        }),
        (HostKind::Spin, Some(text), authority) => {
            let own = url(&format!("{field}.url"), text)?;
            Ok(Upstream {
                target: text.trim_end_matches('/').into(),
                authority: authority.unwrap_or(own).into(),
            })
        }
        (HostKind::Spin, None, Some(authority)) => Ok(Upstream {
            target: format!("https://{authority}"),
            authority: authority.into(),
        }),
        (HostKind::Spin, None, None) => wrong(format!("{field}.url"), "is missing"),
    }
}

/// A URL of a host, and the host with its port.
fn url<'a>(field: &str, text: &'a str) -> Checked<&'a str> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if !host.is_empty() && is_host(host) => Ok(host),
        _ => wrong(
            field,
            "must be http:// or https:// and a host, perhaps with a port, and no path",
        ),
    }
}

fn is_host(text: &str) -> bool {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    text.bytes().all(usable)
}
