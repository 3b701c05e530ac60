//! The one table from what went wrong to what the client is told. No error reply is built anywhere else.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use crate::error_body::{Data, ErrorBody};
use crate::host::{BodyError, Level, NoEntropy};
use crate::json_text::to_json;
use crate::metrics::Counter;
use crate::platform::Platform;
use crate::reply::Response;
use crate::seal::NotSealed;
use crate::store::StoreError;
use crate::wording::Wordings;

/// Names each once, so that the documentation's table can be held to all of them.
macro_rules! reasons {
    ($(#[$doc:meta])* $($reason:ident,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason { $($reason,)* }

        #[cfg(test)]
        impl Reason {
            const ALL: &'static [Self] = &[$(Self::$reason,)*];
        }
    };
}

reasons! {
    /// What went wrong, grouped by whose fault it is.
    // The request's.
    MalformedBody,
    MissingParameter,
    InvalidParameter,
    UnsupportedMediaType,
    BodyTooLarge,
    MethodNotAllowed,
    BadPath,
    InvalidHeader,
    UpgradeRefused,
    UnknownApp,
    BodyTimeout,
    OriginRefused,
    ReleaseRefused,
    ApiRefused,
    // One reason for all that can be wrong with a message of WeChat's.
    PushRefused,
    PushUnderWay,
    // The session's.
    NoSession,
    InvalidToken,
    SessionExpired,
    // The login's.
    InvalidCode,
    CodeUsed,
    LoginRateLimited,
    UserBlocked,
    // The open data's. One reason for stale, forged and corrupt: see `wechat::encrypted_data`.
    SessionKeyStale,
    ReplayedData,
    InvalidPhoneCode,
    // WeChat's, the operator's and ours.
    WechatConfig,
    WechatError,
    WechatBusy,
    WechatUnavailable,
    WechatTimeout,
    StoreUnavailable,
    UpstreamUnavailable,
    Overloaded,
    Internal,
}

/// One line of the table.
struct Row {
    http: u16,
    status: u16,
    error: &'static str,
    action: &'static str,
    level: Level,
    retry_after_s: u16,
    msg: &'static str,
}

#[rustfmt::skip]
fn row(reason: Reason) -> Row {
    use Level::{Error, Info, Warn};
    use Reason::*;
    let (http, status, error, action, level, retry_after_s, msg) = match reason {
        MalformedBody        => (400, 1001, "malformed_body",         "none",         Info,  0,  "请求体格式错误"),
        MissingParameter     => (400, 1002, "missing_parameter",      "none",         Info,  0,  "缺少参数"),
        InvalidParameter     => (400, 1003, "invalid_parameter",      "none",         Info,  0,  "参数无效"),
        UnsupportedMediaType => (415, 1004, "unsupported_media_type", "none",         Info,  0,  "不支持的内容类型"),
        BodyTooLarge         => (413, 1005, "body_too_large",         "none",         Info,  0,  "请求体过大"),
        MethodNotAllowed     => (405, 1006, "method_not_allowed",     "none",         Info,  0,  "请求方法不允许"),
        BadPath              => (400, 1007, "bad_path",               "none",         Warn,  0,  "请求路径不规范"),
        InvalidHeader        => (400, 1008, "invalid_header",         "none",         Warn,  0,  "请求头无效"),
        UpgradeRefused       => (403, 1009, "upgrade_refused",        "none",         Warn,  0,  "不允许的协议升级"),
        UnknownApp           => (400, 1010, "unknown_app",            "none",         Info,  0,  "未知的小程序"),
        BodyTimeout          => (408, 1011, "body_timeout",           "retry_after",  Info,  1,  "请求体未及时到达"),
        OriginRefused        => (403, 1012, "origin_refused",         "none",         Warn,  0,  "不允许的来源"),
        ReleaseRefused       => (403, 1013, "release_refused",        "none",         Info,   0,  "不允许的小程序版本"),
        PushRefused          => (403, 1014, "push_refused",           "none",         Warn,  0,  "消息推送校验失败"),
        PushUnderWay         => (503, 1015, "push_under_way",         "retry_after",  Info,  1,  "消息正在处理中"),
        ApiRefused           => (403, 1016, "api_refused",            "none",         Warn,   0,  "不允许的微信接口"),
        NoSession            => (401, 2001, "no_session",             "relogin",      Info,  0,  "未登录"),
        InvalidToken         => (401, 2002, "invalid_token",          "relogin",      Info,  0,  "无效的token"),
        SessionExpired       => (401, 2003, "session_expired",        "relogin",      Info,  0,  "登录已过期"),
        InvalidCode          => (401, 3001, "invalid_code",           "relogin",      Info,  0,  "无效的code"),
        CodeUsed             => (401, 3002, "code_used",              "relogin",      Info,  0,  "code已被使用"),
        LoginRateLimited     => (429, 3003, "login_rate_limited",     "retry_after",  Warn,  60, "登录过于频繁，请稍后再试"),
        UserBlocked          => (403, 3004, "user_blocked",           "show_blocked", Warn,  0,  "该用户存在风险，登录被微信拦截"),
        SessionKeyStale      => (422, 4001, "session_key_stale",      "relogin",      Info,  0,  "数据校验失败，请重新登录后再获取数据"),
        ReplayedData         => (409, 4002, "replayed_data",          "none",         Warn,  0,  "数据已被使用"),
        InvalidPhoneCode     => (422, 4003, "invalid_phone_code",     "none",         Info,  0,  "无效的手机号code，请重新点击按钮"),
        WechatConfig         => (500, 5001, "wechat_config",          "fix_config",   Error, 0,  "小程序服务端配置错误"),
        WechatError          => (502, 5002, "wechat_error",           "none",         Error, 0,  "微信接口返回错误"),
        WechatBusy           => (503, 5003, "wechat_busy",            "retry_after",  Warn,  2,  "微信系统繁忙，请稍后再试"),
        WechatUnavailable    => (503, 5004, "wechat_unavailable",     "retry_after",  Error, 2,  "微信服务暂不可用，请稍后再试"),
        WechatTimeout        => (504, 5004, "wechat_unavailable",     "retry_after",  Error, 2,  "微信服务暂不可用，请稍后再试"),
        StoreUnavailable     => (503, 5005, "store_unavailable",      "retry_after",  Error, 2,  "会话服务暂不可用，请稍后再试"),
        UpstreamUnavailable  => (503, 5007, "upstream_unavailable",   "retry_after",  Error, 2,  "服务暂不可用，请稍后再试"),
        Overloaded           => (503, 5008, "overloaded",             "retry_after",  Warn,  2,  "服务繁忙，请稍后再试"),
        Internal             => (500, 5006, "internal_error",         "none",         Error, 0,  "服务内部错误"),
    };
    Row { http, status, error, action, level, retry_after_s, msg }
}

/// The reply of an adapter that cannot carry out a verdict.
#[must_use]
pub fn internal_error() -> Response {
    Rejection::from(Reason::Internal).response(&Wordings::default())
}

/// A refused request: the reason and what may be told beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) reason: Reason,
    /// Names what was wrong with the request. Never internal text.
    detail: Option<Cow<'static, str>>,
    errcode: Option<i64>,
    rid: Option<String>,
    retry_after_s: Option<u16>,
    /// The platform whose name stands in the message.
    platform: Platform,
    /// If the method was refused: those that are allowed.
    allow: &'static [&'static str],
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            detail: None,
            errcode: None,
            rid: None,
            retry_after_s: None,
            platform: Platform::Wechat,
            allow: &[],
        }
    }
}

impl Reason {
    pub(crate) fn with(self, detail: impl Into<Cow<'static, str>>) -> Rejection {
        Rejection {
            detail: Some(detail.into()),
            ..self.into()
        }
    }

    /// The parameter `name` and what it should have been.
    pub(crate) fn parameter(self, name: &str, problem: &str) -> Rejection {
        self.with(format!("{name}: {problem}"))
    }

    /// That a header is doubled, or no ASCII.
    pub(crate) fn ambiguous(header: &str) -> Rejection {
        Self::InvalidHeader.parameter(header, "must occur once and be ASCII")
    }

    /// That the request's method is none of `methods`.
    pub(crate) fn not_allowed(methods: &'static [&'static str]) -> Rejection {
        Rejection {
            allow: methods,
            ..Self::MethodNotAllowed.with(methods.join(", "))
        }
    }

    /// What WeChat or another platform said, for whoever asks its support.
    pub(crate) fn said_by_platform(self, errcode: i64, rid: Option<String>) -> Rejection {
        Rejection {
            errcode: Some(errcode),
            rid,
            ..self.into()
        }
    }
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Forbidden => Reason::Internal.into(),
            StoreError::Contended => {
                Reason::StoreUnavailable.with("too many changes of one user at the same time")
            }
            StoreError::Unavailable
            | StoreError::TooLarge
            | StoreError::Newer(_)
            | StoreError::Unopened => Reason::StoreUnavailable.into(),
        }
    }
}

impl From<NoEntropy> for Rejection {
    fn from(_: NoEntropy) -> Self {
        Reason::Internal.into()
    }
}

impl From<NotSealed> for Rejection {
    fn from(_: NotSealed) -> Self {
        Reason::Internal.into()
    }
}

impl From<BodyError> for Rejection {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Reason::BodyTooLarge.into(),
            BodyError::Unreadable => Reason::MalformedBody.with("the body could not be read"),
            BodyError::TimedOut(why) => Reason::BodyTimeout.with(why),
            BodyError::Crowded => Reason::Overloaded.into(),
        }
    }
}

impl Rejection {
    /// Tells the client when to come again.
    pub(crate) fn retry_after(mut self, span: Duration) -> Self {
        self.retry_after_s = u16::try_from(span.as_secs()).ok();
        self
    }

    /// Names what was wrong with the request.
    pub(crate) fn because(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    /// Names the platform in the place of WeChat.
    pub(crate) fn of(mut self, platform: Platform) -> Self {
        self.platform = platform;
        self
    }

    /// What is counted of it, whatever it was a request for.
    pub(crate) fn counter(&self) -> Option<Counter> {
        match self.reason {
            Reason::Overloaded => Some(Counter::RequestOverloaded),
            Reason::BodyTimeout => Some(Counter::RequestBodyTimeout),
            _ => None,
        }
    }

    pub(crate) fn level(&self) -> Level {
        row(self.reason).level
    }

    /// The status of the reply, if nobody words it otherwise.
    pub(crate) fn http(&self) -> u16 {
        row(self.reason).http
    }

    pub(crate) fn error(&self) -> &'static str {
        row(self.reason).error
    }

    pub(crate) fn errcode(&self) -> Option<i64> {
        self.errcode
    }

    pub(crate) fn rid(&self) -> Option<&str> {
        self.rid.as_deref()
    }

    pub(crate) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The reply, in the field's envelope or that of other clients. What it means stands in its headers, whatever they
    /// call it.
    pub(crate) fn response(&self, wordings: &Wordings) -> Response {
        let row = row(self.reason);
        let data = match self.reason {
            Reason::NoSession | Reason::InvalidToken => Some(Data::Session {
                has_session: false,
                expired: None,
            }),
            Reason::SessionExpired => Some(Data::Session {
                has_session: true,
                expired: Some(true),
            }),
            _ => None,
        };
        let wording = if data.is_some() {
            &wordings.session
        } else {
            &wordings.other
        };
        let msg = match self.platform {
            Platform::Wechat => Cow::Borrowed(row.msg),
            other => naming(other, row.msg),
        };
        let body = to_json(&ErrorBody {
            status: row.status,
            msg: &msg,
            error: row.error,
            action: row.action,
            detail: self.detail(),
            errcode: self.errcode,
            rid: self.rid(),
            data,
        });
        let body = wording.put(body, &msg, None);
        let http = wording.http_status.unwrap_or(row.http);
        let mut response = Response::json(http, row.error, row.action, body);
        match self.retry_after_s.unwrap_or(row.retry_after_s) {
            0 => {}
            seconds => response.headers.push(("retry-after", format!("{seconds}"))),
        }
        if !self.allow.is_empty() {
            response.headers.push(("allow", self.allow.join(", ")));
        }
        response
    }
}

/// A message that names a platform in the place of WeChat.
#[cold]
fn naming(platform: Platform, msg: &'static str) -> Cow<'static, str> {
    let [_, name] = platform.row().called;
    msg.replace("微信", name).into()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Level, Reason, row};

    /// HTTP status, `status`, `error` and `action` of every line.
    pub(crate) fn table() -> impl Iterator<Item = (u16, u16, &'static str, &'static str)> {
        Reason::ALL.iter().map(|reason| {
            let row = row(*reason);
            (row.http, row.status, row.error, row.action)
        })
    }

    /// `error` and level of every line.
    pub(crate) fn levels() -> impl Iterator<Item = (&'static str, Level)> {
        Reason::ALL
            .iter()
            .map(|reason| (row(*reason).error, row(*reason).level))
    }
}
