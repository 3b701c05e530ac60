//! What becomes of a request, as the host is told: let through with changes, or answered. Decides nothing.

mod of_response;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;

use smallvec::SmallVec;

pub(crate) use self::of_response::{Hears, Saying, Subject, are_attributes};
pub use self::of_response::{OfResponse, Said, ToWechat};
use crate::head::Head;
use crate::header_names::{OwnNames, is_no_trailer, reads_as};
use crate::time::UnixMillis;

/// The one decision about a request, and what an access log may say of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// The openid that the request is about, if known: from its session or login, or from the message that WeChat
    /// pushed.
    pub openid: Option<Rc<str>>,
    /// One word for logs. Of a request that goes on: `preflight`, `wechat_api`, or its `X-WX-Auth-Status` (see
    /// `auth_status`); of one that is answered here: `endpoint`, `admin`, `push`, or the error's name.
    pub auth_status: &'static str,
    /// What is still under way when it is carried out, to be given to [`finish`](crate::finish). Mostly `None`.
    pub pending: Option<PendingDelivery>,
}

impl Verdict {
    /// The request goes on.
    pub(crate) fn forward(changes: Changes, auth_status: &'static str) -> Self {
        Self::of(Action::Forward(changes), auth_status)
    }

    /// It is answered here.
    pub(crate) fn reply(response: Response, auth_status: &'static str) -> Self {
        Self::of(Action::Reply(response), auth_status)
    }

    fn of(action: Action, auth_status: &'static str) -> Self {
        Self {
            action,
            openid: None,
            auth_status,
            pending: None,
        }
    }

    pub(crate) fn with_openid(self, openid: Option<Rc<str>>) -> Self {
        Self { openid, ..self }
    }
}

/// The delivery of a message that the app still has under way. Needs nothing of its request.
pub struct PendingDelivery {
    pub(crate) began: UnixMillis,
    /// Where it went.
    pub(crate) target: String,
    /// What it comes to: a problem, if the app did not take it.
    pub(crate) work: Pin<Box<dyn Future<Output = Result<(), String>>>>,
}

impl fmt::Debug for PendingDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingDelivery({})", self.target)
    }
}

impl PartialEq for PendingDelivery {
    /// No work is another.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for PendingDelivery {}

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
    /// Which trailers of the request do not reach the app.
    pub trailers: TrailerPolicy,
    /// What becomes of the app's response. Mostly nothing: `None`.
    pub response: Option<Box<OfResponse>>,
}

/// Which trailers of a request must not reach the app: those that it could take for a statement of ours, those that may
/// hold a session's token, and with a new body those that describe the old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailerPolicy {
    own_names: OwnNames,
    /// In which a session's token may come. Shared, as the names before.
    tokens: Option<Rc<[Rc<str>]>>,
    of_new_body: bool,
}

impl TrailerPolicy {
    /// `tokens`: the headers in which tokens come that an app is not to see.
    pub(crate) fn new(own_names: &OwnNames, tokens: impl Iterator<Item = Rc<str>>) -> Self {
        let tokens: Vec<_> = tokens.collect();
        Self {
            own_names: own_names.clone(),
            tokens: (!tokens.is_empty()).then(|| tokens.into()),
            of_new_body: false,
        }
    }

    /// Whether a trailer of this name, in lower case, is taken off.
    #[must_use]
    pub fn forbids(&self, name: &str) -> bool {
        let mut tokens = self.tokens.as_deref().unwrap_or_default().iter();
        self.own_names.has(name.as_bytes())
            || is_no_trailer(name.as_bytes())
            || tokens.any(|own| reads_as(name.as_bytes(), own))
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
    /// Where the request goes, if that is WeChat's API and not the app.
    pub fn take_to_wechat(&mut self) -> Option<Box<ToWechat>> {
        self.response.as_mut()?.to_wechat.take()
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn a_trailer_goes_that_states_an_identity_and_with_a_new_body_what_describes_the_old_one() {
        let mut changes = Changes {
            trailers: TrailerPolicy::new(
                &OwnNames::new(["x-who".into()]),
                ["x-wx-skey".into()].into_iter(),
            ),
            ..Changes::default()
        };
        for name in [
            "x-wx-openid",
            "x_wx_openid",
            "x-who",
            "x_wx_skey",
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
