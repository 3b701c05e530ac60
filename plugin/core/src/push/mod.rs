//! Message push: what WeChat sends, checked, opened and handed to the app, once, in plain text. The app's answer goes
//! back to WeChat as WeChat wants it. A push that is not what it should be is one and the same refusal, and the app sees
//! nothing of it.

mod answer;
mod delivery;
mod judge;
mod once;
mod query;
mod told;

use alloc::rc::Rc;

pub(crate) use self::delivery::see_through;
use self::once::Turn;
use self::query::Query;
use crate::host::{Host, Request};
use crate::metrics::Counter;
use crate::rejection::{Reason, Rejection};
use crate::reply::{Response, Verdict};
use crate::worker::Context;

/// Answers a request for the path of a push: `number` says of which app; `None` if its path is only another spelling of
/// one.
pub(crate) async fn answer<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    number: Option<usize>,
    method: &str,
) -> Result<Verdict, Rejection> {
    let rules = context.config().push.as_ref();
    let app = number.and_then(|number| rules?.apps.get(number));
    let Some(app) = app else {
        return Err(refused(context, "", "is to another spelling of its path"));
    };
    let why = |why| refused(context, &app.appid, why);
    let query = Query::of(request.head()).ok_or_else(|| why("says something twice"))?;
    if method == "GET" {
        let echo = judge::echo(context, app, &query).map_err(why)?;
        context.host.count(Counter::PushVerified);
        return Ok(replied(Response::plain(echo), None));
    }
    let started = context.now();
    let body = request.body(context.config().body_bytes).await?;
    let push = judge::judge(context, app, &query, &body).map_err(why)?;
    let Some(push) = push else {
        return Ok(replied(Response::plain(SUCCESS.into()), None));
    };
    let deadline = started.after(rules.map(|rules| rules.answer_after).unwrap_or_default());
    let claim = match once::take(context, app, &push, deadline).await? {
        Turn::First(claim) => claim,
        Turn::Again => {
            context.host.count(Counter::PushDuplicate);
            return Ok(replied(Response::plain(SUCCESS.into()), push.openid()));
        }
    };
    let delivered = delivery::deliver(context, request.head(), app, &push, deadline).await;
    match delivered {
        Ok(delivered) => {
            claim.delivered().await;
            let response = answer::to_wechat(context, app, &push, delivered.answer)?;
            Ok(Verdict {
                pending: delivered.pending,
                ..replied(response, push.openid())
            })
        }
        Err(rejection) => {
            claim.failed().await;
            Err(rejection)
        }
    }
}

/// That WeChat need do nothing more.
const SUCCESS: &str = "success";

fn replied(response: Response, openid: Option<&str>) -> Verdict {
    Verdict::reply(response, "push").with_openid(openid.map(Rc::from))
}

/// One refusal for whoever asks; the operator is told why.
fn refused<H: Host>(context: Context<'_, H>, appid: &str, why: &'static str) -> Rejection {
    told::refused(context, appid, why);
    context.host.count(Counter::PushRefused);
    Reason::PushRefused.into()
}
