//! Which fault comes when: by the seed, each kind once before any comes again.

use std::time::Duration;

use crate::dice::Dice;
use crate::weather::{EdgeName, Fault, Moment, Part};

/// At most so long from one fault to the next.
const A_MINUTE: Duration = Duration::from_secs(60);
/// And at least so long: most last longer.
const LEAST: Duration = Duration::from_secs(8);
/// Before the first and after the last one.
const CALM: Duration = Duration::from_secs(8);

/// A fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Not before.
    pub at: Moment,
    /// Which.
    pub fault: Fault,
    /// How long something is down, frozen or beside itself.
    pub lasts: Duration,
}

/// A whole soak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How long it goes on.
    pub length: Duration,
    /// In their order.
    pub events: Vec<Event>,
}

impl Plan {
    /// One of this length. In its first half A is started anew and not B, in its second half B: so that each has a process
    /// that lives long enough to be seen growing.
    #[must_use]
    pub fn new(seed: u64, length: Duration) -> Self {
        let mut dice = Dice::new(seed, u64::MAX);
        let room = length.saturating_sub(2 * CALM);
        let kinds = u32::try_from(deck(EdgeName::A, &mut dice).len()).unwrap();
        let every = (room / kinds).clamp(LEAST, A_MINUTE);
        let mut events = Vec::new();
        let mut waiting = Vec::new();
        let mut at = CALM;
        while at + CALM < length {
            if waiting.is_empty() {
                let edge = if at < length / 2 {
                    EdgeName::A
                } else {
                    EdgeName::B
                };
                waiting = deck(edge, &mut dice);
                dice.shuffle(&mut waiting);
            }
            let mut fault = waiting.remove(0);
            if at >= length / 2 {
                fault = at_b(fault);
            }
            let lasts = dice.between(Duration::from_secs(1), Duration::from_secs(6));
            events.push(Event { at, fault, lasts });
            at += every;
        }
        Self { length, events }
    }

    /// A short one for the suite, with what goes on between the programs in it.
    #[must_use]
    pub fn short() -> Self {
        let event = |at, fault, lasts| Event {
            at: Duration::from_secs(at),
            fault,
            lasts: Duration::from_secs(lasts),
        };
        Self {
            length: Duration::from_secs(20),
            events: vec![
                event(2, Fault::Kill(Part::Redis), 1),
                event(6, Fault::Update(EdgeName::B), 0),
                event(9, Fault::Freeze(Part::Edge(EdgeName::B)), 2),
            ],
        }
    }
}

/// Every kind once.
fn deck(edge: EdgeName, dice: &mut Dice) -> Vec<Fault> {
    let mut any = || *dice.among(&EdgeName::ALL);
    let mut all = Vec::new();
    for does in [Fault::Kill, Fault::Freeze, Fault::Restart] {
        let beside = Part::Webdis(any());
        let parts = [
            Part::Edge(edge),
            Part::Redis,
            beside,
            Part::Wechat,
            Part::App,
        ];
        all.extend(parts.map(does));
    }
    let (update, wrong) = (Fault::Update(any()), Fault::WrongUpdate(any()));
    all.extend([Fault::Stumble, update, wrong, Fault::Rotate, Fault::Renew]);
    all
}

fn at_b(fault: Fault) -> Fault {
    let b = Part::Edge(EdgeName::B);
    match fault {
        Fault::Kill(Part::Edge(_)) => Fault::Kill(b),
        Fault::Restart(Part::Edge(_)) => Fault::Restart(b),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// What a fault is, wherever.
    fn kind(fault: Fault) -> Fault {
        match fault {
            Fault::Update(_) => Fault::Update(EdgeName::A),
            Fault::WrongUpdate(_) => Fault::WrongUpdate(EdgeName::A),
            Fault::Kill(part) => Fault::Kill(anywhere(part)),
            Fault::Freeze(part) => Fault::Freeze(anywhere(part)),
            Fault::Restart(part) => Fault::Restart(anywhere(part)),
            other => other,
        }
    }

    fn anywhere(part: Part) -> Part {
        match part {
            Part::Edge(_) => Part::Edge(EdgeName::A),
            Part::Webdis(_) => Part::Webdis(EdgeName::A),
            other => other,
        }
    }

    #[test]
    fn a_seed_is_the_same_plan_in_every_run() {
        let length = 60 * MINUTE;
        assert_eq!(Plan::new(7, length), Plan::new(7, length));
        assert_ne!(Plan::new(7, length), Plan::new(8, length));
    }

    #[test]
    fn each_kind_comes_in_an_hour_and_in_five_minutes() {
        for minutes in [5, 60] {
            let plan = Plan::new(7, minutes * MINUTE);
            let kinds: BTreeSet<_> = plan.events.iter().map(|event| kind(event.fault)).collect();
            assert_eq!(kinds.len(), 20, "{minutes}: {kinds:?}");
        }
        assert_eq!(Plan::new(7, 60 * MINUTE).events.len(), 60);
    }

    #[test]
    fn each_edge_is_left_to_live_for_half_the_time() {
        let length = 60 * MINUTE;
        for Event { at, fault, .. } in Plan::new(7, length).events {
            if let Fault::Kill(Part::Edge(edge)) | Fault::Restart(Part::Edge(edge)) = fault {
                assert_eq!(edge == EdgeName::A, at < length / 2, "{fault} at {at:?}");
            }
        }
    }
}
