//! What a worker knows of the access_token of one app. Asks nobody.

use alloc::rc::Rc;
use alloc::string::String;
use core::time::Duration;

use zeroize::Zeroizing;

use crate::limits::circuit_breaker::CircuitBreaker;
use crate::time::UnixMillis;
use crate::wechat::access_token::{AccessToken, LONGEST_LIFE};

/// In its last five minutes WeChat gives a new one to whoever asks, and the old one stays good. Before, it gives the same.
const RENEWAL: Duration = Duration::from_secs(300);

/// A renewal is not tried again before this is over, nor waited for longer.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(10);

/// For how long a token is kept that WeChat has rejected right after giving it.
pub(crate) const BETWEEN_DEATHS: Duration = Duration::from_secs(5);

/// How much further ahead than [`LONGEST_LIFE`] a token may seem to end, for clocks of edges that differ.
const SKEW: Duration = Duration::from_secs(60);

/// Of one app.
#[derive(Default)]
pub(crate) struct KnownToken {
    /// The last one, even if WeChat has rejected it: the store keeps it until there is another one.
    token: Option<Rc<AccessToken>>,
    /// The last one that WeChat has rejected.
    dead: Option<Zeroizing<String>>,
    renewed_at: Option<UnixMillis>,
    /// When WeChat last rejected one that it had just given.
    doubted_at: Option<UnixMillis>,
    /// Edges of a newer release keep the record of it, which nobody here can read or may write over. They ask WeChat too,
    /// and have the same token of it.
    pub(crate) is_kept_elsewhere: bool,
    /// Of the calls that ask for one.
    pub(crate) breaker: CircuitBreaker,
}

impl KnownToken {
    /// The token, if there is one that is good.
    pub(crate) fn get(&self, now: UnixMillis) -> Option<Rc<AccessToken>> {
        let token = self.token.as_ref()?;
        self.is_usable(token, now).then(|| Rc::clone(token))
    }

    /// The token, for whoever writes down what else is known.
    pub(crate) fn token(&self) -> Option<&AccessToken> {
        self.token.as_deref()
    }

    /// Whether there is one that will be good for a while.
    pub(crate) fn has_next(&self, now: UnixMillis) -> bool {
        self.get(now).is_some_and(|token| !is_due(&token, now))
    }

    /// Whether somebody is to renew it now: whoever is told so does.
    pub(crate) fn claim_renewal(&mut self, now: UnixMillis) -> bool {
        let is_due = self.token.as_ref().is_some_and(|token| is_due(token, now));
        let is_done = |at| now.is_within(BETWEEN_RENEWALS, at);
        if !is_due || self.renewed_at.is_some_and(is_done) {
            return false;
        }
        self.renewed_at = Some(now);
        true
    }

    /// Whether a token that others have written down is worth having: not an older one than there is.
    pub(crate) fn takes(&self, token: &AccessToken, now: UnixMillis) -> bool {
        let own = self.get(now);
        self.is_usable(token, now) && own.is_none_or(|own| own.expires_at <= token.expires_at)
    }

    fn is_usable(&self, token: &AccessToken, now: UnixMillis) -> bool {
        is_good(token, now) && !self.is_dead(token)
    }

    /// WeChat has given it, or others have written it down.
    pub(crate) fn learn(&mut self, token: &Rc<AccessToken>) {
        // If WeChat gives a rejected one again, that counts as good.
        self.dead = None;
        self.token = Some(Rc::clone(token));
    }

    /// What there is when WeChat gives no other one: the last one, even if rejected, for it may still be good for all
    /// other calls.
    pub(crate) fn fall_back(&mut self, now: UnixMillis) -> Option<Rc<AccessToken>> {
        if self.token.as_ref().is_some_and(|own| self.is_dead(own)) {
            self.dead = None;
            self.doubt(now);
        }
        self.get(now)
    }

    /// WeChat has rejected `used`, which may not be the last one any more. Tells whether it is given up.
    pub(crate) fn mark_dead(&mut self, used: &str, now: UnixMillis) -> bool {
        let is_recent = |at| now.is_within(BETWEEN_DEATHS, at);
        let own = self.token.as_ref();
        let is_own = own.is_some_and(|own| own.expose() == used);
        if is_own && self.doubted_at.is_some_and(is_recent) {
            return false;
        }
        if !is_own && own.is_some_and(|own| self.is_dead(own)) {
            // A late rejection of an older one.
            return true;
        }
        self.dead = Some(Zeroizing::new(used.into()));
        true
    }

    /// WeChat has rejected one that it had just given. For a while another one would be no better, and this one stays,
    /// for it may be good for all other calls.
    pub(crate) fn doubt(&mut self, now: UnixMillis) {
        self.doubted_at = Some(now);
    }

    fn is_dead(&self, token: &AccessToken) -> bool {
        let dead = self.dead.as_deref();
        dead.is_some_and(|dead| dead == token.expose())
    }
}

/// Whether the time has come to ask for the next one.
fn is_due(token: &AccessToken, now: UnixMillis) -> bool {
    token.expires_at.since(now) <= RENEWAL
}

fn is_good(token: &AccessToken, now: UnixMillis) -> bool {
    let left = token.expires_at.since(now);
    !left.is_zero() && left <= LONGEST_LIFE + SKEW
}
