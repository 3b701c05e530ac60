//! `GET /weapp/login` and `GET /weapp/user`: the endpoints of Tencent's Wafer, for mini programs that have its client
//! (`wafer-client-sdk`, `wafer2-client-sdk`). One answer serves both versions, and ours; what else their clients look for is
//! a wording of it: see `wording::wafer`.
//!
//! `userinfo` holds no openid, which Wafer's own servers gave to the client: the app has it from the edge.

use alloc::string::String;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::answer::{Answer, ok};
use super::login::json;
use super::user::look_up;
use crate::host::{Host, Request};
use crate::json_text::to_json;
use crate::login::{Source, log_in};
use crate::profile::view;
use crate::records::login::LoggedIn;
use crate::records::told::Useless;
use crate::rejection::Rejection;
use crate::worker::Context;

/// The user of a session that nobody has registered.
const NOBODY: &str = r#"{"registered":false}"#;

/// `X-WX-Code` [`X-WX-Encrypted-Data`, `X-WX-IV`]: a code becomes a session.
pub(super) async fn login<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let login = log_in(context, request, Source::Headers, false).await?;
    let rules = &context.config().session;
    let body = body(&login, rules.expires_in());
    Ok(Answer::of_login(&login, rules, body))
}

fn body(login: &LoggedIn, expires_in: u64) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        status: u16,
        msg: &'a str,
        session: Session<'a>,
        data: Data<'a>,
    }
    /// Wafer 1's.
    #[derive(Serialize)]
    struct Session<'a> {
        id: &'a str,
        skey: &'a str,
    }
    /// What Wafer 2 finds beside its `skey`, and what `/wx/login` says.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        /// Never empty: without it Wafer 2 takes the login for failed.
        userinfo: Option<&'a RawValue>,
        expires_in: u64,
        registered: bool,
        event: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        open_data: Option<&'a str>,
    }
    to_json(&Body {
        status: 0,
        msg: "ok",
        session: Session {
            id: &login.token.id().short(),
            skey: &Zeroizing::new(login.token.text()),
        },
        data: Data {
            userinfo: json(login.told.user.as_deref().unwrap_or(NOBODY)),
            expires_in,
            registered: login.told.registered,
            event: login.told.event.name(),
            open_data: login.told.open_data.map(Useless::name),
        },
    })
}

/// The user behind the token: as `data` for Wafer 2, as `data.userInfo` for Wafer 1.
pub(super) async fn user<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let (session, user) = look_up(context, request).await?;
    let mut data = view(&user);
    if let Value::Object(data) = &mut data {
        data.insert("userInfo".into(), view(&user));
    }
    Ok(Answer::of(&session, ok(&data)))
}
