//! What must hold of every request of a world, as far as it has come. Everything that is wrong panics with its story.

use super::errand::{Errand, Kind, Login};
use super::ledger::{Ending, Turn};
use super::open::Stage;
use super::world::{World, is_lie};
use crate::rig::edge::Fate;

/// Where a host that fails may leave trailers that nobody sees, or takes off.
const HIDES_TRAILERS: [&str; 2] = [
    "proxy_get_header_map_pairs",
    "proxy_remove_header_map_value",
];

impl World {
    /// What is no longer known once this request is under way.
    pub(super) fn expect(&mut self, errand: &Errand, asked: Turn) {
        if let Some(code) = errand.brings {
            self.means.codes[code].brought += 1;
            self.ledger.logs_in(self.means.codes[code].user);
            // It ends the session that this phone had before.
            if let Some(number) = errand.shows
                && errand.login() != Login::Binds
            {
                self.ledger.doubt(number);
            }
        }
        match errand.kind {
            Kind::Logout | Kind::End => {
                if let Some(number) = errand.shows.or(errand.means) {
                    self.ledger.doubt(number);
                }
            }
            _ => {}
        }
        if let Some(user) = self.swept(errand) {
            self.ledger.sweep_begins(user, asked);
        }
    }

    /// Whose sessions are all to end.
    pub(super) fn swept(&self, errand: &Errand) -> Option<usize> {
        match errand.kind {
            Kind::Everywhere => errand.shows.map(|number| self.ledger.known[number].owner),
            Kind::EndAll if errand.is_entitled => errand.about,
            _ => None,
        }
    }

    /// Looks at everything that may have got further.
    pub(super) fn look(&mut self) {
        for at in 0..self.stations.len() {
            let Some(station) = &mut self.stations[at] else {
                continue;
            };
            let (misdeed, failure) = (station.edge.misdeed(), station.edge.take_failure());
            let (lines, worker) = (station.edge.take_log(), station.number);
            if let Some(misdeed) = misdeed {
                panic!("worker {at}: {misdeed}");
            }
            self.note_failure(at, failure);
            for line in lines {
                self.history.note(|| format!("  worker {at} logs {line}"));
                self.check_log(&line);
                if line.contains("session_not_ended") {
                    self.ledger.doubt_said(worker);
                }
            }
        }
        if self.is_lied_to {
            self.ledger.doubt_everything();
        }
        self.look_at_calls();
        for at in 0..self.open.len() {
            self.look_at(at);
        }
    }

    /// A use of the host has failed on a worker.
    pub(super) fn note_failure(&mut self, at: usize, failure: Option<String>) {
        if let Some(what) = failure {
            self.history
                .note(|| format!("  worker {at}: {what} has failed"));
            self.has_failed = true;
            self.is_lied_to |= is_lie(&what);
            self.hides_trailers |= HIDES_TRAILERS.contains(&&*what);
        }
    }

    /// At those that are new.
    pub(super) fn look_at_calls(&mut self) {
        let now = self.uptime;
        for at in 0..self.stations.len() {
            let Some(station) = &mut self.stations[at] else {
                continue;
            };
            for call in station.new_calls(now) {
                self.history.note(|| {
                    let body = String::from_utf8_lossy(&call.body).into_owned();
                    let (to, path) = (&call.cluster, &call.path);
                    format!("  worker {at} calls {to}: {} {path} {body}", call.method)
                });
                self.check_call(&call);
                if call.cluster == "app" {
                    self.delivered.push(call);
                }
            }
        }
    }

    /// The same of one request.
    pub(super) fn look_at(&mut self, at: usize) {
        let open = &self.open[at];
        let (stage, station, number) = (open.stage, open.station, open.number);
        if open.has_left {
            return;
        }
        let edge = &self.stations[station].as_ref().unwrap().edge;
        match stage {
            Stage::Over | Stage::Passed => {}
            Stage::Undecided => {
                if edge.is_undecided(number) {
                    return;
                }
                match edge.fate(number) {
                    Fate::Undecided => {}
                    Fate::Gone => panic!("{}: closed without an answer", self.story(at)),
                    Fate::Replied(answer) => {
                        self.open[at].stage = Stage::Over;
                        self.check_reply(at, &answer);
                    }
                    Fate::Passed(passed) => {
                        self.open[at].stage = Stage::Passed;
                        self.check_passed(at, &passed);
                    }
                }
            }
            Stage::Responded => {
                let Some(answer) = edge.answered(number) else {
                    return;
                };
                let Fate::Passed(passed) = edge.fate(number) else {
                    panic!("{}: two verdicts", self.story(at));
                };
                self.open[at].stage = Stage::Over;
                assert!(passed.complete, "{}: its end is held back", self.story(at));
                self.check_sent(at, &passed);
                self.check_response(at, &answer);
            }
        }
    }

    /// Its client, or its worker, is gone.
    pub(super) fn lose(&mut self, at: usize) {
        let open = &self.open[at];
        let (asked, session) = (open.asked, open.session);
        let (errand, is_over) = (open.errand.clone(), open.stage == Stage::Over);
        self.open[at].stage = Stage::Over;
        if is_over {
            return;
        }
        let now = self.next_turn();
        if let Some(user) = self.swept(&errand) {
            self.ledger.sweep_ends(user, asked, now, None);
        }
        if errand.opens
            && let Some(number) = errand.shows
        {
            self.ledger.fails(number);
        }
        // The app may have refused what it was told of.
        if errand.login() == Login::ThroughApp
            && let Some(number) = session
        {
            self.ledger.doubt(number);
        }
    }

    pub(super) fn story(&self, at: usize) -> String {
        let open = &self.open[at];
        format!(
            "request {} ({:?}) to worker {}",
            open.asked, open.errand.kind, open.station
        )
    }

    pub(super) fn ending(&self, at: usize, is_said: bool) -> Ending {
        Ending {
            by: self.open[at].worker,
            at: self.uptime,
            wall: self.wall,
            cache: std::time::Duration::from_secs(self.setting.times.cache),
            is_said,
            is_beside: false,
        }
    }
}
