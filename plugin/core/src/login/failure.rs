//! Why the exchange of a code fails, and whose fault that is.

use alloc::string::String;

use crate::limits::circuit_breaker::Trouble;
use crate::metrics::Counter;
use crate::platform::{Platform, Row};
use crate::platform_call::NoAnswer;
use crate::rejection::{Reason, Rejection};
use crate::wechat::answer::Refusal;
use crate::wechat::errcode::Meaning;

/// What went wrong.
pub(super) enum Failure {
    Said(Meaning, i64, Option<String>),
    NoAnswer(NoAnswer),
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Self {
        Self::NoAnswer(why)
    }
}

impl Failure {
    /// What counts towards the breaker: no client causes it.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        use Meaning::{Busy, Configuration};
        match self {
            Self::NoAnswer(NoAnswer::Timeout) => Some(Trouble::Timeout),
            Self::NoAnswer(NoAnswer::Unavailable | NoAnswer::Unreadable(_)) => {
                Some(Trouble::Unavailable)
            }
            Self::Said(Busy | Configuration, errcode, rid) => Some(Trouble::Said {
                errcode: *errcode,
                rid: rid.clone(),
            }),
            Self::Said(..) | Self::NoAnswer(NoAnswer::NotSent | NoAnswer::Forbidden) => None,
        }
    }

    /// Counts against the client's network: it is about this code or this user, as far as is known.
    pub(super) fn is_the_clients(&self) -> bool {
        use Meaning::{Busy, Configuration};
        matches!(self, Self::Said(meaning, ..) if ![Busy, Configuration].contains(meaning))
    }

    pub(super) fn counter(&self) -> Counter {
        match self {
            Self::Said(Meaning::Busy, ..) => Counter::WechatBusy,
            Self::Said(..) => Counter::WechatErrcode,
            Self::NoAnswer(NoAnswer::Unreadable(_)) => Counter::WechatUnreadable,
            Self::NoAnswer(_) => Counter::WechatUnavailable,
        }
    }
}

impl Failure {
    /// What a platform's answer says.
    pub(super) fn said(refusal: Refusal, platform: Platform) -> Self {
        match refusal {
            Refusal::Errcode { errcode, rid } => {
                Self::Said((platform.row().meaning)(errcode), errcode, rid)
            }
            Refusal::Unreadable(problem) => NoAnswer::Unreadable(problem.into()).into(),
        }
    }

    /// What has opened the breaker of a platform's app.
    pub(super) fn of_trouble(trouble: Trouble, platform: Platform) -> Self {
        match trouble {
            Trouble::Timeout => NoAnswer::Timeout.into(),
            Trouble::Unavailable => NoAnswer::Unavailable.into(),
            Trouble::Said { errcode, rid } => {
                Self::said(Refusal::Errcode { errcode, rid }, platform)
            }
        }
    }

    /// The code may have been good, and used by somebody else a moment ago.
    pub(super) fn may_be_used(&self, platform: Platform) -> bool {
        match self {
            Self::Said(Meaning::CodeUsed, ..) => true,
            Self::Said(Meaning::InvalidCode, ..) => !platform.row().tells_used,
            _ => false,
        }
    }

    /// What the client is told.
    pub(super) fn rejection(self, platform: Platform) -> Rejection {
        self.in_words(platform.row()).of(platform)
    }

    fn in_words(self, row: &Row) -> Rejection {
        let [called, _] = row.called;
        let (meaning, errcode, rid) = match self {
            Self::NoAnswer(why) => return why.rejection(called),
            Self::Said(meaning, errcode, rid) => (meaning, errcode, rid),
        };
        let reason = match meaning {
            Meaning::Busy => Reason::WechatBusy,
            Meaning::InvalidCode => Reason::InvalidCode,
            Meaning::CodeUsed => Reason::CodeUsed,
            Meaning::CodeMissing => Reason::MissingParameter,
            Meaning::RateLimited => Reason::LoginRateLimited,
            Meaning::UserBlocked => Reason::UserBlocked,
            Meaning::Configuration => Reason::WechatConfig,
            Meaning::Unknown => Reason::WechatError,
        };
        reason.said_by_platform(errcode, rid)
    }
}
