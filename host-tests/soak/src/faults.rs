//! Does to the programs what the plan says, sees to it that everything works again, and tells the ledger of both.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::envoy::WatchingEnvoy;
use testkit::fakes::wechat::Fault as OfWechat;

use crate::ledger::Ledger;
use crate::model::{Violation, Wrong};
use crate::plan::Plan;
use crate::rules::ABSOLUTE;
use crate::stage::{KEYS, Stage};
use crate::weather::{EdgeName, Fault, Moment, Part};

const POLL: Duration = Duration::from_millis(50);
/// Beside the time that the connections of before may take.
const MARGIN: Duration = Duration::from_secs(3);

/// Whoever does it.
pub(crate) struct Saboteur<'a> {
    stage: &'a mut Stage,
    ledger: &'a Ledger,
    stop: &'a AtomicBool,
    /// When nobody needs the old master key any more.
    retires: Option<Moment>,
}

impl<'a> Saboteur<'a> {
    /// With these programs.
    pub(crate) fn new(stage: &'a mut Stage, ledger: &'a Ledger, stop: &'a AtomicBool) -> Self {
        Self {
            stage,
            ledger,
            stop,
            retires: None,
        }
    }

    /// Until the plan is over, it is told to stop, or something does not work again.
    pub(crate) fn carry_out(&mut self, plan: &Plan) {
        for event in &plan.events {
            if !self.waits_until(event.at) || !self.inflict(event.fault, event.lasts) {
                return;
            }
        }
        self.waits_until(plan.length);
    }

    /// Whether to go on.
    fn waits_until(&mut self, at: Moment) -> bool {
        while self.ledger.now() < at {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            if self.retires.is_some_and(|due| due < self.ledger.now()) {
                self.retires = None;
                if !self.inflict(Fault::Retire, Duration::ZERO) {
                    return false;
                }
            }
            std::thread::sleep(POLL);
        }
        true
    }

    /// Whether everything works again.
    fn inflict(&mut self, fault: Fault, lasts: Duration) -> bool {
        // One that is not over yet: its sessions need the old key.
        let fault = match fault {
            Fault::Rotate if self.stage.keys.len() > 1 => Fault::Update(EdgeName::A),
            other => other,
        };
        println!("{:8.1} s  {fault}", self.ledger.now().as_secs_f64());
        self.ledger.fault_begins(fault);
        let done = self.act(fault, lasts).and_then(|()| self.stage.works());
        self.ledger.fault_passes();
        if let Err(error) = &done {
            let said = format!("after: {fault}: {error:#}");
            self.ledger.is_wrong(&Wrong::NotBack.with(said));
        }
        done.is_ok()
    }

    fn act(&mut self, fault: Fault, lasts: Duration) -> Result<()> {
        let stage = &mut *self.stage;
        match fault {
            Fault::Kill(part) => self.end(part, true, lasts),
            Fault::Restart(part) => self.end(part, false, Duration::ZERO),
            Fault::Freeze(part) => self.freeze(part, lasts),
            Fault::Stumble => {
                let until = self.ledger.now() + lasts;
                while self.ledger.now() < until {
                    if stage.wechat.faults_left() < 4 {
                        stage.wechat.script(nonsense());
                    }
                    std::thread::sleep(POLL);
                }
                stage.wechat.calm();
                Ok(())
            }
            Fault::Update(name) => {
                let path = stage.edge(name).update_again()?;
                stage.has(name, &path)
            }
            Fault::WrongUpdate(name) => stage.edge(name).refuses_what_is_wrong(),
            Fault::Rotate => self.rotate(),
            Fault::Retire => {
                let newest = self.stage.keys[0];
                self.seal_with(vec![newest])
            }
            Fault::Renew => {
                let certificate = stage.certificates.renew()?;
                stage.shows(&certificate)
            }
        }
    }

    fn end(&mut self, part: Part, kill: bool, lasts: Duration) -> Result<()> {
        let stage = &mut *self.stage;
        match part {
            Part::Edge(name) => {
                let complaints = stage.edge(name).end(kill)?;
                tell(self.ledger, &complaints);
                std::thread::sleep(lasts);
                stage.edge(name).start_again()
            }
            Part::Redis => {
                if kill {
                    stage.redis.kill9();
                } else {
                    stage.redis.shut_down()?;
                }
                std::thread::sleep(lasts);
                stage.redis.restart(false)
            }
            Part::Webdis(name) => {
                let webdis = &stage.webdis[name as usize];
                webdis.kill9();
                std::thread::sleep(lasts);
                webdis.restart()
            }
            Part::Wechat | Part::App => {
                let door = match part {
                    Part::App => &stage.app_door,
                    _ => &stage.wechat_door,
                };
                door.shut();
                std::thread::sleep(lasts);
                Ok(door.open()?)
            }
        }
    }

    fn freeze(&mut self, part: Part, lasts: Duration) -> Result<()> {
        let stage = &mut *self.stage;
        match part {
            Part::Edge(name) => stage.edge(name).freeze()?,
            Part::Redis => stage.redis.stop_process()?,
            Part::Webdis(name) => stage.webdis[name as usize].stop_process()?,
            Part::Wechat => stage.wechat_door.freeze(),
            Part::App => stage.app_door.freeze(),
        }
        std::thread::sleep(lasts);
        match part {
            Part::Edge(name) => stage.edge(name).thaw()?,
            Part::Redis => stage.redis.continue_process()?,
            Part::Webdis(name) => stage.webdis[name as usize].continue_process()?,
            Part::Wechat => stage.wechat_door.thaw(),
            Part::App => stage.app_door.thaw(),
        }
        Ok(())
    }

    /// As `docs/configuration.md` has it: each step on both edges before the next. An edge goes on for a while with the
    /// connections that it has, under the keys of before.
    fn rotate(&mut self) -> Result<()> {
        let old = self.stage.keys[0];
        let next = KEYS.iter().skip_while(|key| **key != old).nth(1);
        ensure!(next.is_some(), "there are no more master keys");
        let new = next.copied().unwrap_or(old);
        self.seal_with(vec![old, new])?;
        std::thread::sleep(WatchingEnvoy::DRAINING + MARGIN);
        self.seal_with(vec![new, old])?;
        let last = WatchingEnvoy::DRAINING + ABSOLUTE + 2 * MARGIN;
        self.retires = Some(self.ledger.now() + last);
        Ok(())
    }

    fn seal_with(&mut self, keys: Vec<&'static str>) -> Result<()> {
        for name in EdgeName::ALL {
            let path = self.stage.edge(name).update(&keys)?;
            self.stage.has(name, &path)?;
        }
        self.stage.keys = keys;
        Ok(())
    }
}

/// What a program has complained of.
pub(crate) fn tell(ledger: &Ledger, complaints: &[Violation]) {
    for complaint in complaints {
        ledger.is_wrong(complaint);
    }
}

/// Of each kind one; of no use to any login.
fn nonsense() -> [OfWechat; 9] {
    [
        OfWechat::Busy,
        OfWechat::Http500,
        OfWechat::Slow(Duration::from_secs(4)),
        OfWechat::ResetMidBody,
        OfWechat::Html,
        OfWechat::Truncated,
        OfWechat::EmptyBody,
        OfWechat::EmptyObject,
        OfWechat::Refused,
    ]
}
