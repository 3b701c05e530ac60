//! The back channel: an operator, who has no user's token, looks at a user's sessions, ends them, says what they
//! remember, and has WeChat reset the user's key. Answers every request for its paths, and has none go on.

mod actions;
mod guard;
mod line;
mod reset_key;

use crate::host::{Host, Request};
use crate::metrics::Counter;
use crate::rejection::{Reason, Rejection};
use crate::reply::{Response, Verdict};
use crate::route::AdminAction;
use crate::wording::Wordings;
use crate::worker::Context;

use self::line::Line;

/// The verdict about a request for the back channel; `action` is what it asks for; `None` if there is no such action.
pub(crate) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    action: Option<AdminAction>,
    method: &str,
) -> Verdict {
    let Context { worker, host } = context;
    let mut line = Line::of(action);
    let token = guard::token(request.head(), &worker.config.admin_tokens);
    let Some(token) = token else {
        host.count(Counter::AdminWrongToken);
        line.of_wrong_token(context);
        // As any path that needs a session: nobody learns that there is a back channel.
        let rejection = Rejection::from(Reason::NoSession);
        return refused(&rejection, &worker.config.answers.all);
    };
    line.by = Some(token);
    let result = actions::act(context, request, action, method, &mut line).await;
    line.write(host, result.as_ref().map(|_| ()));
    match result {
        Ok(body) => {
            host.count(Counter::AdminOk);
            Verdict::reply(Response::json(200, "none", "none", body), "admin")
        }
        Err(rejection) => {
            let is_ours = rejection.http() >= 500;
            host.count(if is_ours {
                Counter::AdminFailed
            } else {
                Counter::AdminBadRequest
            });
            if let Some(counter) = rejection.counter() {
                host.count(counter);
            }
            refused(&rejection, &Wordings::default())
        }
    }
}

fn refused(rejection: &Rejection, wordings: &Wordings) -> Verdict {
    Verdict::reply(rejection.response(wordings), rejection.error())
}
