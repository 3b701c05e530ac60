//! `POST /wx/login {code, token?, appid?, rawData?, signature?, encryptedData?, iv?}`, or `GET` with `X-WX-Code`: a
//! code becomes a session.

use crate::edge::Edge;
use crate::endpoint::log_in::log_in;
use crate::endpoint::login_input::Place;
use crate::host::{Host, Request};
use crate::rejection::Rejection;
use crate::reply::Answer;

pub(super) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    method: &str,
) -> Result<Answer, Rejection> {
    let place = if method == "GET" {
        Place::Headers
    } else {
        Place::Body
    };
    let login = log_in(edge, host, request, place).await?;
    Ok(Answer::of(&login.session.openid, login.body(edge)))
}
