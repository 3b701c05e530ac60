//! What an app has said of a session in its response, carried out: the session ends, or remembers something. At once on
//! this worker; in the store without delaying the answer, and again for a while if that cannot be asked.

use alloc::rc::Rc;
use alloc::string::String;
use core::time::Duration;

use serde::Serialize;

use crate::host::{Host, Level};
use crate::memory::endings::Ending;
use crate::metrics::Counter;
use crate::records::token::{SessionId, Token};
use crate::rejection::Rejection;
use crate::reply::{Said, Saying, Subject, to_json};
use crate::worker::{Context, Worker};

/// Waits before each attempt.
const ATTEMPTS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

/// What needs no store: from now on this worker goes by it. Before the answer goes on to the client, that may ask at once.
pub fn hear(worker: &Worker, said: &Said) {
    if let Some(ending) = ending(said) {
        worker.expect_end(ending);
    } else if let Saying::Attributes(text) = &said.what {
        let token = Token(*said.subject.token);
        worker.verified.borrow_mut().remember_for_app(&token, text);
    }
}

/// The rest of it, beside the answer.
pub async fn carry_out<H: Host>(worker: &Worker, host: &H, said: &Said) {
    let context = Context { worker, host };
    if said.what == Saying::Unreadable {
        log(context, Level::Warn, "attributes_refused", said);
        return;
    }
    for wait in ATTEMPTS {
        host.sleep(wait).await;
        if write(context, said).await.is_ok() {
            if let Some(ending) = ending(said) {
                host.count(Counter::SessionEndedByApp);
                worker.endings.remove(&ending);
            } else {
                host.count(Counter::SessionAttributes);
            }
            return;
        }
    }
    give_up(worker, host, said);
}

/// Tells the operator what could not be written. A session that was to end lives on elsewhere, and ends by its times.
pub fn give_up<H: Host>(worker: &Worker, host: &H, said: &Said) {
    let event = if let Some(ending) = ending(said) {
        worker.endings.remove(&ending);
        "session_not_ended"
    } else {
        "attributes_not_kept"
    };
    log(Context { worker, host }, Level::Error, event, said);
}

async fn write<H: Host>(context: Context<'_, H>, said: &Said) -> Result<(), Rejection> {
    let Subject { appid, openid, .. } = &said.subject;
    let users = context.users();
    match &said.what {
        Saying::EndThis => users.end_one(id(&said.subject), appid, openid).await,
        Saying::EndAll => users
            .end_all(Some(id(&said.subject)), appid, openid)
            .await
            .map(drop),
        Saying::Attributes(text) => {
            let token = Token(*said.subject.token);
            context.sessions().remember_for_app(&token, text).await
        }
        Saying::Unreadable => Ok(()),
    }
}

fn id(subject: &Subject) -> SessionId {
    Token(*subject.token).id()
}

/// What is to end, if anything is.
fn ending(said: &Said) -> Option<Ending> {
    let Subject { appid, openid, .. } = &said.subject;
    match said.what {
        Saying::EndThis => Some(Ending::One(id(&said.subject))),
        Saying::EndAll => Some(Ending::Of(Rc::clone(appid), Rc::clone(openid))),
        Saying::Attributes(_) | Saying::Unreadable => None,
    }
}

fn log<H: Host>(context: Context<'_, H>, level: Level, event: &'static str, said: &Said) {
    #[derive(Serialize)]
    struct Line<'a> {
        event: &'a str,
        session: String,
    }
    let line = || {
        let session = id(&said.subject).short();
        to_json(&Line { event, session })
    };
    context.log(level, (event, ""), line);
}
