//! A request that was sent, and how far it has come.

use std::time::Duration;

use super::errand::{Errand, Login};
use super::ledger::Turn;
use crate::rig::edge::Answer;

/// A request that was sent.
pub(super) struct Open {
    pub(super) errand: Errand,
    pub(super) station: usize,
    /// Of its worker.
    pub(super) worker: usize,
    /// As its worker counts them.
    pub(super) number: usize,
    /// What is left of its body, the next piece last.
    pub(super) pieces: Vec<Vec<u8>>,
    pub(super) asked: Turn,
    pub(super) at: Duration,
    pub(super) stage: Stage,
    pub(super) has_left: bool,
    /// The wall clock was set while it was under way.
    pub(super) clock_was_set: bool,
    /// The host has failed while its app spoke.
    pub(super) is_unheard: bool,
    /// The token that its app got for it, or that it showed and passed with: by number.
    pub(super) session: Option<usize>,
    /// The words of the answer that it has.
    pub(super) words: Option<Words>,
}

/// How far a request has come, as far as it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Undecided,
    /// It went on, and its answer is still to come.
    Passed,
    /// The app, or WeChat, has answered; the client may not have it yet.
    Responded,
    Over,
}

/// What an app says in its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    Fine,
    Refused,
    EndThis,
    EndAll,
    Attributes,
}

impl Words {
    pub(super) const ALL: [Self; 8] = [
        Self::Fine,
        Self::Fine,
        Self::Fine,
        Self::Fine,
        Self::Refused,
        Self::EndThis,
        Self::EndAll,
        Self::Attributes,
    ];

    pub(super) fn answer(self) -> Answer {
        let status = if self == Self::Refused { 403 } else { 200 };
        let mut answer = Answer::json(status, r#"{"code":0}"#);
        let said = match self {
            Self::Fine | Self::Refused => None,
            Self::EndThis => Some(("x-wx-session-end", "this")),
            Self::EndAll => Some(("x-wx-session-end", "all")),
            Self::Attributes => Some(("x-wx-session-attributes", "uid=42")),
        };
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.as_bytes().to_vec());
        answer.headers.extend(said.map(owned));
        answer
    }
}

impl Open {
    pub(super) fn login(&self) -> Login {
        self.errand.login()
    }
}
