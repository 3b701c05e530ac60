//! A world: workers, what they call, who asks them, and everything that may happen. Plays a list of it; what must hold is
//! held in `judge`.

use std::time::Duration;

use testkit::fakes::wechat::Fault;

use super::errand::Kind;
use super::history::History;
use super::ledger::{Ledger, Turn};
use super::means::{Means, pick};
use super::open::{Open, Stage, Words};
use super::outside::{Mood, NONSENSE, Outside};
use super::setting::Setting;
use super::station::{Shared, Station};
use super::step::{Draw, Step};
use crate::rig::edge::{Answer, Call, CallEnd};

pub(super) struct World {
    pub(super) setting: Setting,
    pub(super) means: Means,
    pub(super) ledger: Ledger,
    pub(super) outside: Outside,
    pub(super) history: History,
    pub(super) shared: Shared,
    /// What the edge itself has sent the app.
    pub(super) delivered: Vec<Call>,
    /// Messages of which WeChat was told that they have come, and by which worker.
    pub(super) owed: Vec<(String, usize)>,
    /// Two for clients, and the backend's door.
    pub(super) stations: [Option<Station>; 3],
    started: usize,
    pub(super) open: Vec<Open>,
    pub(super) wall: Duration,
    pub(super) uptime: Duration,
    turns: Turn,
    /// The host has failed somewhere: some answers may then say that the edge has a fault.
    pub(super) has_failed: bool,
    /// The host has said that there is nothing where something was: from then on nobody knows what there is.
    pub(super) is_lied_to: bool,
    /// The host may not have shown trailers, or not have let them be taken off.
    pub(super) hides_trailers: bool,
}

/// For the backend.
const DOOR: usize = 2;
/// The wall clock at the beginning.
pub(super) const BEGINNING: Duration = Duration::from_secs(1_700_000_000);

/// What WeChat may do.
const FAULTS: [Fault; 13] = [
    Fault::Ok,
    Fault::Busy,
    Fault::RateLimited,
    Fault::HighRisk,
    Fault::Errcode(40001),
    Fault::Errcode(40029),
    Fault::Slow(Duration::from_millis(200)),
    Fault::Slow(Duration::from_secs(2)),
    Fault::Refused,
    Fault::ResetMidBody,
    Fault::Html,
    Fault::Truncated,
    Fault::EmptyObject,
];

impl World {
    pub(super) fn new(setting: Setting, mut history: History) -> Self {
        history.note(|| format!("{setting:?}"));
        let means = Means::new(setting);
        Self {
            setting,
            ledger: Ledger::new(means.users.len()),
            means,
            outside: Outside::default(),
            history,
            shared: Shared::default(),
            delivered: Vec::new(),
            owed: Vec::new(),
            stations: [None, None, None],
            started: 0,
            open: Vec::new(),
            wall: BEGINNING,
            uptime: Duration::ZERO,
            turns: 0,
            has_failed: false,
            is_lied_to: false,
            hides_trailers: false,
        }
    }

    pub(super) fn play(&mut self, steps: &[Step]) {
        self.tell_the_time();
        self.start(0);
        // Somebody is there already.
        let login = Draw {
            kind: Kind::Login,
            user: 0,
            token: 0,
            twist: 1,
        };
        self.ask(0, login, 1);
        self.settle();
        for step in steps {
            self.step(*step);
            self.look();
        }
        self.finish();
    }

    pub(super) fn next_turn(&mut self) -> Turn {
        self.turns += 1;
        self.turns
    }

    pub(super) fn start(&mut self, at: usize) {
        let number = self.started;
        self.started += 1;
        let station = Station::start(self.setting, at == DOOR, &self.shared, number, self.wall);
        self.stations[at] = Some(station);
    }

    pub(super) fn station(&mut self, at: usize) -> &mut Station {
        if self.stations[at].is_none() {
            self.start(at);
        }
        self.stations[at].as_mut().unwrap()
    }

    fn step(&mut self, step: Step) {
        self.history.note(|| format!("{step:?}"));
        match step {
            Step::Ask {
                worker,
                draw,
                pieces,
            } => self.ask(usize::from(worker), draw, pieces.into()),
            Step::Backend { draw } => {
                let errand = self.means.backend(draw);
                self.send(DOOR, errand, 1);
            }
            Step::Piece(at) => {
                if let Some(at) = self.sending(at) {
                    self.send_piece(at);
                }
            }
            Step::Rest(at) => {
                if let Some(at) = self.sending(at) {
                    self.send_rest(at);
                }
            }
            Step::Trailers(at) => {
                if let Some(at) = self.sending(at) {
                    self.send_trailers(at);
                }
            }
            Step::Leave(at) => {
                if let Some(at) = pick(self.open.len(), at) {
                    self.leave(at);
                }
            }
            Step::Respond(at, words) => {
                let waiting: Vec<usize> = (0..self.open.len())
                    .filter(|at| self.open[*at].stage == Stage::Passed)
                    .collect();
                if let Some(at) = pick(waiting.len(), at) {
                    self.respond(
                        waiting[at],
                        Words::ALL[usize::from(words) % Words::ALL.len()],
                    );
                }
            }
            Step::Wait(millis) => self.pass(Duration::from_millis(millis.into())),
            Step::Serve => {
                self.serve();
            }
            Step::ServeOne(at) => self.end_one(at, |world, at, call| {
                let (wechat, wall) = (&world.means.wechat, world.wall);
                let (late, end) = world.outside.take(wechat, call, wall);
                let due = world.uptime + late;
                world.station(at).send(due, call.id, end);
            }),
            Step::LoseAnswer(at) => self.end_one(at, |world, at, call| {
                let (wechat, wall) = (&world.means.wechat, world.wall);
                let _ = world.outside.take(wechat, call, wall);
                let due = world.uptime;
                world.station(at).send(due, call.id, CallEnd::Broken);
            }),
            Step::Break(at) => self.end_one(at, |world, at, call| {
                let due = world.uptime;
                world.station(at).send(due, call.id, CallEnd::Broken);
            }),
            Step::Nonsense(at, what) => self.end_one(at, |world, at, call| {
                let (status, body) = NONSENSE[usize::from(what) % NONSENSE.len()];
                let due = world.uptime;
                let end = CallEnd::Answered(Answer::json(status, body));
                world.station(at).send(due, call.id, end);
            }),
            Step::Script(fault) => {
                let fault = FAULTS[usize::from(fault) % FAULTS.len()].clone();
                self.means.wechat.script([fault]);
            }
            Step::KillTokens => self.means.wechat.kill_tokens(crate::rig::APPID),
            Step::Mood(mood) => {
                self.outside.mood = Mood::ALL[usize::from(mood) % Mood::ALL.len()];
            }
            Step::FailHost { worker, nth, way } => {
                let edge = &mut self.station(usize::from(worker)).edge;
                edge.fail_host(nth.into(), way.into());
            }
            Step::SetBack(seconds) => {
                let back = Duration::from_secs(seconds.into());
                self.set_wall_clock(self.wall - back);
            }
            Step::SetAhead(seconds) => {
                let ahead = Duration::from_secs(seconds.into());
                self.set_wall_clock(self.wall + ahead);
            }
            Step::Restart { worker } => self.restart(usize::from(worker)),
        }
    }

    pub(super) fn restart(&mut self, at: usize) {
        let Some(station) = &self.stations[at] else {
            return;
        };
        let worker = station.number;
        for at in 0..self.open.len() {
            if self.open[at].worker == worker {
                self.open[at].pieces.clear();
                self.open[at].has_left = true;
                self.lose(at);
            }
        }
        self.ledger.doubt_said(worker);
        self.start(at);
    }
}

/// Whether a host that fails there says that there is nothing where there is something.
pub(super) fn is_lie(what: &str) -> bool {
    what == "proxy_get_shared_data"
}
