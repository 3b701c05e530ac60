//! The requests that are answered at the edge, one file per endpoint. `log_in`, `login_input`, `logged_in`,
//! `code_exchange` and `code_memory` are the login; `params`, `open_data` and `profile` are shared, the first two with
//! `open_body`.

mod code_exchange;
mod code_memory;
mod decrypt;
mod log_in;
mod logged_in;
mod login;
mod login_input;
mod logout;
pub(crate) mod open_data;
pub(crate) mod params;
mod profile;
mod register;
mod session;
mod user;
mod verify;
mod weapp;

pub(crate) use self::log_in::log_in;
pub(crate) use self::logged_in::{LoggedIn, expires_in};
pub(crate) use self::login_input::Place;

use crate::edge::Edge;
use crate::host::{Host, Request};
use crate::rejection::Rejection;
use crate::reply::Answer;
use crate::route::Endpoint;

/// Answers a request whose method the endpoint takes.
pub(crate) async fn answer<H: Host, R: Request>(
    edge: &Edge,
    host: &H,
    request: &R,
    endpoint: Endpoint,
    method: &str,
) -> Result<Answer, Rejection> {
    match endpoint {
        Endpoint::Login => login::answer(edge, host, request, method).await,
        Endpoint::Session => session::answer(edge, host, request).await,
        Endpoint::Verify => verify::answer(edge, host, request).await,
        Endpoint::Decrypt => decrypt::answer(edge, host, request).await,
        Endpoint::Register => register::answer(edge, host, request).await,
        Endpoint::User => user::answer(edge, host, request).await,
        Endpoint::Logout => logout::answer(edge, host, request).await,
        Endpoint::WeappLogin => weapp::login(edge, host, request).await,
        Endpoint::WeappUser => weapp::user(edge, host, request).await,
    }
}
