//! What becomes of a request, as the host is told: let through with changes, or answered. Decides nothing.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;

use serde::Serialize;
use smallvec::SmallVec;
use zeroize::Zeroizing;

use crate::head::Head;
use crate::header_names::{OwnNames, SESSION_ATTRIBUTES, SESSION_END, is_no_trailer};
use crate::time::UnixMillis;

/// The one decision about a request, and what an access log may say of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Whose request it is, if a session was verified.
    pub openid: Option<Rc<str>>,
    /// One word for logs: `verified`, `public`, `preflight`, `endpoint`, `push`, on optional routes `missing`, `invalid`
    /// or `expired`, while the store is down `stale` or `unavailable`, or the error's name of a refusal.
    pub auth_status: &'static str,
    /// What goes on when it is carried out: to be given to [`finish`](crate::finish). Of most: nothing.
    pub rest: Option<Rest>,
}

/// The delivery of a message that the app still has under way. Needs nothing of its request.
pub struct Rest {
    pub(crate) began: UnixMillis,
    /// Where it went.
    pub(crate) target: String,
    /// What it comes to: a problem, if the app did not take it.
    pub(crate) work: Pin<Box<dyn Future<Output = Result<(), String>>>>,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rest({})", self.target)
    }
}

impl PartialEq for Rest {
    /// No work is another.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for Rest {}

/// What to do with a request.
#[allow(
    clippy::large_enum_variant,
    reason = "of nearly all requests it is the large one, and a box would cost each an allocation"
)]
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Let it through to the app, its headers changed.
    Forward(Changes),
    /// Answer it here; the app sees nothing.
    Reply(Response),
}

impl Changes {
    /// Where the request goes, if that is WeChat's API and not the app.
    pub fn take_to_wechat(&mut self) -> Option<Box<ToWechat>> {
        self.response.as_mut()?.to_wechat.take()
    }
}

/// Changes to a request before the app sees it, and to the headers of its response. Of the request's headers: first the
/// removals, then the settings. A set header replaces every one of that name. Names are in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Names to remove.
    pub remove: SmallVec<[Rc<str>; 2]>,
    /// Names and values to set. In place and shared: a request with a session costs no memory here.
    pub set: SmallVec<[(Rc<str>, Rc<str>); 4]>,
    /// The whole body that the app gets in place of the client's. `None`: the client's, as it came.
    pub body: Option<Vec<u8>>,
    /// Those of the request that do not reach the app.
    pub trailers: TrailerPolicy,
    /// What becomes of the app's response. Of most: nothing.
    pub response: Option<Box<OfResponse>>,
}

/// A request for WeChat's API on its way there: where it goes, and with what token, which is in no [`fmt::Debug`].
#[derive(Clone, PartialEq, Eq)]
pub struct ToWechat {
    /// Which upstream: a name that the host's configuration gives a meaning.
    pub target: String,
    /// Host name for `:authority`.
    pub authority: String,
    /// Up to so many bytes of body a host may keep, to send them once more.
    pub most_kept: usize,
    /// How long a call that is sent once more may take.
    pub timeout: Duration,
    /// Whose token it is.
    pub(crate) appid: String,
    pub(crate) token: Zeroizing<String>,
    /// With what is left of its query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// It is sent once more already.
    pub(crate) is_repeated: bool,
}

impl fmt::Debug for ToWechat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToWechat({})", self.path)
    }
}

/// What becomes of the response to a request that went on: the app's, or one that the host gives in its place.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OfResponse {
    /// Names and values to set, in this order, after those were taken off that [`Self::takes_off`] names. If one of all
    /// these changes cannot be made, the later ones must not be.
    pub set: Vec<(Rc<str>, Rc<str>)>,
    /// A value of `set-cookie`, beside those of the app.
    pub cookie: Option<Rc<str>>,
    /// It is that of WeChat's API, where the request goes, and not of the app. Here, so that no other request carries
    /// the room for it.
    pub to_wechat: Option<Box<ToWechat>>,
    /// The session of the request, if the app may say something of it.
    pub(crate) subject: Option<Subject>,
    /// The request was a login through the app: an app that refuses it ends the session.
    pub(crate) is_login: bool,
    /// What else of the app's words counts.
    pub(crate) hears: Hears,
}

/// Which headers of the app's responses count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hears {
    /// [`SESSION_END`]
    pub(crate) end: bool,
    /// [`SESSION_ATTRIBUTES`]
    pub(crate) attributes: bool,
}

impl Hears {
    /// Whether any of them does.
    pub(crate) fn any(self) -> bool {
        self.end || self.attributes
    }
}

/// Whose session it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) token: Zeroizing<[u8; 32]>,
    pub(crate) appid: Rc<str>,
    pub(crate) openid: Rc<str>,
}

impl fmt::Debug for Subject {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({})", self.openid)
    }
}

/// What an app has said of the session of a request. To be carried out beside its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub(crate) subject: Subject,
    pub(crate) what: Saying,
    /// Words that are none, and attributes that cannot be kept: the events of the log lines about them.
    pub(crate) refused: Vec<&'static str>,
    /// When the app said it.
    pub(crate) at: UnixMillis,
}

impl Said {
    /// Whether a session is to end by it, which is more than that it remembers something.
    #[must_use]
    pub fn ends(&self) -> bool {
        matches!(self.what, Saying::EndThis | Saying::EndAll)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    /// This session ends.
    EndThis,
    /// All sessions of its user end.
    EndAll,
    /// What the session is to remember for the app; nothing, if it is empty.
    Attributes(Rc<str>),
    /// Nothing that counts.
    Nothing,
}

/// The most that a session remembers for its app, in bytes.
const ATTRIBUTES: usize = 512;

impl OfResponse {
    /// By these headers an app says something of a session. Taken off every response of which anything becomes.
    pub const OWN: [&str; 2] = [SESSION_END, SESSION_ATTRIBUTES];

    /// Whether a header of this name, in lower case, is taken off before others are set.
    #[must_use]
    pub fn takes_off(&self, name: &str) -> bool {
        let holds_token = !self.set.is_empty() || self.cookie.is_some();
        Self::OWN.contains(&name) || (holds_token && invites_caches(name))
    }

    /// What the app says with this response, by its status and its headers. Of a session that ends nothing is told the
    /// client any more.
    pub fn said<'a>(
        &mut self,
        now: impl FnOnce() -> UnixMillis,
        status: u16,
        headers: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    ) -> Option<Said> {
        let subject = self.subject.take()?;
        let end = values(headers.clone(), SESSION_END);
        let says = |word: &str| {
            end.split(',')
                .any(|own| own.trim().eq_ignore_ascii_case(word))
        };
        let (this, all) = (says("this"), says("all"));
        let is_refused = self.is_login && (status >= 400 || this || all);
        let mut refused = Vec::new();
        let what = if all && self.hears.end {
            Saying::EndAll
        } else if is_refused || (this && self.hears.end) {
            Saying::EndThis
        } else {
            if self.hears.end && !is_blank(&end) {
                refused.push("end_refused");
            }
            let has_attributes = headers
                .clone()
                .any(|(name, _)| is(name, SESSION_ATTRIBUTES));
            let attributes = values(headers, SESSION_ATTRIBUTES);
            match attributes.trim() {
                _ if !has_attributes || !self.hears.attributes => Saying::Nothing,
                text if are_attributes(text) => Saying::Attributes(text.into()),
                _ => {
                    refused.push("attributes_refused");
                    Saying::Nothing
                }
            }
        };
        if what == Saying::Nothing && refused.is_empty() {
            return None;
        }
        if matches!(what, Saying::EndThis | Saying::EndAll) {
            self.cookie = None;
            self.set.retain(|(name, _)| **name == *"cache-control");
        }
        Some(Said {
            subject,
            what,
            refused,
            at: now(),
        })
    }
}

fn is(name: &[u8], own: &str) -> bool {
    name.eq_ignore_ascii_case(own.as_bytes())
}

/// All values of a header as one list, as often as it occurs. What is no text in it makes it no word of ours.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.3>
fn values<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>, name: &str) -> String {
    let own = headers.filter(|(own, _)| is(own, name));
    let own: Vec<_> = own
        .map(|(_, value)| String::from_utf8_lossy(value))
        .collect();
    own.join(",")
}

fn is_blank(list: &str) -> bool {
    list.split(',').all(|value| value.trim().is_empty())
}

/// Whether a session may remember this for its app: form-encoded, and no longer than it may hold.
/// <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>
pub(crate) fn are_attributes(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._~%+&=".contains(&byte);
    text.len() <= ATTRIBUTES && text.bytes().all(is_plain)
}

/// Which trailers of a request must not reach the app: those that it could take for a statement of ours, and with a new
/// body those that describe the old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailerPolicy {
    own_names: OwnNames,
    of_new_body: bool,
}

impl TrailerPolicy {
    pub(crate) fn new(own_names: &OwnNames) -> Self {
        Self {
            own_names: own_names.clone(),
            of_new_body: false,
        }
    }

    /// Whether a trailer of this name, in lower case, is taken off.
    #[must_use]
    pub fn forbids(&self, name: &str) -> bool {
        self.own_names.has(name.as_bytes())
            || is_no_trailer(name.as_bytes())
            || (self.of_new_body && describes_body(name))
    }
}

/// Whether a header or trailer of this name tells something of the body that is wrong of another one. (A length is set
/// and not removed.)
fn describes_body(name: &str) -> bool {
    let names = [
        "content-digest",
        "content-md5",
        "digest",
        "etag",
        "repr-digest",
    ];
    names.contains(&name)
}

impl Changes {
    /// Setting replaces: a removal of the same name first would only cost another call into the host.
    pub(crate) fn drop_needless(&mut self) {
        let Self { remove, set, .. } = self;
        remove.retain(|name| !set.iter().any(|(own, _)| own == name));
    }

    /// The app gets `body` in place of that of the request with `head`, and nothing that speaks of the old one.
    pub(crate) fn replace_body(&mut self, head: &Head, body: Vec<u8>) {
        self.set.retain(|(name, _)| **name != *"content-length");
        for name in head.names() {
            // With its length known, the body has no other framing: two of them would be a request smuggled in.
            let goes = describes_body(name) || name == "transfer-encoding";
            if goes && !self.remove.iter().any(|own| **own == *name) {
                self.remove.push(name.into());
            }
        }
        let length = body.len().to_string();
        self.set.push(("content-length".into(), length.into()));
        self.trailers.of_new_body = true;
        self.body = Some(body);
    }
}

/// Whether a header of a response may tell some cache on its way to keep it, whatever `cache-control` says: those of
/// nginx, of the CDNs (RFC 9213 and what came before it) and of HTTP/1.0. `name` is in lower case.
fn invites_caches(name: &str) -> bool {
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
    /// As its content type says; of nearly all JSON, UTF-8.
    pub body: Vec<u8>,
}

impl Response {
    /// A word for WeChat. It may be one that somebody else has chosen: no browser is to see more than text in it.
    pub(crate) fn plain(text: String) -> Self {
        Self::of_app("text/plain; charset=utf-8".into(), text.into_bytes())
    }

    /// The app's answer to a message.
    pub(crate) fn of_app(content_type: String, body: Vec<u8>) -> Self {
        let headers = [
            ("content-type", content_type),
            ("cache-control", "no-store".into()),
            ("x-content-type-options", "nosniff".into()),
            ("x-wx-error", "none".into()),
            ("x-wx-action", "none".into()),
        ];
        Self {
            status: 200,
            headers: headers.into(),
            body,
        }
    }

    /// An answer of the edge, which its headers say: the name of the error and what the client is to do, `none` and
    /// `none` of a good one. By these a client of ours goes, for status and members may be others' words. Never to be
    /// kept by a cache: these answers hold tokens and personal data.
    pub(crate) fn json(status: u16, error: &str, action: &str, body: String) -> Self {
        let headers = [
            ("content-type", "application/json; charset=utf-8".into()),
            ("cache-control", "no-store".into()),
            ("x-wx-error", error.into()),
            ("x-wx-action", action.into()),
        ];
        Self {
            status,
            headers: headers.into(),
            body: body.into_bytes(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn a_trailer_goes_that_states_an_identity_and_with_a_new_body_what_describes_the_old_one() {
        let mut changes = Changes {
            trailers: TrailerPolicy::new(&OwnNames::new(["x-who".into()])),
            ..Changes::default()
        };
        for name in [
            "x-wx-openid",
            "x_wx_openid",
            "x-who",
            "content-type",
            "transfer_encoding",
            "host",
        ] {
            assert!(changes.trailers.forbids(name), "{name}");
        }
        for name in ["content-digest", "x-of-the-app"] {
            assert!(!changes.trailers.forbids(name), "{name}");
        }
        let head = Head::from_pairs([("content-md5", "x"), ("transfer-encoding", "chunked")]);
        changes.replace_body(&head, Vec::from(*b"{}"));
        assert!(changes.trailers.forbids("content-digest"));
        assert!(!changes.trailers.forbids("x-of-the-app"));
        assert_eq!(changes.remove.len(), 2);
        let length = changes
            .set
            .iter()
            .find(|(name, _)| &**name == "content-length");
        assert_eq!(length.map(|(_, value)| &**value), Some("2"));
    }
}
