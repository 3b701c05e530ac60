//! `GET /weapp/login` and `GET /weapp/user`: the endpoints of Tencent's Wafer, for mini programs that have its client
//! (`wafer-client-sdk`, `wafer2-client-sdk`). One answer serves both versions, and ours.
//!
//! `userinfo` holds no openid, which Wafer's own servers gave to the client: the app has it from the edge.

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::edge::Edge;
use crate::endpoint::log_in::log_in;
use crate::endpoint::logged_in::{LoggedIn, Told, expires_in};
use crate::endpoint::login_input::Place;
use crate::endpoint::user::look_up;
use crate::host::{Host, Request};
use crate::rejection::Rejection;
use crate::reply::{Answer, Wafer, to_json};

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

fn body(edge: &Edge, login: &LoggedIn) -> alloc::string::String {
    #[derive(Serialize)]
    struct Body<'a> {
        status: u16,
        msg: &'a str,
        #[serde(flatten)]
        wafer: Wafer<'a>,
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
        userinfo: Value,
        expires_in: u64,
        #[serde(flatten)]
        told: &'a Told,
    }
    let skey = &Zeroizing::new(login.token.text());
    let unknown = || {
        let registered = ("registered".into(), login.told.registered.into());
        Value::Object(Map::from_iter([registered]))
    };
    to_json(&Body {
        status: 0,
        msg: "ok",
        wafer: Wafer::ok(),
        session: Session {
            id: &login.token.id().short(),
            skey,
        },
        data: Data {
            skey,
            userinfo: login.told.user.clone().unwrap_or_else(unknown),
            expires_in: expires_in(edge),
            told: &login.told,
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
        code: u16,
        message: &'a str,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        #[serde(flatten)]
        user: &'a Value,
        user_info: &'a Value,
    }
    let (session, user) = look_up(edge, host, request).await?;
    let body = to_json(&Body {
        status: 0,
        msg: "ok",
        code: 0,
        message: "ok",
        data: Data {
            user: &user,
            user_info: &user,
        },
    });
    Ok(Answer::of(&session.openid, body))
}
