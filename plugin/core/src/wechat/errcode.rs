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
    /// The operator's to mend: the list is below.
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
        _ if is_configuration(errcode) => Meaning::Configuration,
        _ => Meaning::Unknown,
    }
}

/// Whether `errcode`, of whichever API, is the operator's to mend: wrong appid or secret, secret frozen, address not
/// allowed, quota of the day used up, API not granted, account frozen.
pub(crate) fn is_configuration(errcode: i64) -> bool {
    matches!(
        errcode,
        40013 | 40125 | 40164 | 40243 | 41002 | 41004 | 45009 | 48001 | 50004 | 50007 | 61003
    )
}
