//! What is known of every session of a world, from what clients, apps and operators were told: whose it is, whether it
//! must live, and whether it must not. Where nobody can know, it says so, and claims nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A moment in the order of things, which no clock tells.
pub(super) type Turn = u64;

/// What apps have said is in the store by then, or somebody has logged that it is not: all attempts, and as long as the
/// store may take for each.
pub(super) const SAID_BY: Duration = Duration::from_secs(40);

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) known: Vec<Known>,
    /// By user.
    sweeps: Vec<Sweep>,
}

/// Of a user.
#[derive(Clone, Copy, Default)]
struct Sweep {
    /// When all sessions were last to end, or had ended.
    last: Turn,
    under_way: usize,
    /// An app has said so: until then it may go on, by the clock that nobody sets.
    until: Duration,
    /// Codes that were brought.
    logins: usize,
}

/// A session that somebody was told of.
pub(super) struct Known {
    pub(super) token: String,
    /// As logs and the back channel call it.
    pub(super) short: String,
    pub(super) owner: usize,
    pub(super) life: Life,
    since: Turn,
    /// The extremes of the wall clock since its beginning.
    earliest: Duration,
    latest: Duration,
    /// Pieces of open data that did not open, at most.
    failures: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It lives, unless its time is over.
    Lives,
    /// Nobody can know.
    Unsure,
    Ended(End),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    turn: Turn,
    /// Which worker has ended it: there it passes no more.
    by: usize,
    /// From when on it passes nowhere, by the clock that nobody sets.
    everywhere_from: Duration,
    /// By the word of an app, which comes to the store beside its answer.
    is_said: bool,
    /// That was said of another one, and of all its user's.
    is_beside: bool,
    /// The wall clock was set back since, or before and is not yet where it was: for how long others have had it in their
    /// caches nobody knows.
    clock_was_set_back: bool,
}

/// Half of what a worker may have failures of one session.
const FEW_FAILURES: usize = 3;
/// Of one user: one more login ends the oldest session.
const FEW_LOGINS: usize = 9;

impl Ledger {
    pub(super) fn new(users: usize) -> Self {
        Self {
            known: Vec::new(),
            sweeps: vec![Sweep::default(); users],
        }
    }

    pub(super) fn find(&self, token: &str) -> Option<usize> {
        self.known.iter().position(|own| own.token == token)
    }

    /// A token was given out with a request that came at `asked`. Its number.
    pub(super) fn learn(
        &mut self,
        token: &str,
        owner: usize,
        asked: Turn,
        now: Turn,
        (wall, uptime): (Duration, Duration),
    ) -> usize {
        if let Some(number) = self.find(token) {
            return number;
        }
        let sweep = self.sweeps[owner];
        let swept = sweep.under_way > 0 || sweep.last >= asked || uptime < sweep.until;
        self.known.push(Known {
            token: token.to_owned(),
            short: short(token),
            owner,
            life: if swept { Life::Unsure } else { Life::Lives },
            since: now,
            earliest: wall,
            latest: wall,
            failures: 0,
        });
        self.known.len() - 1
    }

    /// Somebody brings a code of this user's.
    pub(super) fn logs_in(&mut self, user: usize) {
        self.sweeps[user].logins += 1;
        if self.sweeps[user].logins > FEW_LOGINS {
            self.doubt_all(user);
        }
    }

    pub(super) fn doubt(&mut self, number: usize) {
        let life = &mut self.known[number].life;
        if *life == Life::Lives {
            *life = Life::Unsure;
        }
    }

    pub(super) fn doubt_all(&mut self, user: usize) {
        for number in 0..self.known.len() {
            if self.known[number].owner == user {
                self.doubt(number);
            }
        }
    }

    /// From now on nobody knows what the store has.
    pub(super) fn doubt_everything(&mut self) {
        for own in &mut self.known {
            let is_firm = matches!(own.life, Life::Ended(end) if !end.is_said);
            if !is_firm {
                own.life = Life::Unsure;
            }
        }
    }

    /// A piece of open data that may count against it.
    pub(super) fn fails(&mut self, number: usize) {
        self.known[number].failures += 1;
        if self.known[number].failures >= FEW_FAILURES {
            self.doubt(number);
        }
    }

    /// All sessions of a user are to end.
    pub(super) fn sweep_begins(&mut self, user: usize, now: Turn) {
        self.sweeps[user].under_way += 1;
        self.sweeps[user].last = now;
        self.doubt_all(user);
    }

    /// What was asked for at `asked` is over. `ended`: all sessions have ended that there were by then, by this worker.
    pub(super) fn sweep_ends(
        &mut self,
        user: usize,
        asked: Turn,
        now: Turn,
        ended: Option<Ending>,
    ) {
        self.sweeps[user].under_way -= 1;
        self.sweeps[user].last = now;
        for number in 0..self.known.len() {
            let Known { owner, since, .. } = self.known[number];
            match ended {
                Some(how) if owner == user && since < asked => self.end(number, now, how),
                _ if owner == user => self.doubt(number),
                _ => {}
            }
        }
    }

    /// Sessions of a user may end from now on that nobody knows yet.
    pub(super) fn is_swept(&mut self, user: usize, now: Turn, uptime: Duration) {
        self.sweeps[user].last = now;
        self.sweeps[user].until = uptime + SAID_BY;
    }

    /// An app has said that all sessions of a user end.
    pub(super) fn app_sweeps(&mut self, asks: usize, now: Turn, how: Ending) {
        let user = self.known[asks].owner;
        self.is_swept(user, now, how.at);
        for number in 0..self.known.len() {
            if self.known[number].owner == user {
                let is_beside = number != asks;
                self.end(number, now, Ending { is_beside, ..how });
            }
        }
    }

    /// It has ended.
    pub(super) fn end(&mut self, number: usize, turn: Turn, how: Ending) {
        let Ending {
            by,
            at,
            wall,
            cache,
            is_said,
            is_beside,
        } = how;
        // What is firm stays so.
        if let Life::Ended(before) = self.known[number].life
            && (is_said || !before.is_said)
        {
            return;
        }
        let delay = if is_said { SAID_BY } else { Duration::ZERO };
        self.known[number].life = Life::Ended(End {
            turn,
            by,
            everywhere_from: at + delay + cache,
            is_said,
            is_beside,
            clock_was_set_back: wall < self.known[number].latest,
        });
    }

    /// What apps have said by way of this worker is not done, or nobody knows whether.
    pub(super) fn doubt_said(&mut self, by: usize) {
        for own in &mut self.known {
            if matches!(own.life, Life::Ended(end) if end.is_said && end.by == by) {
                own.life = Life::Unsure;
            }
        }
    }

    pub(super) fn clock_moves(&mut self, before: Duration, now: Duration) {
        for own in &mut self.known {
            own.earliest = own.earliest.min(now);
            own.latest = own.latest.max(now);
            if let Life::Ended(end) = &mut own.life {
                end.clock_was_set_back |= now < before;
            }
        }
    }

    /// Whether a session has to be there, idle times being so.
    pub(super) fn must_live(&self, number: usize, idle: Duration) -> bool {
        self.known[number].life == Life::Lives && self.is_in_time(number, idle)
    }

    /// Whether no clock can have said that its time is over. Behind one that was set back a session goes on, but not by a
    /// day, and its times begin anew there.
    pub(super) fn is_in_time(&self, number: usize, idle: Duration) -> bool {
        let own = &self.known[number];
        own.latest < own.earliest + idle / 2
    }

    /// Why a session must not pass on a worker with a request that came at `asked`, if it must not. `uptime`: when it came.
    pub(super) fn must_not_pass(
        &self,
        number: usize,
        worker: usize,
        asked: Turn,
        uptime: Duration,
    ) -> Option<String> {
        let Life::Ended(end) = self.known[number].life else {
            return None;
        };
        // By a clock that was set back, and perhaps ahead again, nobody can tell what was made since from what was before.
        let is_known_here = end.by == worker && !(end.is_beside && end.clock_was_set_back);
        let is_over = end.turn < asked
            && (is_known_here || (!end.clock_was_set_back && uptime > end.everywhere_from));
        is_over.then(|| format!("session {} has ended: {end:?}", self.known[number].short))
    }
}

/// How a session ends.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    /// On which worker.
    pub(super) by: usize,
    /// By the clock that nobody sets.
    pub(super) at: Duration,
    pub(super) wall: Duration,
    /// For so long others may have it in their caches.
    pub(super) cache: Duration,
    pub(super) is_said: bool,
    /// Another one was to end, and all its user's.
    pub(super) is_beside: bool,
}

/// As logs and the back channel call a session.
fn short(token: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    let opener = Sha256::digest([b"opener".as_slice(), &bytes].concat());
    let id = Sha256::digest([b"id".as_slice(), &opener].concat());
    id[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}
