//! What is known of a user's sessions: when each may be over, when it must be.

use std::time::Duration;

use super::{Exchange, User, Wrong};
use crate::ask::{Ask, Route, Token};
use crate::rules::{ABSOLUTE, CACHE, IDLE, MAX_FAILURES, MAX_PER_USER};
use crate::weather::{EdgeName, Moment, Span, Weather};

/// Clocks that are read at two places differ by the time between; a worker's own is up to a tenth of a second late.
const TOLERANCE: Duration = Duration::from_secs(1);
/// What was begun and given up is carried on by the edge for no longer: a login that WeChat is slow to answer, and then the
/// store.
const CARRIED_ON: Duration = Duration::from_secs(15);
/// A use is written down at most every third of the idle time, and the look-up may have been a cached one.
const SURE: Duration = Duration::from_secs(IDLE.as_secs() / 2);
/// For so long after a use it may yet be written down.
const WRITTEN_LATER: Duration = Duration::from_secs(2);
/// A session that was given out.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) token: Token,
    pub(super) edge: EdgeName,
    pub(super) login: Span,
    pub(super) ends: Vec<End>,
    /// With the app, newest last.
    pub(super) uses: Vec<Use>,
    /// The last time that anybody may have used it.
    pub(super) last_use: Moment,
    pub(super) under_way: usize,
    /// Open data that did not open, or may not have.
    pub(super) failures: usize,
}

/// What ends a session, or may.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) exchange: u64,
    pub(super) edge: EdgeName,
    pub(super) asked: Moment,
    pub(super) answered: Option<Moment>,
    /// It was answered that it was done.
    pub(super) done: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) edge: EdgeName,
    pub(super) span: Span,
}

/// A login that was tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) exchange: u64,
    pub(super) asked: Moment,
    pub(super) answered: Option<Moment>,
    pub(super) done: bool,
}

impl Attempt {
    fn is_done(&self, weather: &Weather) -> bool {
        let (from, Some(until)) = (self.asked, self.answered) else {
            return false;
        };
        self.done && !weather.forgot(Span { from, until })
    }
}

impl End {
    /// The last moment at which it may still be at work.
    fn settled(&self) -> Moment {
        match self.answered {
            Some(at) if self.done => at,
            Some(at) => at + CARRIED_ON,
            None => Moment::MAX,
        }
    }

    /// When it was done for good, as far as a Redis that is killed lets anybody know.
    fn surely(&self, weather: &Weather) -> Option<Moment> {
        let until = self.answered.filter(|_| self.done)?;
        let from = self.asked;
        (!weather.forgot(Span { from, until })).then_some(until)
    }
}

impl Session {
    /// Nobody can have used it for longer than it may rest, or it is too old, whatever its use.
    pub(super) fn has_run_out(&self, at: Moment) -> bool {
        let slack = CACHE + TOLERANCE;
        let rested = self.under_way == 0 && at > self.last_use + IDLE + slack;
        rested || at > self.login.until + ABSOLUTE + slack
    }

    fn has_surely_time(&self, until: Moment, weather: &Weather) -> bool {
        let counted = |used: &&Use| {
            let span = Span {
                from: used.span.from,
                until: used.span.until + WRITTEN_LATER,
            };
            !weather.was_without_store(used.edge, span)
        };
        let last = self.uses.iter().rev().find(counted);
        let last = last.map_or(self.login.from, |used| used.span.from);
        until < last + SURE && until + TOLERANCE < self.login.from + ABSOLUTE
    }
}

impl User {
    /// Whether a session may be over by then, for any reason but `without`.
    pub(super) fn may_be_over(
        &self,
        token: &Token,
        until: Moment,
        without: u64,
        weather: &Weather,
    ) -> bool {
        let Some(session) = self.session(token) else {
            return true;
        };
        let is_other = |end: &&End| end.exchange != without;
        let ended = session.ends.iter().filter(is_other);
        let everywhere = self.everywhere.iter().filter(is_other);
        let everywhere = everywhere.filter(|end| session.login.from < end.settled());
        let pushed_out = self.attempts.iter().filter(|attempt| {
            attempt.asked <= until && attempt.answered.is_none_or(|at| at > session.login.from)
        });
        ended.chain(everywhere).any(|end| end.asked <= until)
            || weather.forgot(session.login)
            || session.failures >= MAX_FAILURES
            || pushed_out.count() >= MAX_PER_USER
            || !session.has_surely_time(until, weather)
    }

    /// Why a session must be over for whoever shows it there from then on. `cached`: in so far as a worker looks into its
    /// own memory first.
    pub(super) fn must_be_over(
        &self,
        exchange: &Exchange,
        token: &Token,
        cached: bool,
        weather: &Weather,
    ) -> Option<String> {
        let session = self.session(token)?;
        let asked = &exchange.asked;
        if exchange.had_run_out {
            return Some(format!("{token} had run out"));
        }
        let everywhere = self.everywhere.iter();
        let everywhere = everywhere.filter(|end| session.login.until < end.asked);
        let is_stale = matches!(&asked.ask, Ask::App { route, .. } if *route == Route::Catalog)
            && weather.was_without_store(asked.edge, exchange.span());
        let over = session.ends.iter().chain(everywhere).find(|end| {
            let Some(done) = end.surely(weather) else {
                return false;
            };
            // At once on the worker that was asked.
            let at_once = !cached || (end.edge == asked.edge && asked.edge.workers() == 1);
            let slack = if at_once {
                Duration::ZERO
            } else {
                CACHE + TOLERANCE
            };
            (at_once || !is_stale) && asked.at > done + slack
        })?;
        let done = over.answered.unwrap_or_default().as_secs_f64();
        let (exchange, edge) = (over.exchange, over.edge);
        Some(format!(
            "{token} was ended by #{exchange} at {edge:?}, answered at {done:.3} s"
        ))
    }

    /// The sessions that must be there from the one moment to the other.
    pub(super) fn surely_alive(&self, span: Span, without: u64, weather: &Weather) -> usize {
        let sessions = self.sessions.iter();
        let there = sessions.filter(|session| session.login.until < span.from);
        there
            .filter(|session| !self.may_be_over(&session.token, span.until, without, weather))
            .count()
    }

    /// Whether the user's newest key, as WeChat knows it, is one that every edge finds: the last login was a good one, and
    /// none before it may come after it.
    pub(super) fn edges_have_newest_key(&self, at: Moment) -> bool {
        let Some((last, before)) = self.attempts.split_last() else {
            return false;
        };
        let settled = |attempt: &Attempt| {
            attempt.done
                || attempt
                    .answered
                    .is_some_and(|then| then + CARRIED_ON < last.asked)
        };
        last.done && last.answered.is_some_and(|then| then <= at) && before.iter().all(settled)
    }

    /// The last login may be one that Redis has forgotten.
    pub(super) fn newest_key_may_be_forgotten(&self, weather: &Weather) -> bool {
        let last = self.attempts.last();
        last.is_none_or(|attempt| !attempt.is_done(weather))
    }

    /// A login that no edge may have forgotten: the user is known from then on.
    pub(super) fn is_surely_known(&self, at: Moment, weather: &Weather) -> bool {
        let recent = |attempt: &&Attempt| {
            attempt
                .answered
                .is_some_and(|then| then < at && at < then + ABSOLUTE)
        };
        let mut recent = self.attempts.iter().filter(recent);
        recent.any(|attempt| attempt.is_done(weather))
    }

    /// Where and when a session was made.
    pub(super) fn made(&self, token: &Token) -> String {
        match self.session(token) {
            Some(Session { edge, login, .. }) => {
                let at = login.until.as_secs_f64();
                format!("{token} was given out at {edge:?} at {at:.3} s")
            }
            None => format!("{token} is not known here"),
        }
    }

    /// Another login of the same code must give the same session.
    pub(super) fn may_be_repeated(&self, token: &Token, until: Moment) -> bool {
        let session = self.session(token);
        session.is_some_and(|own| until < own.login.until + crate::rules::REMEMBER - TOLERANCE)
    }

    /// What a look at it says.
    pub(super) fn lost(&self, token: &Token, what: &str) -> super::Violation {
        Wrong::Lost.with(format!(
            "{what}; {}, and nothing has ended it",
            self.made(token)
        ))
    }
}
