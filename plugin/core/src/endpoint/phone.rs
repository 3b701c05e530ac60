//! `POST /wx/phone {code, keep?}`: the phone number that the user has let the app have, for `e.detail.code` of the button. With
//! `keep`, it is kept in the user's profile as `/wx/register` would.

use super::answer::{Answer, ok_json};
use super::register::{Registration, register};
use crate::host::{Host, Request};
use crate::open_data::phone::number;
use crate::params::Params;
use crate::rejection::{Reason, Rejection};
use crate::release_rule::session_of;
use crate::wechat::payload::Shape;
use crate::worker::Context;

pub(super) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Answer, Rejection> {
    let (token, session) = session_of(context, request.head()).await?;
    let params = Params::read(request, context.config().body_bytes).await?;
    let code = params.required("code")?.trim();
    let keep = params.flag("keep")?;
    // Before the code is spent: a store that is down, or has given up the user, is found out here.
    if keep {
        let users = context.users();
        let user = users.load(&session.appid, &session.openid, true).await?;
        user.ok_or(Reason::InvalidToken)?;
    }
    let number = number(context, &token, &session, "code", code).await?;
    if keep {
        let registration = Registration::new(number.json.clone(), Shape::PhoneNumber, "code");
        register(context, &session, registration).await?;
    }
    Ok(Answer::of(&session, ok_json(&number.json)))
}
