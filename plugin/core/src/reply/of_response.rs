//! What becomes of the response to a request that went on: what is set and taken off, and what the app says in it of the
//! session.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

use crate::header_names::{SESSION_ATTRIBUTES, SESSION_END};
use crate::time::UnixMillis;

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
    /// The same that takes the token's cookie away, where the client has it, should the session end.
    pub(crate) cleared: Option<Rc<str>>,
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
    /// The events of the log lines about unknown words, and about attributes that cannot be kept.
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
    /// By these headers an app says something of a session. Taken off every response for which there is an
    /// [`OfResponse`].
    pub const OWN: [&str; 2] = [SESSION_END, SESSION_ATTRIBUTES];

    /// Whether a header of this name, in lower case, is taken off before others are set.
    #[must_use]
    pub fn takes_off(&self, name: &str) -> bool {
        let holds_token = !self.set.is_empty() || self.cookie.is_some();
        Self::OWN.contains(&name) || (holds_token && invites_caches(name))
    }

    /// What the app says with this response, by its status and its headers. A client whose session ends is told nothing
    /// of it any more: token and cookie are taken back.
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
            self.cookie = self.cleared.take();
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

/// Whether a session may remember this for its app: form-encoded, and no longer than it may hold.
/// <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>
pub(crate) fn are_attributes(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._~%+&=".contains(&byte);
    text.len() <= ATTRIBUTES && text.bytes().all(is_plain)
}
