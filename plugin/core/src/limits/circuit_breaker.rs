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
    /// Its time is over, and since then somebody probes whether WeChat answers again.
    #[serde(skip)]
    half_open_since: Option<UnixMillis>,
}

/// A failure that no client causes. An answer about one code or one user (45011 too) does not count: one user must not
/// lock out the others.
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

    /// Leave to ask WeChat now. After it has been open one may, and the others when that one has an answer, or has not come
    /// back for as long as it was open.
    ///
    /// # Errors
    /// What opened it.
    pub(crate) fn try_acquire(&mut self, now: UnixMillis) -> Result<(), Trouble> {
        let Some((_, trouble)) = &self.opened else {
            return Ok(());
        };
        let is_tried = self
            .half_open_since
            .is_some_and(|since| now.is_within(OPEN_FOR, since));
        if is_tried || self.opened_by(now).is_some() {
            return Err(trouble.clone());
        }
        self.half_open_since = Some(now);
        Ok(())
    }

    /// Takes over the state that another worker has stored; a probe of this worker goes on, unless the breaker has
    /// opened anew.
    pub(crate) fn learn(&mut self, known: Self) {
        let half_open_since = self.half_open_since.filter(|_| self.opened == known.opened);
        *self = Self {
            half_open_since,
            ..known
        };
    }

    /// Ten in a row open it; when it closes, one more opens it again.
    pub(crate) fn record_failure(&mut self, trouble: Trouble, now: UnixMillis) {
        self.troubles = self.troubles.saturating_add(1);
        self.half_open_since = None;
        if self.troubles >= TROUBLES_TO_OPEN {
            self.opened = Some((now, trouble));
            self.troubles = TROUBLES_TO_OPEN - 1;
        }
    }

    /// Opens it at once, for trouble that no further try would change. Tells whether it was open before, or is being
    /// probed.
    pub(crate) fn open(&mut self, trouble: Trouble, now: UnixMillis) -> bool {
        let was_open = self.opened.is_some();
        self.troubles = TROUBLES_TO_OPEN - 1;
        self.record_failure(trouble, now);
        was_open
    }

    /// WeChat has answered, be it with a refusal of a code.
    pub(crate) fn record_success(&mut self) {
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
            breaker.record_failure(BUSY, UnixMillis(at));
        }
        breaker
    }

    #[test]
    fn ten_troubles_in_a_row_open_it_for_five_seconds_and_then_one_more() {
        let mut breaker = open(0);
        assert_eq!(breaker.opened_by(UnixMillis(4999)), Some(&BUSY));
        assert_eq!(breaker.opened_by(UnixMillis(5000)), None);
        assert_eq!(breaker.try_acquire(UnixMillis(5000)), Ok(()), "the first");
        assert_eq!(breaker.try_acquire(UnixMillis(5000)), Err(BUSY), "another");
        breaker.record_failure(Trouble::Timeout, UnixMillis(5000));
        assert_eq!(breaker.opened_by(UnixMillis(5001)), Some(&Trouble::Timeout));
    }

    #[test]
    fn an_answer_between_begins_the_row_anew() {
        let mut breaker = CircuitBreaker::default();
        for _ in 0..20 {
            for _ in 0..9 {
                breaker.record_failure(BUSY, UnixMillis(0));
            }
            breaker.record_success();
            assert_eq!(breaker.opened_by(UnixMillis(0)), None);
        }
    }

    #[test]
    fn one_asks_when_it_closes_and_the_others_when_that_one_has_an_answer() {
        let mut breaker = open(0);
        assert_eq!(breaker.try_acquire(UnixMillis(5000)), Ok(()));
        assert!(breaker.try_acquire(UnixMillis(6000)).is_err());
        breaker.record_success();
        assert_eq!(breaker.try_acquire(UnixMillis(6000)), Ok(()));
        assert_eq!(breaker.try_acquire(UnixMillis(6000)), Ok(()));
        let mut breaker = open(0);
        assert_eq!(breaker.try_acquire(UnixMillis(5000)), Ok(()));
        assert_eq!(
            breaker.try_acquire(UnixMillis(10_000)),
            Ok(()),
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
        breaker.record_failure(BUSY, UnixMillis(9 * hour));
        assert!(breaker.opened_by(UnixMillis(9 * hour + 4999)).is_some());
        assert!(breaker.opened_by(UnixMillis(9 * hour + 5000)).is_none());
    }
}
