//! What keeps strangers from burning the app's quota at WeChat: a limit on refused codes per client address, and a
//! breaker that stops asking while WeChat does not answer, is busy, or keeps saying that the configuration is wrong.

use alloc::vec::Vec;
use core::time::Duration;

use crate::rejection::{Reason, Rejection};
use crate::time::UnixMillis;

const PLACES: usize = 512;
const MINUTE: Duration = Duration::from_secs(60);
const TROUBLES_TO_OPEN: u8 = 10;
const OPEN_FOR: Duration = Duration::from_secs(5);

/// One worker's memory of recent trouble, bounded: addresses that meet in one place push each other out.
pub(crate) struct Guard {
    per_minute: u16,
    places: Vec<Place>,
    troubles: u8,
    open_until: UnixMillis,
    opened_by: Option<Rejection>,
}

#[derive(Clone, Copy)]
struct Place {
    address: u64,
    since: UnixMillis,
    refused: u16,
}

impl Guard {
    pub(crate) fn new(per_minute: u16) -> Self {
        let empty = Place {
            address: 0,
            since: UnixMillis(0),
            refused: 0,
        };
        Self {
            per_minute,
            places: alloc::vec![empty; PLACES],
            troubles: 0,
            open_until: UnixMillis(0),
            opened_by: None,
        }
    }

    /// Whether this address may try a code now.
    pub(crate) fn admit(&self, address: Option<&str>, now: UnixMillis) -> Result<(), Rejection> {
        let Some(hash) = address.map(fnv1a).filter(|_| self.per_minute > 0) else {
            return Ok(());
        };
        let full = self.places.get(slot(hash)).is_some_and(|place| {
            place.address == hash
                && now.since(place.since) < MINUTE
                && place.refused >= self.per_minute
        });
        if full {
            return Err(Reason::LoginRateLimited.into());
        }
        Ok(())
    }

    /// WeChat refused a code from this address.
    pub(crate) fn code_refused(&mut self, address: Option<&str>, now: UnixMillis) {
        let Some(hash) = address.map(fnv1a) else {
            return;
        };
        let Some(place) = self.places.get_mut(slot(hash)) else {
            return;
        };
        if place.address != hash || now.since(place.since) >= MINUTE {
            *place = Place {
                address: hash,
                since: now,
                refused: 0,
            };
        }
        place.refused = place.refused.saturating_add(1);
    }

    /// What opened the breaker, while it is open.
    pub(crate) fn open(&self, now: UnixMillis) -> Option<Rejection> {
        let opened = self.opened_by.as_ref().filter(|_| now < self.open_until)?;
        Some(opened.clone().retry_after(OPEN_FOR))
    }

    /// What came of asking WeChat. Ten failures in a row that no client causes open the breaker; when it closes, one
    /// more opens it again.
    pub(crate) fn asked(&mut self, failure: Option<&Rejection>, now: UnixMillis) {
        let trouble = failure.filter(|rejection| {
            matches!(
                rejection.reason,
                Reason::WechatBusy
                    | Reason::WechatConfig
                    | Reason::WechatUnavailable
                    | Reason::WechatTimeout
            )
        });
        let Some(trouble) = trouble else {
            // An answer about this code or this user, 45011 too: one user must not lock out the others.
            self.troubles = 0;
            return;
        };
        self.troubles = self.troubles.saturating_add(1);
        if self.troubles >= TROUBLES_TO_OPEN {
            self.open_until = now.after(OPEN_FOR);
            self.opened_by = Some(trouble.clone());
            self.troubles = TROUBLES_TO_OPEN - 1;
        }
    }
}

fn slot(hash: u64) -> usize {
    usize::try_from(hash % PLACES as u64).unwrap_or(0)
}

/// FNV-1a: addresses are not secrets, and a collision costs a stranger's place in the table at most.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn an_address_with_too_many_refused_codes_waits_a_minute_and_others_do_not() {
        let mut guard = Guard::new(2);
        let at = |ms: u64| UnixMillis(1_000_000 + ms);
        for _ in 0..2 {
            assert!(guard.admit(Some("10.0.0.1"), at(0)).is_ok());
            guard.code_refused(Some("10.0.0.1"), at(0));
        }
        assert!(guard.admit(Some("10.0.0.1"), at(59_999)).is_err());
        assert!(guard.admit(Some("10.0.0.2"), at(0)).is_ok());
        assert!(guard.admit(None, at(0)).is_ok());
        assert!(guard.admit(Some("10.0.0.1"), at(60_000)).is_ok());
    }

    #[test]
    fn ten_troubles_in_a_row_open_the_breaker_for_five_seconds() {
        let mut guard = Guard::new(0);
        let at = UnixMillis;
        let trouble = Rejection::from(Reason::WechatConfig);
        let of_one_user = Rejection::from(Reason::LoginRateLimited);
        for _ in 0..9 {
            guard.asked(Some(&trouble), at(0));
        }
        guard.asked(Some(&of_one_user), at(0));
        guard.asked(Some(&trouble), at(0));
        assert_eq!(guard.open(at(0)), None);
        for _ in 0..9 {
            guard.asked(Some(&trouble), at(0));
        }
        let opened = guard.open(at(4999)).unwrap();
        assert_eq!(opened.reason, Reason::WechatConfig);
        assert_eq!(guard.open(at(5000)), None);
        guard.asked(Some(&trouble), at(5000));
        assert!(guard.open(at(5001)).is_some());
        guard.asked(None, at(10_000));
        guard.asked(Some(&trouble), at(10_000));
        assert_eq!(guard.open(at(10_000)), None);
    }
}
