//! What must hold of one user: told what was asked, answered and seen by the app, it says what should not have been.
//! Never asks anything itself, and knows no time but that which it is told.

mod arrived;
mod judge;
mod notes;
mod promises;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;

use crate::answer::Answer;
use crate::ask::{Ask, Asked, Token};
use crate::weather::{EdgeName, Moment, Span, Weather};

pub(crate) use arrived::Arrived;
use sessions::{Attempt, End, Session};

/// So many of a user's newest exchanges are kept, for what the app saw of them and to tell what came before a fault.
const KEPT: usize = 400;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Wrong {
    /// A session that must be there is not.
    Lost,
    /// A session that has ended is there.
    Alive,
    /// Somebody is taken for somebody else.
    Identity,
    /// The app got what it must not get.
    LetThrough,
    /// The app got something twice.
    Twice,
    /// The app got something else than was sent.
    Changed,
    /// An answer in Envoy's own words.
    EnvoysOwn,
    /// No answer.
    NoAnswer,
    /// An answer that has not the form of all of them.
    Misshapen,
    /// An answer that nobody has promised.
    Unpromised,
    /// An edge does not work again after a fault.
    NotBack,
    /// The filter has trapped, or says what it should never say.
    Trap,
    /// Memory or file descriptors grow.
    Growth,
}

/// It, and the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Which.
    pub(crate) wrong: Wrong,
    /// What was seen.
    pub(crate) said: String,
}

impl Wrong {
    /// With what was seen.
    pub(crate) fn with(self, said: impl Into<String>) -> Violation {
        Violation {
            wrong: self,
            said: said.into(),
        }
    }
}

/// What is thought of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What should not have been.
    pub(crate) violations: Vec<Violation>,
    /// An outage that no fault of ours explains: a busy machine has some.
    pub(crate) is_unexplained: bool,
    /// The session that a login has made.
    pub(crate) token: Option<Token>,
}

/// A request and what has become of it so far.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// What was asked.
    pub(crate) asked: Asked,
    /// When and what was answered.
    pub(crate) answered: Option<(Moment, Answer)>,
    /// How often the app got it.
    arrived: usize,
    /// Its session had surely run out when it was asked for.
    had_run_out: bool,
    /// The edges surely had the user's newest key when it was asked.
    had_key: bool,
}

impl Exchange {
    fn span(&self) -> Span {
        let from = self.asked.at;
        let until = self.answered.as_ref().map_or(from, |(at, _)| *at);
        Span { from, until }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked {
            number,
            edge,
            protocol,
            at,
            ask,
        } = &self.asked;
        let at = at.as_secs_f64();
        write!(f, "{at:9.3} s  #{number} at {edge:?}, {protocol}: {ask} → ")?;
        match &self.answered {
            Some((then, answer)) => write!(f, "{answer} at {:.3} s", then.as_secs_f64()),
            None => f.write_str("…"),
        }
    }
}

/// One user, and all that was asked in the name of that user.
#[derive(Debug)]
pub(crate) struct User {
    number: usize,
    openid: String,
    /// For so long an edge goes on with the connections of a configuration that was changed.
    draining: Moment,
    sessions: Vec<Session>,
    attempts: Vec<Attempt>,
    everywhere: Vec<End>,
    exchanges: VecDeque<Exchange>,
    asked: u64,
}

impl User {
    /// A user of whom no edge has heard yet.
    #[must_use]
    pub(crate) fn new(number: usize, openid: &str, draining: Moment) -> Self {
        Self {
            number,
            openid: openid.to_owned(),
            draining,
            sessions: Vec::new(),
            attempts: Vec::new(),
            everywhere: Vec::new(),
            exchanges: VecDeque::new(),
            asked: 0,
        }
    }

    /// How the app knows a request of this user.
    #[must_use]
    pub(crate) fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.number)
    }

    /// The number of the next request, which is about to be sent.
    pub(crate) fn asks(
        &mut self,
        edge: EdgeName,
        protocol: crate::ask::Protocol,
        at: Moment,
        ask: Ask,
    ) -> u64 {
        self.asked += 1;
        let number = self.asked;
        let had_run_out = ask.token().is_some_and(|token| {
            let session = self.session(token);
            session.is_some_and(|session| session.has_run_out(at))
        });
        let exchange = Exchange {
            had_run_out,
            had_key: self.edges_have_newest_key(at),
            asked: Asked {
                number,
                edge,
                protocol,
                at,
                ask: ask.clone(),
            },
            answered: None,
            arrived: 0,
        };
        self.exchanges.push_back(exchange);
        if self.exchanges.len() > KEPT {
            self.exchanges.pop_front();
        }
        self.note_asked(number, edge, at, &ask);
        number
    }

    /// An answer has come, or will not.
    pub(crate) fn is_answered(
        &mut self,
        number: u64,
        at: Moment,
        answer: &Answer,
        weather: &Weather,
    ) -> Verdict {
        let Some(place) = self.place(number) else {
            return Verdict::default();
        };
        self.exchanges[place].answered = Some((at, answer.clone()));
        let exchange = self.exchanges[place].clone();
        let mut verdict = self.judge(&exchange, answer, weather);
        let arrived = exchange.arrived > 0;
        if arrived && !matches!(answer, Answer::App { .. } | Answer::None(_)) {
            let own = matches!(answer, Answer::Strange { .. });
            // Envoy answers for an app that has gone away in the middle.
            if !own {
                verdict
                    .violations
                    .push(Wrong::LetThrough.with("refused, and the app has got it"));
            }
        }
        verdict.token = self.note_answered(&exchange, answer);
        verdict
    }

    /// The app has got a request of this user.
    pub(crate) fn has_arrived(
        &mut self,
        number: u64,
        arrived: &Arrived,
        weather: &Weather,
    ) -> Verdict {
        let Some(place) = self.place(number) else {
            let said = format!("the app has got #{number}, which is not under way");
            return Verdict {
                violations: vec![Wrong::LetThrough.with(said)],
                ..Verdict::default()
            };
        };
        self.exchanges[place].arrived += 1;
        let exchange = self.exchanges[place].clone();
        Verdict {
            violations: self.judge_arrived(&exchange, arrived, weather),
            ..Verdict::default()
        }
    }

    /// What the newest exchanges and the sessions look like, for whoever looks for a cause.
    #[must_use]
    pub(crate) fn history(&self, newest: usize) -> Vec<String> {
        let skipped = self.exchanges.len().saturating_sub(newest);
        let lines = self.exchanges.iter().skip(skipped);
        lines.map(ToString::to_string).collect()
    }

    fn place(&self, number: u64) -> Option<usize> {
        let first = self.exchanges.front()?.asked.number;
        let place = usize::try_from(number.checked_sub(first)?).ok()?;
        (place < self.exchanges.len()).then_some(place)
    }

    fn session(&self, token: &Token) -> Option<&Session> {
        self.sessions.iter().find(|session| session.token == *token)
    }

    fn session_mut(&mut self, token: &Token) -> Option<&mut Session> {
        self.sessions
            .iter_mut()
            .find(|session| session.token == *token)
    }
}
