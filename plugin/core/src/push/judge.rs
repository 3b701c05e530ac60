//! Whether a push is WeChat's, and for this app. A sealed one proves it by its `msg_signature`, whatever else is
//! signed; where there is a key, one that is not sealed is refused. Never looks at the store, and knows no reply.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::query::Query;
use crate::config::PushApp;
use crate::host::Host;
use crate::time::UnixMillis;
use crate::wechat::push::message::{Fields, Format, read};
use crate::wechat::push::signed::Signed;
use crate::worker::Context;

/// A message of WeChat's, as it is to reach the app.
pub(super) struct Push {
    pub(super) message: Vec<u8>,
    pub(super) format: Format,
    pub(super) fields: Fields,
    /// It came sealed, and so goes its answer.
    pub(super) is_sealed: bool,
}

impl Push {
    /// Whose message it is, if it is a user's.
    pub(super) fn openid(&self) -> Option<&str> {
        let from = self.fields.from_user_name.as_deref()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        // Accounts have ids of their own.
        let is_openid = (16..=64).contains(&from.len())
            && from.bytes().all(is_plain)
            && !from.starts_with("gh_");
        is_openid.then_some(from)
    }
}

/// In a probe of Cloud Run, when somebody sets the path there. It is signed by nobody, and does nothing.
/// <https://developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/guide/weixin/push.html>
const PROBE: &str = "CheckContainerPath";

/// What is to be echoed when somebody sets the URL at WeChat; else why it is refused.
pub(super) fn echo<H: Host>(
    context: Context<'_, H>,
    app: &PushApp,
    query: &Query<'_>,
) -> Result<String, &'static str> {
    plainly_signed(context, app, query, context.now())?;
    let echo = query.echostr.as_deref().ok_or("has nothing to echo")?;
    Ok(echo.into())
}

/// How far the making of a message may be from now. What is signed are the timestamp and the nonce in one heap (their
/// order is that of their bytes): whoever has kept a push in which the nonce reads as a later second can send it again
/// then. Between the two lie months, between making and pushing a message seconds.
const MOST_APART: Duration = Duration::from_secs(24 * 3600);

/// The message, or `None` for a probe; else why it is refused.
pub(super) fn judge<H: Host>(
    context: Context<'_, H>,
    app: &PushApp,
    query: &Query<'_>,
    body: &[u8],
) -> Result<Option<Push>, &'static str> {
    let now = context.now();
    let (format, fields) = read(body).ok_or("is neither JSON nor XML that can be read")?;
    if fields.action.as_deref() == Some(PROBE) {
        return Ok(None);
    }
    let (encrypt, key) = match (fields.encrypt.as_deref(), &app.key) {
        (Some(encrypt), Some(key)) => (encrypt, key),
        (None, Some(_)) => {
            return Err("is not sealed, and with push.encoding_aes_key it has to be: in safe mode");
        }
        (Some(_), None) => return Err("is sealed, and there is no push.encoding_aes_key"),
        (None, None) => {
            plainly_signed(context, app, query, now)?;
            return Ok(Some(Push {
                message: body.to_vec(),
                format,
                fields,
                is_sealed: false,
            }));
        }
    };
    let signed = signed(context, query, Some(encrypt), now)?;
    is_signed(&signed, app, query.msg_signature.as_ref())
        .then_some(())
        .ok_or("has another msg_signature: is push.token the Token at WeChat?")?;
    let message = key
        .open(encrypt, &app.appid)
        .map_err(|_| "does not open under push.encoding_aes_key, or is for another appid")?;
    let (format, fields) = read(&message).ok_or("holds neither JSON nor XML that can be read")?;
    if let Some(made) = fields.create_time
        && !now.is_near(MOST_APART, UnixMillis(made * 1000))
    {
        return Err("was made longer ago than a day, or will be: somebody may have kept it");
    }
    Ok(Some(Push {
        message,
        format,
        fields,
        is_sealed: true,
    }))
}

fn plainly_signed<H: Host>(
    context: Context<'_, H>,
    app: &PushApp,
    query: &Query<'_>,
    now: UnixMillis,
) -> Result<(), &'static str> {
    let signed = signed(context, query, None, now)?;
    is_signed(&signed, app, query.signature.as_ref())
        .then_some(())
        .ok_or("has another signature: is push.token the Token at WeChat?")
}

fn is_signed(signed: &Signed<'_>, app: &PushApp, signature: Option<&Cow<'_, str>>) -> bool {
    signature.is_some_and(|signature| signed.is_signed(app.token.expose(), signature))
}

/// What was signed, if that was not too long ago.
fn signed<'a, H: Host>(
    context: Context<'_, H>,
    query: &'a Query<'_>,
    encrypt: Option<&'a str>,
    now: UnixMillis,
) -> Result<Signed<'a>, &'static str> {
    let max_age = context.config().push.as_ref().map(|rules| rules.max_age);
    let signed = Signed {
        timestamp: query.timestamp.as_deref().ok_or("has no timestamp")?,
        nonce: query.nonce.as_deref().ok_or("has no nonce")?,
        encrypt,
    };
    is_recent(signed.timestamp, now, max_age.unwrap_or_default())
        .then_some(signed)
        .ok_or("is from longer ago than push.max_age_s, or from the future")
}

fn is_recent(timestamp: &str, now: UnixMillis, max_age: Duration) -> bool {
    let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = timestamp.parse::<u64>().ok().filter(|_| is_number);
    // Whole seconds: the last of them counts.
    let made = seconds.map(|seconds| UnixMillis(seconds.saturating_mul(1000)));
    made.is_some_and(|made| now.is_near(max_age + Duration::from_secs(1), made))
}
