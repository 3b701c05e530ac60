//! `POST /wx/login {code, token?, appid?, rawData?, signature?, encryptedData?, iv?}`, or `GET` with `X-WX-Code`: a
//! code becomes a session.

use alloc::string::String;

use serde::Serialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::answer::{Answer, ok};
use crate::host::{Host, Request};
use crate::login::{Source, log_in};
use crate::records::login::LoggedIn;
use crate::records::told::Useless;
use crate::rejection::Rejection;
use crate::worker::Context;

/// `data` of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Login<'a> {
    token: &'a str,
    expires_in: u64,
    registered: bool,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_data: Option<&'a str>,
}

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    method: &str,
) -> Result<Answer, Rejection> {
    let source = if method == "GET" {
        Source::Headers
    } else {
        Source::Body
    };
    let login = log_in(context, request, source, false).await?;
    let rules = &context.config().session;
    let body = body(&login, rules.expires_in());
    Ok(Answer::of_login(&login, rules, body))
}

fn body(login: &LoggedIn, expires_in: u64) -> String {
    let told = &login.told;
    ok(&Login {
        token: &Zeroizing::new(login.token.text()),
        expires_in,
        registered: told.registered,
        event: told.event.name(),
        user: told.user.as_deref().and_then(json),
        open_data: told.open_data.map(Useless::name),
    })
}

/// JSON text as a part of more.
pub(super) fn json(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}
