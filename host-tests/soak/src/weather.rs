//! Which faults were on when, and what they explain.

use std::fmt;
use std::time::Duration;

/// Since the soak began.
pub(crate) type Moment = Duration;

/// What is beside a fault's own time its doing: what it has thrown over stands up again.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// The breaker of a worker asks WeChat again after five seconds.
const BREAKER: Duration = Duration::from_secs(8);
/// A Redis that is killed may lose so much of what it has said yes to: it writes to its disk once a second.
pub(crate) const UNWRITTEN: Duration = Duration::from_secs(2);

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeName {
    /// With two workers.
    A,
    /// With one.
    B,
}

impl EdgeName {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::A, Self::B];

    /// How many workers it has.
    #[must_use]
    pub(crate) fn workers(self) -> u32 {
        match self {
            Self::A => 2,
            Self::B => 1,
        }
    }
}

/// A program that can be harmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// An Envoy.
    Edge(EdgeName),
    /// The one of all.
    Redis,
    /// The one beside an edge.
    Webdis(EdgeName),
    /// The stand-in.
    Wechat,
    /// The app.
    App,
}

/// What is done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// SIGKILL; after a while it is started again.
    Kill(Part),
    /// SIGSTOP; after a while SIGCONT.
    Freeze(Part),
    /// It ends in good order and is started again.
    Restart(Part),
    /// WeChat answers what is of no use, late, or not at all.
    Stumble,
    /// Another configuration of the filter.
    Update(EdgeName),
    /// One that the filter must refuse.
    WrongUpdate(EdgeName),
    /// A new master key, first behind the old one on both edges, then before it.
    Rotate,
    /// The old master key goes.
    Retire,
    /// The edges' certificates are renewed.
    Renew,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: &Part| match part {
            Part::Edge(name) => format!("edge {name:?}"),
            Part::Redis => "Redis".to_owned(),
            Part::Webdis(name) => format!("webdis of {name:?}"),
            Part::Wechat => "WeChat".to_owned(),
            Part::App => "the app".to_owned(),
        };
        match self {
            Self::Kill(which) => write!(f, "kill {}", part(which)),
            Self::Freeze(which) => write!(f, "freeze {}", part(which)),
            Self::Restart(which) => write!(f, "restart {}", part(which)),
            Self::Stumble => f.write_str("WeChat answers nonsense"),
            Self::Update(name) => write!(f, "change the configuration of {name:?}"),
            Self::WrongUpdate(name) => write!(f, "offer {name:?} a wrong configuration"),
            Self::Rotate => f.write_str("rotate the master key"),
            Self::Retire => f.write_str("take the old master key away"),
            Self::Renew => f.write_str("renew the certificates"),
        }
    }
}

/// From when to when something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its first moment.
    pub(crate) from: Moment,
    /// Its last one.
    pub(crate) until: Moment,
}

impl Span {
    fn later(self, by: Duration) -> Self {
        Self {
            until: self.until + by,
            ..self
        }
    }

    fn meets(self, other: Self) -> bool {
        self.from <= other.until && other.from <= self.until
    }
}

/// A fault and its time. It lasts until everything was seen to work again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    /// Which.
    pub(crate) fault: Fault,
    /// Before it was done.
    pub(crate) from: Moment,
    /// When all worked again; none as long as it does not.
    pub(crate) until: Option<Moment>,
}

impl Spell {
    fn span(&self) -> Span {
        Span {
            from: self.from,
            until: self.until.unwrap_or(Moment::MAX / 2),
        }
    }
}

/// All of them so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// In the order in which they began.
    pub(crate) spells: Vec<Spell>,
}

impl Weather {
    /// A fault begins.
    pub(crate) fn begins(&mut self, fault: Fault, at: Moment) {
        self.spells.push(Spell {
            fault,
            from: at,
            until: None,
        });
    }

    /// The last one that began has passed.
    pub(crate) fn passes(&mut self, at: Moment) {
        if let Some(spell) = self.spells.last_mut() {
            spell.until = Some(at);
        }
    }

    fn was(&self, is: impl Fn(Fault) -> bool, span: Span, afterwards: Duration) -> bool {
        let mut spells = self.spells.iter().rev().filter(|spell| is(spell.fault));
        spells.any(|spell| spell.span().later(afterwards).meets(span))
    }

    /// Whether an edge may have refused or broken a connection.
    #[must_use]
    pub(crate) fn was_down(&self, edge: EdgeName, span: Span) -> bool {
        let edge = Part::Edge(edge);
        let is = |fault| fault == Fault::Kill(edge) || fault == Fault::Restart(edge);
        self.was(is, span, AFTERWARDS)
    }

    /// Whether time has jumped at an edge.
    #[must_use]
    pub(crate) fn was_frozen(&self, edge: EdgeName, span: Span) -> bool {
        let is = |fault| fault == Fault::Freeze(Part::Edge(edge));
        self.was(is, span, AFTERWARDS)
    }

    /// Whether an edge may have closed a connection because its configuration had changed.
    #[must_use]
    pub(crate) fn was_draining(&self, edge: EdgeName, span: Span, draining: Duration) -> bool {
        let is = |fault| match fault {
            Fault::Update(own) | Fault::WrongUpdate(own) => own == edge,
            Fault::Rotate | Fault::Retire | Fault::Renew => true,
            _ => false,
        };
        self.was(is, span, draining + AFTERWARDS)
    }

    /// Whether an edge may not have reached its store.
    #[must_use]
    pub(crate) fn was_without_store(&self, edge: EdgeName, span: Span) -> bool {
        let is = |fault| match fault {
            Fault::Kill(part) | Fault::Freeze(part) | Fault::Restart(part) => match part {
                Part::Redis => true,
                Part::Webdis(own) | Part::Edge(own) => own == edge,
                Part::Wechat | Part::App => false,
            },
            _ => false,
        };
        self.was(is, span, AFTERWARDS)
    }

    /// Whether an edge may not have reached WeChat, or not have believed that it can.
    #[must_use]
    pub(crate) fn was_without_wechat(&self, edge: EdgeName, span: Span) -> bool {
        let is = |fault| match fault {
            Fault::Kill(part) | Fault::Freeze(part) | Fault::Restart(part) => {
                matches!(part, Part::Wechat) || part == Part::Edge(edge)
            }
            fault => fault == Fault::Stumble,
        };
        self.was(is, span, BREAKER)
    }

    /// Whether the app may not have answered.
    #[must_use]
    pub(crate) fn was_without_app(&self, span: Span) -> bool {
        let is = |fault| match fault {
            Fault::Kill(part) | Fault::Freeze(part) | Fault::Restart(part) => part == Part::App,
            _ => false,
        };
        self.was(is, span, AFTERWARDS)
    }

    /// Whether any fault was on.
    #[must_use]
    pub(crate) fn was_bad(&self, span: Span) -> bool {
        self.was(|_| true, span, BREAKER)
    }

    /// Whether Redis may have lost what was asked and answered in this span: it was killed meanwhile or right after.
    #[must_use]
    pub(crate) fn forgot(&self, span: Span) -> bool {
        let span = span.later(UNWRITTEN);
        let kills = self.spells.iter();
        let mut kills = kills.filter(|spell| spell.fault == Fault::Kill(Part::Redis));
        // It is dead from some moment after the first on.
        kills.any(|kill| kill.from <= span.until && span.from <= kill.span().until)
    }
}
