//! Everything that was asked, answered and seen by the app, of all users; counted, and held against the model as it comes.
//! Keeps of each user what is needed to judge what comes next, and to tell what came before.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Instant;

use testkit::envoy::WatchingEnvoy;
use testkit::listener::locked;

use crate::answer::Answer;
use crate::ask::{Ask, Protocol, Token};
use crate::model::{Arrived, User, Verdict, Violation, Wrong};
use crate::weather::{EdgeName, Fault, Moment, Weather};

/// So many violations of each kind are told with what came before them; of the others only how many there were.
const TOLD: usize = 3;
/// And so many of the user's exchanges before each.
const HISTORY: usize = 25;

/// The one of a soak. It is told things by all threads.
#[derive(Debug)]
pub(crate) struct Ledger {
    began: Instant,
    users: Vec<Mutex<User>>,
    weather: Mutex<Weather>,
    counts: Mutex<Counts>,
}

/// What has come so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// By kind of request and of answer.
    pub(crate) answers: BTreeMap<(&'static str, String), usize>,
    /// By protocol.
    pub(crate) protocols: BTreeMap<Protocol, usize>,
    /// Requests that the app has got.
    pub(crate) arrived: usize,
    /// Outages that no fault explains, by what was answered.
    pub(crate) unexplained: BTreeMap<String, usize>,
    /// Of each kind.
    pub(crate) violations: BTreeMap<Wrong, usize>,
    /// The first of them, with what came before.
    pub(crate) told: Vec<String>,
}

impl Counts {
    /// How many requests were answered, or given up.
    #[must_use]
    pub(crate) fn requests(&self) -> usize {
        self.answers.values().sum()
    }

    /// How many outages no fault explains.
    #[must_use]
    pub(crate) fn all_unexplained(&self) -> usize {
        self.unexplained.values().sum()
    }
}

impl Ledger {
    /// For users with these openids.
    #[must_use]
    pub(crate) fn new(openids: &[String]) -> Self {
        let user = |(number, openid): (usize, &String)| {
            Mutex::new(User::new(number, openid, WatchingEnvoy::DRAINING))
        };
        Self {
            began: Instant::now(),
            users: openids.iter().enumerate().map(user).collect(),
            weather: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// How long the soak has gone on.
    #[must_use]
    pub(crate) fn now(&self) -> Moment {
        self.began.elapsed()
    }

    /// Before a request is sent. Gives its number.
    pub(crate) fn asks(&self, user: usize, edge: EdgeName, protocol: Protocol, ask: &Ask) -> u64 {
        let mut account = locked(&self.users[user]);
        account.asks(edge, protocol, self.now(), ask.clone())
    }

    /// How the app knows a request.
    #[must_use]
    pub(crate) fn id(&self, user: usize, number: u64) -> String {
        locked(&self.users[user]).id(number)
    }

    /// When an answer has come, or will not. Gives the token that it has brought.
    pub(crate) fn is_answered(
        &self,
        user: usize,
        number: u64,
        (protocol, ask): (Protocol, &Ask),
        answer: &Answer,
    ) -> Option<Token> {
        let mut account = locked(&self.users[user]);
        let now = self.now();
        let weather = locked(&self.weather).clone();
        let verdict = account.is_answered(number, now, answer, &weather);
        {
            let mut counts = locked(&self.counts);
            *counts
                .answers
                .entry((ask.kind(), answer.kind()))
                .or_default() += 1;
            *counts.protocols.entry(protocol).or_default() += 1;
            if verdict.is_unexplained {
                *counts.unexplained.entry(answer.kind()).or_default() += 1;
            }
        }
        self.tell(&account, number, &verdict.violations);
        verdict.token
    }

    /// When the app has got a request. One that it cannot name is nobody's.
    pub(crate) fn has_arrived(&self, id: &str, arrived: &Arrived) {
        locked(&self.counts).arrived += 1;
        let named = id.split_once('-').and_then(|(user, number)| {
            let user = self.users.get(user.parse::<usize>().ok()?)?;
            Some((user, number.parse().ok()?))
        });
        let Some((user, number)) = named else {
            let said = format!("the app has got a request of nobody's: {id:?}");
            self.violated(&Wrong::LetThrough.with(said), String::new());
            return;
        };
        let mut account = locked(user);
        let weather = locked(&self.weather).clone();
        let Verdict { violations, .. } = account.has_arrived(number, arrived, &weather);
        self.tell(&account, number, &violations);
    }

    /// Before a fault.
    pub(crate) fn fault_begins(&self, fault: Fault) {
        locked(&self.weather).begins(fault, self.now());
    }

    /// When everything was seen to work again.
    pub(crate) fn fault_passes(&self) {
        locked(&self.weather).passes(self.now());
    }

    /// All faults so far.
    #[must_use]
    pub(crate) fn weather(&self) -> Weather {
        locked(&self.weather).clone()
    }

    /// What has come so far.
    #[must_use]
    pub(crate) fn counts(&self) -> Counts {
        locked(&self.counts).clone()
    }

    /// Something is wrong that is no user's.
    pub(crate) fn is_wrong(&self, violation: &Violation) {
        let spells = spells(&locked(&self.weather), self.now());
        self.violated(violation, spells);
    }

    fn tell(&self, account: &User, number: u64, violations: &[Violation]) {
        for violation in violations {
            let mut before = format!("    at request #{number} of this user:\n");
            for line in account.history(HISTORY) {
                let _ = writeln!(before, "      {line}");
            }
            before += &spells(&locked(&self.weather), self.now());
            self.violated(violation, before);
        }
    }

    fn violated(&self, violation: &Violation, before: String) {
        let mut counts = locked(&self.counts);
        let Violation { wrong, said } = violation;
        let own = counts.violations.entry(*wrong).or_default();
        *own += 1;
        if *own <= TOLD {
            let at = self.now().as_secs_f64();
            let told = format!("{wrong:?} at {at:.3} s: {said}\n{before}");
            // At once: whoever watches need not wait for the end.
            println!("VIOLATION {told}");
            counts.told.push(told);
        }
    }
}

/// The last faults.
fn spells(weather: &Weather, now: Moment) -> String {
    let mut text = String::from("    the last faults:\n");
    let skipped = weather.spells.len().saturating_sub(4);
    for spell in weather.spells.iter().skip(skipped) {
        let from = spell.from.as_secs_f64();
        let until = match spell.until {
            Some(until) => format!("{:.3} s", until.as_secs_f64()),
            None => format!("now, {:.3} s", now.as_secs_f64()),
        };
        let _ = writeln!(text, "      {}, from {from:.3} s to {until}", spell.fault);
    }
    text
}
