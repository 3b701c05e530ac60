//! How time passes in a world, and what happens by itself meanwhile.

use std::time::Duration;

use super::ledger::SAID_BY;
use super::means::pick;
use super::open::{Open, Stage, Words};
use super::outside::Mood;
use super::station::Station;
use super::world::{BEGINNING, World};
use crate::rig::edge::Call;

/// Time does not stand still while somebody is busy.
const SHORTEST: Duration = Duration::from_millis(1);

impl World {
    pub(super) fn end_one(&mut self, at: u8, end: impl FnOnce(&mut Self, usize, &Call)) {
        self.look_at_calls();
        let mut calls = Vec::new();
        for (at, station) in self.stations.iter().enumerate() {
            let unanswered = station.iter().flat_map(Station::unanswered);
            calls.extend(unanswered.map(|call| (at, call)));
        }
        if let Some(at) = pick(calls.len(), at) {
            let (station, call) = &calls[at];
            self.history
                .note(|| format!("  call to {} of worker {station}", call.cluster));
            end(self, *station, call);
            self.deliver();
        }
    }

    /// Has all that is called take the calls, and hands over what has come. How many.
    pub(super) fn serve(&mut self) -> usize {
        self.look_at_calls();
        let mut taken = 0;
        for at in 0..self.stations.len() {
            let calls = self.stations[at].iter().flat_map(Station::unanswered);
            for call in calls.collect::<Vec<_>>() {
                let (late, end) = self.outside.take(&self.means.wechat, &call, self.wall);
                let due = self.uptime + late;
                self.station(at).send(due, call.id, end);
                taken += 1;
            }
        }
        self.deliver() + taken
    }

    pub(super) fn deliver(&mut self) -> usize {
        let now = self.uptime;
        let stations = self.stations.iter_mut().flatten();
        stations.map(|station| station.deliver(now)).sum()
    }

    /// Time passes for all, and whatever happens by itself does, each at its time.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.uptime + span;
        while self.uptime < end {
            let next = self.next().unwrap_or(end);
            self.pass_at_once(next.max(self.uptime + SHORTEST).min(end));
        }
    }

    pub(super) fn pass_at_once(&mut self, until: Duration) {
        let span = until - self.uptime;
        self.uptime = until;
        let before = self.wall;
        self.wall += span;
        for station in self.stations.iter_mut().flatten() {
            station.edge.advance(span);
        }
        self.ledger.clock_moves(before, self.wall);
        self.tell_the_time();
        self.look_at_calls();
        self.deliver();
    }

    /// WeChat has a clock of its own, which nobody sets.
    pub(super) fn tell_the_time(&self) {
        let now = (BEGINNING + self.uptime).as_secs();
        self.means.wechat.set_time(Some(now));
    }

    pub(super) fn set_wall_clock(&mut self, now: Duration) {
        self.ledger.clock_moves(self.wall, now);
        self.wall = now;
        for open in &mut self.open {
            open.clock_was_set = true;
        }
        for station in self.stations.iter_mut().flatten() {
            station.edge.set_wall_clock(now);
        }
    }

    /// When something happens by itself.
    pub(super) fn next(&self) -> Option<Duration> {
        let stations = self.stations.iter().flatten();
        stations.filter_map(|own| own.next(self.uptime)).min()
    }

    /// Lets time pass, at most so much, until something happens by itself, and has all calls answered.
    pub(super) fn go_on(&mut self, most: Duration) {
        while self.serve() > 0 {
            self.look();
        }
        let end = self.uptime + most;
        let next = self.next().map_or(end, |next| next.min(end));
        self.pass_at_once(next.max(self.uptime + SHORTEST));
        self.look();
    }

    /// Lets time pass until nobody waits for anything.
    pub(super) fn settle(&mut self) {
        // Longer than any body, call or repetition may take.
        let patience = self.uptime + Duration::from_secs(120);
        loop {
            while self.serve() > 0 {
                self.look();
            }
            self.look();
            let waits = |open: &Open| !open.has_left && open.stage != Stage::Over;
            let waiting = self.open.iter().filter(|open| waits(open));
            if waiting.clone().all(|open| open.stage == Stage::Passed) {
                match self.open.iter().position(waits) {
                    Some(at) => self.respond(at, Words::Fine),
                    None if self.calls_nobody() => return,
                    None => {}
                }
            }
            assert!(
                self.uptime < patience,
                "a request hangs: {}",
                self.waiting()
            );
            self.go_on(Duration::from_secs(1));
        }
    }

    pub(super) fn calls_nobody(&self) -> bool {
        let mut stations = self.stations.iter().flatten();
        stations.all(|own| own.edge.calls().is_empty())
    }

    pub(super) fn waiting(&self) -> String {
        let waits = |open: &&Open| !open.has_left && open.stage != Stage::Over;
        let waiting = self.open.iter().filter(waits);
        let story = |open: &Open| {
            format!(
                "request {} {:?} {:?}",
                open.asked, open.errand.kind, open.stage
            )
        };
        waiting.map(story).collect::<Vec<_>>().join(", ")
    }

    /// All is well from here on: everybody gets an answer, and what is known turns out to be so.
    pub(super) fn finish(&mut self) {
        self.history.note(|| "from here on all is well".to_owned());
        self.means.wechat.calm();
        self.outside.mood = Mood::Prompt;
        for at in 0..self.stations.len() {
            let failure = self.stations[at].as_mut().and_then(|own| own.edge.calm());
            self.note_failure(at, failure);
        }
        if self.is_lied_to {
            self.ledger.doubt_everything();
        }
        for at in 0..self.open.len() {
            self.send_rest(at);
        }
        self.settle();
        // What was said comes to the store, and what others had in their caches is forgotten.
        let span = SAID_BY + Duration::from_secs(self.setting.times.cache + 2);
        let until = self.uptime + span;
        while self.uptime < until {
            self.go_on(until - self.uptime);
        }
        self.settle();
        self.check_owed();
        self.check_all();
    }
}
