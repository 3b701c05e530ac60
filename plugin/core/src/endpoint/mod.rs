//! The requests that are answered at the edge, one file per endpoint. Each takes a request and gives an [`Answer`].

mod answer;
mod decrypt;
mod login;
mod logout;
mod phone;
mod register;
mod session;
mod user;
mod verify;
mod weapp;

pub(crate) use self::answer::{Answer, ok};

use crate::host::{Host, Request};
use crate::rejection::Rejection;
use crate::route::Endpoint;
use crate::worker::Context;

/// Answers a request whose method the endpoint takes.
pub(crate) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    endpoint: Endpoint,
    method: &str,
) -> Result<Answer, Rejection> {
    match endpoint {
        Endpoint::Login => login::answer(context, request, method).await,
        Endpoint::Session => session::answer(context, request).await,
        Endpoint::Verify => verify::answer(context, request).await,
        Endpoint::Decrypt => decrypt::answer(context, request).await,
        Endpoint::Register => register::answer(context, request).await,
        Endpoint::Phone => phone::answer(context, request).await,
        Endpoint::User => user::answer(context, request).await,
        Endpoint::Logout => logout::answer(context, request, method).await,
        Endpoint::WeappLogin => weapp::login(context, request).await,
        Endpoint::WeappUser => weapp::user(context, request).await,
    }
}
