//! The circuit breaker of one mini program: stops asking WeChat while it does not answer, is busy, or keeps saying that the
//! configuration is wrong. Plain data, which a host without a long memory keeps in the store.

use alloc::string::String;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

const TROUBLES_TO_OPEN: u8 = 10;

/// For how long it does not ask.
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CircuitBreaker {
    /// Troubles in a row.
    troubles: u8,
    /// When it opened last, and what opened it.
    opened: Option<(UnixMillis, Trouble)>,
    /// It has closed, and somebody asks whether it may stay so.
    #[serde(skip)]
    tried: Option<UnixMillis>,
}

/// A failure that no client causes. An answer about one code or one user (45011 too) is none: one user must not lock
/// out the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// No answer in time.
    Timeout,
    /// No usable answer.
    Unavailable,
    /// WeChat is busy, or refuses the configuration.
    Said {
        /// As in its answer.
        errcode: i64,
        /// The request's id at WeChat.
        rid: Option<String>,
    },
}

impl CircuitBreaker {
    /// What opened it, while it is open.
    pub(crate) fn opened_by(&self, now: UnixMillis) -> Option<&Trouble> {
        let (at, trouble) = self.opened.as_ref()?;
        now.is_within(OPEN_FOR, *at).then_some(trouble)
    }

    /// What keeps somebody from asking WeChat now. When it closes one may, and the others when that one has an answer, or
    /// has not come back for as long as it was open.
    pub(crate) fn keeps_out(&mut self, now: UnixMillis) -> Option<Trouble> {
        let is_open = self.opened_by(now).is_some();
        let is_tried = self
            .tried
            .is_some_and(|since| now.is_within(OPEN_FOR, since));
        let (_, trouble) = self.opened.as_ref()?;
        if is_open || is_tried {
            return Some(trouble.clone());
        }
        self.tried = Some(now);
        None
    }

    /// What another worker has written of it. Who asks here, asks on.
    pub(crate) fn learn(&mut self, known: Self) {
        let tried = self.tried.filter(|_| self.opened == known.opened);
        *self = Self { tried, ..known };
    }

    /// Ten in a row open it; when it closes, one more opens it again.
    pub(crate) fn trouble(&mut self, trouble: Trouble, now: UnixMillis) {
        self.troubles = self.troubles.saturating_add(1);
        self.tried = None;
        if self.troubles >= TROUBLES_TO_OPEN {
            self.opened = Some((now, trouble));
            self.troubles = TROUBLES_TO_OPEN - 1;
        }
    }

    /// What no further try would change opens it at once. Whether it was open before, or is being tried.
    pub(crate) fn open(&mut self, trouble: Trouble, now: UnixMillis) -> bool {
        let was_open = self.opened.is_some();
        self.troubles = TROUBLES_TO_OPEN - 1;
        self.trouble(trouble, now);
        was_open
    }

    /// WeChat has answered, be it with a refusal of a code.
    pub(crate) fn answered(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    const BUSY: Trouble = Trouble::Said {
        errcode: -1,
        rid: None,
    };

    fn open(at: u64) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::default();
        for _ in 0..10 {
            assert_eq!(breaker.opened_by(UnixMillis(at)), None);
            breaker.trouble(BUSY, UnixMillis(at));
        }
        breaker
    }

    #[test]
    fn ten_troubles_in_a_row_open_it_for_five_seconds_and_then_one_more() {
        let mut breaker = open(0);
        assert_eq!(breaker.opened_by(UnixMillis(4999)), Some(&BUSY));
        assert_eq!(breaker.opened_by(UnixMillis(5000)), None);
        assert_eq!(breaker.keeps_out(UnixMillis(5000)), None, "the first");
        assert_eq!(breaker.keeps_out(UnixMillis(5000)), Some(BUSY), "another");
        breaker.trouble(Trouble::Timeout, UnixMillis(5000));
        assert_eq!(breaker.opened_by(UnixMillis(5001)), Some(&Trouble::Timeout));
    }

    #[test]
    fn an_answer_between_begins_the_row_anew() {
        let mut breaker = CircuitBreaker::default();
        for _ in 0..20 {
            for _ in 0..9 {
                breaker.trouble(BUSY, UnixMillis(0));
            }
            breaker.answered();
            assert_eq!(breaker.opened_by(UnixMillis(0)), None);
        }
    }

    #[test]
    fn one_asks_when_it_closes_and_the_others_when_that_one_has_an_answer() {
        let mut breaker = open(0);
        assert_eq!(breaker.keeps_out(UnixMillis(5000)), None);
        assert!(breaker.keeps_out(UnixMillis(6000)).is_some());
        breaker.answered();
        assert_eq!(breaker.keeps_out(UnixMillis(6000)), None);
        assert_eq!(breaker.keeps_out(UnixMillis(6000)), None);
        let mut breaker = open(0);
        assert_eq!(breaker.keeps_out(UnixMillis(5000)), None);
        assert_eq!(
            breaker.keeps_out(UnixMillis(10_000)),
            None,
            "it never came back"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_open() {
        let hour = 3_600_000;
        let mut breaker = open(10 * hour);
        assert!(breaker.opened_by(UnixMillis(10 * hour)).is_some());
        for now in [9 * hour, 10 * hour - 1, 11 * hour] {
            assert_eq!(breaker.opened_by(UnixMillis(now)), None, "{now}");
        }
        breaker.trouble(BUSY, UnixMillis(9 * hour));
        assert!(breaker.opened_by(UnixMillis(9 * hour + 4999)).is_some());
        assert!(breaker.opened_by(UnixMillis(9 * hour + 5000)).is_none());
    }
}
