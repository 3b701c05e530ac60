//! What keeps strangers from burning the app's quota at WeChat: a limit on codes per client network, and a breaker
//! per app that stops asking while WeChat does not answer, is busy, or keeps saying that the configuration is wrong.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::IpAddr;
use core::time::Duration;

use crate::rejection::{Reason, Rejection};
use crate::time::UnixMillis;

const PLACES: usize = 512;
const MINUTE: Duration = Duration::from_secs(60);
const TROUBLES_TO_OPEN: u8 = 10;
const OPEN_FOR: Duration = Duration::from_secs(5);

/// One worker's memory of recent trouble, bounded: networks that meet in one place push each other out.
pub(crate) struct Guard {
    per_minute: u16,
    places: Vec<Place>,
    breakers: Vec<Breaker>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    network: u64,
    since: UnixMillis,
    /// Codes that are being asked about, and those that were refused.
    taken: u16,
}

#[derive(Clone, Default)]
struct Breaker {
    troubles: u8,
    open_until: UnixMillis,
    opened_by: Option<Rejection>,
}

/// A client network's place for one code, given back when dropped: also when the request ends before its answer.
pub(crate) struct Admission<'a> {
    guard: &'a RefCell<Guard>,
    network: Option<u64>,
}

impl Guard {
    pub(crate) fn new(per_minute: u16, apps: usize) -> Self {
        Self {
            per_minute,
            places: alloc::vec![Place::default(); PLACES],
            breakers: alloc::vec![Breaker::default(); apps],
        }
    }

    fn place(&mut self, network: u64, now: UnixMillis) -> Option<&mut Place> {
        let place = self.places.get_mut(slot(network))?;
        if place.network != network || now.since(place.since) >= MINUTE {
            *place = Place {
                network,
                since: now,
                taken: 0,
            };
        }
        Some(place)
    }

    /// What opened the breaker of this app, while it is open.
    pub(crate) fn opened_by(&self, app: usize, now: UnixMillis) -> Option<Rejection> {
        let breaker = self.breakers.get(app).filter(|own| now < own.open_until)?;
        Some(breaker.opened_by.clone()?.retry_after(OPEN_FOR))
    }

    /// What came of asking WeChat. Ten failures in a row that no client causes open the breaker; when it closes, one
    /// more opens it again. An answer about one code or one user (45011 too) is no such failure: one user must not
    /// lock out the others.
    pub(crate) fn record(&mut self, app: usize, trouble: Option<Rejection>, now: UnixMillis) {
        let Some(breaker) = self.breakers.get_mut(app) else {
            return;
        };
        if trouble.is_none() {
            breaker.troubles = 0;
            return;
        }
        breaker.troubles = breaker.troubles.saturating_add(1);
        if breaker.troubles >= TROUBLES_TO_OPEN {
            breaker.open_until = now.after(OPEN_FOR);
            breaker.opened_by = trouble;
            breaker.troubles = TROUBLES_TO_OPEN - 1;
        }
    }
}

impl<'a> Admission<'a> {
    /// Takes a place for one code.
    ///
    /// # Errors
    /// When the network has used up its minute.
    pub(crate) fn take(
        guard: &'a RefCell<Guard>,
        address: Option<&str>,
        now: UnixMillis,
    ) -> Result<Self, Rejection> {
        let mut places = guard.borrow_mut();
        let limit = places.per_minute;
        let network = address.and_then(network).filter(|_| limit > 0);
        if let Some(place) = network.and_then(|network| places.place(network, now)) {
            if place.taken >= limit {
                return Err(Reason::LoginRateLimited.into());
            }
            place.taken += 1;
        }
        drop(places);
        Ok(Self { guard, network })
    }

    /// The code was refused: its place stays taken for the rest of the minute.
    pub(crate) fn used_up(mut self) {
        self.network = None;
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let places = &mut self.guard.borrow_mut().places;
        if let Some(place) = places.get_mut(slot(network))
            && place.network == network
        {
            place.taken = place.taken.saturating_sub(1);
        }
    }
}

/// An IPv4 address, or the /64 of an IPv6 one: a subscriber has a whole /64 to choose from.
fn network(address: &str) -> Option<u64> {
    match address.parse().ok()? {
        IpAddr::V4(v4) => Some(u64::from(v4.to_bits())),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => Some(u64::from(v4.to_bits())),
            None => u64::try_from(v6.to_bits() >> 64).ok(),
        },
    }
}

fn slot(network: u64) -> usize {
    let mixed = network.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(mixed % PLACES as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn a_network_with_too_many_refused_codes_waits_a_minute_and_others_do_not() {
        let guard = RefCell::new(Guard::new(2, 1));
        let at = |ms: u64| UnixMillis(1_000_000 + ms);
        let take = |address, now| Admission::take(&guard, Some(address), now);
        for _ in 0..2 {
            take("10.0.0.1", at(0)).ok().unwrap().used_up();
        }
        assert!(take("10.0.0.1", at(59_999)).is_err());
        assert!(take("10.0.0.2", at(0)).is_ok());
        assert!(Admission::take(&guard, None, at(0)).is_ok());
        assert!(take("10.0.0.1", at(60_000)).is_ok());
    }

    #[test]
    fn codes_under_way_count_and_good_ones_give_their_place_back() {
        let guard = RefCell::new(Guard::new(2, 1));
        let take = || Admission::take(&guard, Some("2001:db8::1"), UnixMillis(1));
        let (first, second) = (take().ok().unwrap(), take().ok().unwrap());
        assert!(take().is_err());
        assert!(Admission::take(&guard, Some("2001:db8::ffff"), UnixMillis(1)).is_err());
        assert!(Admission::take(&guard, Some("2001:db8:0:1::1"), UnixMillis(1)).is_ok());
        drop(first);
        assert!(take().is_ok());
        second.used_up();
        let third = take().ok().unwrap();
        assert!(take().is_err());
        drop(third);
    }

    #[test]
    fn ten_troubles_in_a_row_open_the_breaker_of_one_app_for_five_seconds() {
        let mut guard = Guard::new(0, 2);
        let at = UnixMillis;
        let trouble = || Some(Rejection::from(Reason::WechatConfig));
        for _ in 0..9 {
            guard.record(0, trouble(), at(0));
        }
        guard.record(0, None, at(0));
        guard.record(0, trouble(), at(0));
        assert_eq!(guard.opened_by(0, at(0)), None);
        for _ in 0..9 {
            guard.record(0, trouble(), at(0));
        }
        assert_eq!(
            guard.opened_by(0, at(4999)).unwrap().reason,
            Reason::WechatConfig
        );
        assert_eq!(guard.opened_by(1, at(4999)), None);
        assert_eq!(guard.opened_by(0, at(5000)), None);
        guard.record(0, trouble(), at(5000));
        assert!(guard.opened_by(0, at(5001)).is_some());
        guard.record(0, None, at(10_000));
        guard.record(0, trouble(), at(10_000));
        assert_eq!(guard.opened_by(0, at(10_000)), None);
    }
}
