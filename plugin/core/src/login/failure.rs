//! What an exchange with WeChat may fail of, and whose fault that is.

use alloc::format;
use alloc::string::String;

use crate::limits::circuit_breaker::Trouble;
use crate::metrics::Counter;
use crate::rejection::{Reason, Rejection};
use crate::wechat::code2session::Refusal;
use crate::wechat::errcode::{Meaning, meaning};

/// What went wrong.
pub(super) enum Failure {
    Said(Meaning, i64, Option<String>),
    Timeout,
    /// A limit of the host's own, which says nothing about WeChat.
    NotSent,
    /// The host's configuration does not let calls to WeChat through.
    Forbidden,
    /// The connection failed, or broke.
    Unavailable,
    /// Something answered, and what is wrong with the answer.
    Unreadable(String),
}

impl Failure {
    /// What counts towards the breaker: no client causes it.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        use Meaning::{Busy, Configuration};
        match self {
            Self::Timeout => Some(Trouble::Timeout),
            Self::Unavailable | Self::Unreadable(_) => Some(Trouble::Unavailable),
            Self::Said(Busy | Configuration, errcode, rid) => Some(Trouble::Said {
                errcode: *errcode,
                rid: rid.clone(),
            }),
            Self::Said(..) | Self::NotSent | Self::Forbidden => None,
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
            Self::Timeout | Self::NotSent | Self::Forbidden | Self::Unavailable => {
                Counter::WechatUnavailable
            }
            Self::Unreadable(_) => Counter::WechatUnreadable,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Errcode { errcode, rid } => Self::Said(meaning(errcode), errcode, rid),
            Refusal::Unreadable(problem) => Self::Unreadable(problem.into()),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Timeout => Self::Timeout,
            Trouble::Unavailable => Self::Unavailable,
            Trouble::Said { errcode, rid } => Self::Said(meaning(errcode), errcode, rid),
        }
    }
}

impl From<Trouble> for Rejection {
    fn from(trouble: Trouble) -> Self {
        Failure::from(trouble).into()
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        let (meaning, errcode, rid) = match failure {
            Failure::Timeout => return Reason::WechatTimeout.into(),
            Failure::NotSent => return Reason::WechatUnavailable.with("WeChat was not asked"),
            Failure::Forbidden => return Reason::Internal.into(),
            Failure::Unavailable => return Reason::WechatUnavailable.with("WeChat did not answer"),
            Failure::Unreadable(problem) => {
                return Reason::WechatUnavailable.with(format!("the answer of WeChat {problem}"));
            }
            Failure::Said(meaning, errcode, rid) => (meaning, errcode, rid),
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
        reason.said_by_wechat(errcode, rid)
    }
}
