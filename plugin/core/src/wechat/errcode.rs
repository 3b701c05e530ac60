//! What WeChat's errcodes mean for a login.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html>

/// The kinds of refusal that a login distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// -1: busy. The code is not spent; the only one that may be asked again.
    Busy,
    /// 40029: no such code, or expired.
    InvalidCode,
    /// 40163: the code was exchanged before.
    CodeUsed,
    /// 41008: no code in the query.
    CodeMissing,
    /// 45011: over 100 logins a minute for this user.
    RateLimited,
    /// 40226: WeChat holds this user for high-risk.
    UserBlocked,
    /// Wrong appid or secret, frozen secret, address not allowed, quota of the day used up …: the operator's to mend.
    Configuration,
    /// Any other.
    Unknown,
}

/// The meaning of `errcode`.
#[must_use]
pub fn meaning(errcode: i64) -> Meaning {
    match errcode {
        -1 => Meaning::Busy,
        40029 => Meaning::InvalidCode,
        40163 => Meaning::CodeUsed,
        41008 => Meaning::CodeMissing,
        45011 => Meaning::RateLimited,
        40226 => Meaning::UserBlocked,
        40013 | 40125 | 40243 | 41002 | 41004 | 40164 | 45009 | 48001 | 61003 => {
            Meaning::Configuration
        }
        _ => Meaning::Unknown,
    }
}
