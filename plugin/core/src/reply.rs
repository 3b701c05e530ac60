//! What becomes of a request, and the JSON envelope of every answer: `{"status":0,"msg":"ok","data":{…}}`.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use smallvec::SmallVec;

/// The one decision about a request, and what an access log may say of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Whose request it is, if a session was verified.
    pub openid: Option<Rc<str>>,
    /// One word for access logs: `verified`, `public`, `preflight`, `endpoint`, on optional routes `missing`, `invalid`
    /// or `expired`, while the store is down `stale` or `unavailable`, or the error's name of a refusal.
    pub auth_status: &'static str,
}

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Let it through to the app, its headers changed.
    Forward(Changes),
    /// Answer it here; the app sees nothing.
    Reply(Response),
}

/// Changes to a request before the app sees it, and to the headers of its answer. Of the request's headers: first the
/// removals, then the settings. A set header replaces every one of that name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Names to remove.
    pub remove: SmallVec<[Rc<str>; 2]>,
    /// Names and values to set. In place and shared: a request with a session costs no memory here.
    pub set: SmallVec<[(Rc<str>, Rc<str>); 4]>,
    /// The whole body that the app gets in place of the client's. `None`: the client's, as it came. Trailers that
    /// [`describes_body`](crate::describes_body) names go with the old one.
    pub body: Option<Vec<u8>>,
    /// Names and values to set on the app's answer, whatever it is, in this order; most often none. First every header
    /// of the answer goes that [`invites_caches`] names. If one of all these changes cannot be made, the later ones
    /// must not be.
    pub answer: Vec<(Rc<str>, Rc<str>)>,
}

impl Changes {
    /// Setting replaces: a removal of the same name first would only cost another call into the host.
    pub(crate) fn drop_needless(&mut self) {
        let Self { remove, set, .. } = self;
        remove.retain(|name| !set.iter().any(|(own, _)| own == name));
    }
}

/// Whether a header of an answer may tell some cache on its way to keep it, whatever `cache-control` says: those of
/// nginx, of the CDNs (RFC 9213 and what came before it) and of HTTP/1.0. `name` is in lower case.
#[must_use]
pub fn invites_caches(name: &str) -> bool {
    // A control of a cache, or a time to live, under whatever brand.
    let ends = ["-cache-control", "-ttl", "edge-control"];
    let begins = ["x-accel-", "surrogate-", "x-litespeed-", "x-varnish-"];
    let names = [
        "expires",
        "pragma",
        "cf-edge-cache",
        "x-cache-enabled",
        "x-ttl",
    ];
    ends.iter().any(|end| name.ends_with(end))
        || begins.iter().any(|begin| name.starts_with(begin))
        || names.contains(&name)
}

/// An answer to the client.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, UTF-8.
    pub body: Vec<u8>,
}

impl Response {
    /// Answers of this plugin are never to be kept by a cache: they hold tokens and personal data.
    pub(crate) fn json(status: u16, body: String) -> Self {
        let headers = [
            ("content-type", "application/json; charset=utf-8".into()),
            ("cache-control", "no-store".into()),
        ];
        Self {
            status,
            headers: headers.into(),
            body: body.into_bytes(),
        }
    }
}

/// A successful answer, and whose it is: for access logs only.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) body: String,
    pub(crate) openid: Option<String>,
}

impl Answer {
    pub(crate) fn of(openid: &str, body: String) -> Self {
        Self {
            body,
            openid: Some(openid.into()),
        }
    }
}

/// 200 with `data`.
pub(crate) fn ok(data: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Ok<'a, T> {
        status: u16,
        msg: &'a str,
        data: &'a T,
    }
    to_json(&Ok {
        status: 0,
        msg: "ok",
        data,
    })
}

/// 200 with `data` that is JSON text already, and which key of the ring opened it.
pub(crate) fn ok_opened(json: &str, key: &str) -> String {
    alloc::format!(r#"{{"status":0,"msg":"ok","data":{json},"key":"{key}"}}"#)
}

#[derive(Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) status: u16,
    pub(crate) msg: &'a str,
    pub(crate) error: &'a str,
    /// What `error` would say, were it not Wafer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    pub(crate) action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Data>,
    /// An answer that has it makes the client of Tencent's Wafer 1 drop its session: so it is on none but those of its
    /// login and those of a bad session.
    #[serde(
        rename = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) wafer_mark: Option<u8>,
    /// Wafer 2's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<i8>,
    /// Both Wafers'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'a str>,
}

/// What a 401 says of the session.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Data {
    #[serde(rename_all = "camelCase")]
    Session {
        has_session: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        expired: Option<bool>,
    },
}

pub(crate) fn error_body(body: &ErrorBody<'_>) -> String {
    to_json(body)
}

/// The log line about a call of ours that failed. `target` is where it went: never a path or a query.
pub(crate) fn call_failed(event: &str, target: &str, problem: &str) -> String {
    #[derive(Serialize)]
    struct Failed<'a> {
        event: &'a str,
        target: &'a str,
        problem: &'a str,
    }
    to_json(&Failed {
        event,
        target,
        problem,
    })
}

/// Strings, numbers and maps with string keys always serialise; an empty object would say that this is wrong.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".into())
}
