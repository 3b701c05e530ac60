//! Why a call to a server API fails, and what its client is told.

use alloc::string::String;
use core::time::Duration;

use crate::limits::circuit_breaker::Trouble;
use crate::platform_call::NoAnswer;
use crate::rejection::{Reason, Rejection};
use crate::wechat::answer::Refusal;
use crate::wechat::errcode::is_configuration;

/// What went wrong.
pub(crate) enum Failure {
    /// There is no access_token.
    NoToken(Rejection),
    NoAnswer(NoAnswer),
    /// An errcode, and the request's id at WeChat.
    Said(i64, Option<String>),
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Self {
        Self::NoAnswer(why)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Errcode { errcode, rid } => Self::Said(errcode, rid),
            Refusal::Unreadable(problem) => NoAnswer::Unreadable(problem.into()).into(),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Timeout => NoAnswer::Timeout.into(),
            Trouble::Unavailable => NoAnswer::Unavailable.into(),
            Trouble::Said { errcode, rid } => Self::Said(errcode, rid),
        }
    }
}

/// WeChat counts calls by the minute.
const MINUTE: Duration = Duration::from_secs(60);

impl Failure {
    pub(crate) fn rejection(self) -> Rejection {
        let (errcode, rid) = match self {
            Self::NoToken(rejection) => return rejection,
            Self::NoAnswer(why) => return why.rejection("WeChat"),
            Self::Said(errcode, rid) => (errcode, rid),
        };
        match errcode {
            -1 => Reason::WechatBusy.said_by_platform(errcode, rid),
            45011 => Reason::WechatBusy
                .said_by_platform(errcode, rid)
                .retry_after(MINUTE),
            _ if is_configuration(errcode) => Reason::WechatConfig.said_by_platform(errcode, rid),
            _ => Reason::WechatError.said_by_platform(errcode, rid),
        }
    }
}
