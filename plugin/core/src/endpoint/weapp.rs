//! `GET /weapp/login` and `GET /weapp/user`: the endpoints of Tencent's Wafer, for mini programs that have its client
//! (`wafer-client-sdk`, `wafer2-client-sdk`). One answer serves both versions, and ours.
//!
//! `userinfo` holds no openid, which Wafer's own servers gave to the client: the app has it from the edge.

use alloc::string::String;

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::edge::Edge;
use crate::endpoint::log_in::log_in;
use crate::endpoint::logged_in::{LoggedIn, expires_in};
use crate::endpoint::login_input::Place;
use crate::endpoint::profile::view;
use crate::endpoint::user::look_up;
use crate::host::{Host, Request};
use crate::rejection::Rejection;
use crate::reply::{Answer, to_json};

/// `X-WX-Code` [`X-WX-Encrypted-Data`, `X-WX-IV`]: a code becomes a session.
pub(super) async fn login<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    let login = log_in(edge, host, request, Place::Headers).await;
    let login = login.map_err(Rejection::of_weapp_login)?;
    Ok(Answer::of(&login.session.openid, body(edge, &login)))
}

fn body(edge: &Edge, login: &LoggedIn) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        status: u16,
        msg: &'a str,
        #[serde(rename = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A")]
        wafer_mark: u8,
        code: u8,
        message: &'a str,
        session: Session<'a>,
        data: Data<'a>,
    }
    /// Wafer 1's.
    #[derive(Serialize)]
    struct Session<'a> {
        id: &'a str,
        skey: &'a str,
    }
    /// Wafer 2's, and what `/wx/login` says.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        skey: &'a str,
        /// Never empty: without it Wafer 2 takes the login for failed.
        userinfo: &'a Value,
        expires_in: u64,
        registered: bool,
        event: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        open_data: Option<&'a str>,
    }
    let skey = &Zeroizing::new(login.token.text());
    let mut nobody = Map::new();
    nobody.insert("registered".into(), false.into());
    to_json(&Body {
        status: 0,
        msg: "ok",
        wafer_mark: 1,
        code: 0,
        message: "ok",
        session: Session {
            id: &login.token.id().short(),
            skey,
        },
        data: Data {
            skey,
            userinfo: login.told.user.as_deref().unwrap_or(&nobody.into()),
            expires_in: expires_in(edge),
            registered: login.told.registered,
            event: login.told.event,
            open_data: login.told.open_data,
        },
    })
}

/// The user behind the token: as `data` for Wafer 2, as `data.userInfo` for Wafer 1.
pub(super) async fn user<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
) -> Result<Answer, Rejection> {
    #[derive(Serialize)]
    struct Body<'a> {
        status: u16,
        msg: &'a str,
        code: u8,
        message: &'a str,
        data: &'a Value,
    }
    let (session, user) = look_up(edge, host, request).await?;
    let mut data = view(&user);
    if let Value::Object(data) = &mut data {
        data.insert("userInfo".into(), view(&user));
    }
    let body = to_json(&Body {
        status: 0,
        msg: "ok",
        code: 0,
        message: "ok",
        data: &data,
    });
    Ok(Answer::of(&session.openid, body))
}
