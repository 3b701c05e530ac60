//! What may happen in a world: plain data, and how a list of it is drawn.

use proptest::prelude::*;

use super::errand::Kind;
use super::setting::{Setting, setting};

/// A world, and what happens in it.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) setting: Setting,
    pub(super) steps: Vec<Step>,
}

/// Any of them, of at most so many steps.
pub(super) fn schedule(most: usize) -> impl Strategy<Value = Schedule> {
    (setting(), proptest::collection::vec(step(), 1..most))
        .prop_map(|(setting, steps)| Schedule { setting, steps })
}

/// Numbers stand for one of what there is by then.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A request to one of two workers, its body (if any) cut into so many pieces.
    Ask {
        worker: bool,
        draw: Draw,
        pieces: u8,
    },
    /// A call of the backend's for WeChat's API.
    Backend {
        draw: Draw,
    },
    /// The next piece of the body of one of the open requests.
    Piece(u8),
    /// All that is left of it.
    Rest(u8),
    /// Trailers instead of the rest of the body.
    Trailers(u8),
    /// The client of one of the open requests goes away.
    Leave(u8),
    /// The app, or WeChat, answers one that went on: in which words.
    Respond(u8, u8),
    /// Time passes, in milliseconds.
    Wait(u16),
    /// All calls are answered, as they should be.
    Serve,
    /// One is.
    ServeOne(u8),
    /// One fails on the way there.
    Break(u8),
    /// One arrives, and its answer is lost on the way back.
    LoseAnswer(u8),
    /// One is answered with something that nobody expects.
    Nonsense(u8, u8),
    /// WeChat will do this to a request to come.
    Script(u8),
    /// Somebody else has WeChat give a new access_token: the old one is dead.
    KillTokens,
    /// How the app takes what the edge itself sends it from now on.
    Mood(u8),
    /// The n-th use of the host from now fails, on one of two workers.
    FailHost {
        worker: bool,
        nth: u8,
        way: u8,
    },
    /// The wall clock is set back, or ahead, by so many seconds.
    SetBack(u16),
    SetAhead(u16),
    /// A worker ends, with all that it has open, and another takes its place.
    Restart {
        worker: bool,
    },
}

/// What makes one request of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    pub(super) kind: Kind,
    pub(super) user: u8,
    pub(super) token: u8,
    pub(super) twist: u8,
}

fn draw() -> impl Strategy<Value = Draw> {
    let kind = proptest::sample::select(Kind::ALL);
    (kind, any::<[u8; 3]>()).prop_map(|(kind, [user, token, twist])| Draw {
        kind,
        user,
        token,
        twist,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let pick = any::<u8>;
    prop_oneof![
        12 => (mostly_false(), draw(), 1..4_u8)
            .prop_map(|(worker, draw, pieces)| Step::Ask { worker, draw, pieces }),
        1 => draw().prop_map(|draw| Step::Backend { draw }),
        4 => pick().prop_map(Step::Piece),
        4 => pick().prop_map(Step::Rest),
        1 => pick().prop_map(Step::Trailers),
        1 => pick().prop_map(Step::Leave),
        3 => any::<[u8; 2]>().prop_map(|[at, words]| Step::Respond(at, words)),
        3 => (0..400_u16).prop_map(Step::Wait),
        1 => (400..40_000_u16).prop_map(Step::Wait),
        6 => Just(Step::Serve),
        3 => pick().prop_map(Step::ServeOne),
        1 => pick().prop_map(Step::Break),
        1 => pick().prop_map(Step::LoseAnswer),
        1 => any::<[u8; 2]>().prop_map(|[at, what]| Step::Nonsense(at, what)),
        1 => pick().prop_map(Step::Script),
        1 => pick().prop_map(Step::Mood),
        2 => (mostly_false(), 1..40_u8, pick())
            .prop_map(|(worker, nth, way)| Step::FailHost { worker, nth, way }),
        1 => prop_oneof![
            (1..7200_u16).prop_map(Step::SetBack),
            (1..7200_u16).prop_map(Step::SetAhead),
            any::<bool>().prop_map(|worker| Step::Restart { worker }),
            Just(Step::KillTokens),
        ],
    ]
}

fn mostly_false() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.25)
}
