//! wx-session as a Spin component: the entry point. Holds no WeChat knowledge: what a request means is
//! `wx-session-core`'s, here is only how Spin carries it. Speaks WASI HTTP's own types and not those of the `http`
//! crate: their headers are the core's `Head` as they come, and an answer of the app is handed on as it is.

#![allow(
    missing_docs,
    reason = "a component for Spin, with no items for other crates"
)]

mod configuration;
mod deliver;
mod forward;
mod hop_headers;
mod host;
mod incoming;
mod instance;
mod key_value;
mod log;
mod outbound;
mod own_store;
mod redis;
mod relay;
mod reply;
mod spin_headers;
mod to_wechat;
mod upstream;
mod verdict;
mod waiting;

use std::rc::Rc;

use spin_sdk::wasip3;
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};
use wx_session_core::{Action, Host as _, Level, Verdict, carry_out, finish, hear, internal_error};

use crate::host::SpinHost;
use crate::incoming::Incoming;
use crate::log::log;

struct Component;

wasip3::http::service::export!(Component);

impl Guest for Component {
    /// Spin may run several of these at once in one instance; they share nothing but the instance.
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let instance = match instance::get().await {
            Ok(instance) => instance,
            Err(problem) => {
                // Each time: whoever looks at the log looks after the first request.
                log(
                    Level::Error,
                    &format!("wx-session does not start: {problem}"),
                );
                return reply::response(internal_error()).await;
            }
        };
        let incoming = Incoming::new(request, &instance.waiting);
        let host = Rc::new(SpinHost::new(
            instance,
            incoming.waiter(),
            incoming.shared_head(),
        ));
        let verdict = verdict::of(&host, &incoming).await;
        let Verdict {
            action,
            openid,
            auth_status,
            pending,
        } = verdict;
        let mut action = action;
        if let Action::Forward(changes) = &mut action
            && let Some(call) = changes.take_to_wechat()
        {
            let call = to_wechat::Call {
                changes: std::mem::take(changes),
                call,
                auth_status,
            };
            // Boxed, so that other requests do not carry the room for it.
            return Box::pin(to_wechat::answered(host, incoming, call)).await;
        }
        wasip3::spawn({
            let host = Rc::clone(&host);
            async move {
                finish(&host.instance.worker, &*host, pending).await;
                host.waiter.leave();
                host.report(openid.as_deref(), auth_status);
            }
        });
        match action {
            Action::Reply(response) => reply::response(response).await,
            Action::Forward(mut changes) => {
                let of_response = changes.response.take();
                let head = incoming.shared_head();
                let instance = &host.instance;
                let outgoing = forward::changed(incoming, changes, instance, None).await;
                let response = match outgoing {
                    Some(outgoing) => forward::pass_on(outgoing, instance, &*host, &head).await?,
                    // Headers that could not be changed could still be the client's: then nothing passes.
                    None => reply::response(internal_error()).await?,
                };
                let (response, said) = reply::changed(response, of_response, || host.now())?;
                if let Some(said) = said
                    && hear(&host.instance.worker, &*host, &said)
                {
                    let host = host.afterwards();
                    wasip3::spawn(async move {
                        carry_out(&host.instance.worker, &host, &said).await;
                        host.report_said();
                    });
                }
                Ok(response)
            }
        }
    }
}
