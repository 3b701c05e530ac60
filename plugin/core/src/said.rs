//! What an app has said of a session in its response, carried out: the session ends, or remembers something. At once on
//! this worker; in the store without delaying the answer, and again for a while if that cannot be asked.

use alloc::rc::Rc;
use alloc::string::String;
use core::time::Duration;

use serde::Serialize;

use crate::host::{Host, Level};
use crate::json_text::to_json;
use crate::memory::endings::Ending;
use crate::metrics::Counter;
use crate::records::token::{SessionId, Token};
use crate::reply::{Said, Saying, Subject};
use crate::worker::{Context, Worker};

/// Waits before each attempt.
const ATTEMPTS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

/// How often whoever waits with a word looks whether there is another one.
const STEP: Duration = Duration::from_secs(1);

/// Does what needs no store: from now on this worker goes by what was said. To be called before the answer goes on to
/// the client, whose next request may come at once. Tells whether [`carry_out`] is to be called: not if an earlier word
/// is being written, for then this one is written after it.
pub fn hear<H: Host>(worker: &Worker, host: &H, said: &Said) -> bool {
    for event in &said.refused {
        log(Context { worker, host }, Level::Warn, event, said);
    }
    if let Some(ending) = ending(said) {
        worker.expect_end(ending);
    } else if let Saying::Attributes(text) = &said.what {
        let token = Token(*said.subject.token);
        worker.verified.borrow_mut().remember_for_app(&token, text);
        return worker.sayings.say(&token.id(), text);
    }
    said.what != Saying::Nothing
}

/// Does the rest of it in the store, beside the answer.
pub async fn carry_out<H: Host>(worker: &Worker, host: &H, said: &Said) {
    let context = Context { worker, host };
    match &said.what {
        Saying::EndThis | Saying::EndAll => end(context, said).await,
        Saying::Attributes(_) => remember(context, said).await,
        Saying::Nothing => {}
    }
}

/// Tells the operator what could not be written. A session that was to end lives on elsewhere, and ends by its times.
pub fn give_up<H: Host>(worker: &Worker, host: &H, said: &Said) {
    let event = match (&said.what, ending(said)) {
        (_, Some(ending)) => {
            worker.endings.remove(&ending);
            host.count(Counter::SessionNotEnded);
            "session_not_ended"
        }
        (Saying::Attributes(_), None) => {
            worker.sayings.give_up(&id(&said.subject));
            "attributes_not_kept"
        }
        (_, None) => return,
    };
    log(Context { worker, host }, Level::Error, event, said);
}

async fn end<H: Host>(context: Context<'_, H>, said: &Said) {
    let Context { worker, host } = context;
    let Subject { appid, openid, .. } = &said.subject;
    let (users, id) = (context.users(), id(&said.subject));
    // Whoever logs in after it has a session that nobody has ended, should this have to be written again.
    let mut made_by = None;
    for wait in ATTEMPTS {
        host.sleep(wait).await;
        let ended = match said.what {
            Saying::EndAll => users
                .end_all(Some(id), appid, openid, made_by)
                .await
                .map(drop),
            _ => users.end_one(id, appid, openid).await,
        };
        if ended.is_ok() {
            host.count(Counter::SessionEndedByApp);
            if let Some(ending) = ending(said) {
                worker.endings.remove(&ending);
            }
            return;
        }
        made_by = Some(said.at);
    }
    give_up(worker, host, said);
    if said.what == Saying::EndAll {
        // Where the others cannot be ended, this one may: not before, for all of that is to be in time.
        let _ = context.sessions().end(&[id]).await;
    }
}

/// Writes the last word of a session, one task at a time. Each word has all its attempts, and does not wait for those
/// of the word before it.
async fn remember<H: Host>(context: Context<'_, H>, said: &Said) {
    let Context { worker, host } = context;
    let token = Token(*said.subject.token);
    let id = token.id();
    let mut waits = ATTEMPTS.into_iter();
    let mut tried: Option<Rc<str>> = None;
    while let Some(word) = worker.sayings.word(&id) {
        if !tried.is_some_and(|own| Rc::ptr_eq(&own, &word)) {
            waits = ATTEMPTS.into_iter();
        }
        let Some(wait) = waits.next() else {
            give_up(worker, host, said);
            return;
        };
        if wait_with(context, &id, &word, wait).await {
            let written = context.sessions().remember_for_app(&token, &word).await;
            if written.is_ok_and(|is_written| is_written) {
                host.count(Counter::SessionAttributes);
                worker.sayings.written(&id, &word);
            }
        }
        tried = Some(word);
    }
}

/// Whether `word` is still the last one after `wait`. Stops waiting when it is not.
async fn wait_with<H: Host>(
    context: Context<'_, H>,
    id: &SessionId,
    word: &Rc<str>,
    wait: Duration,
) -> bool {
    let Context { worker, host } = context;
    let mut left = wait;
    while worker.sayings.is_last(id, word) {
        if left.is_zero() {
            return true;
        }
        let step = left.min(STEP);
        host.sleep(step).await;
        left = left.saturating_sub(step);
    }
    false
}

fn id(subject: &Subject) -> SessionId {
    Token(*subject.token).id()
}

/// What is to end, if anything is.
fn ending(said: &Said) -> Option<Ending> {
    let Subject { appid, openid, .. } = &said.subject;
    match said.what {
        Saying::EndThis => Some(Ending::One(id(&said.subject))),
        Saying::EndAll => Some(Ending::Of {
            appid: Rc::clone(appid),
            openid: Rc::clone(openid),
            at: said.at,
            asks: id(&said.subject),
        }),
        Saying::Attributes(_) | Saying::Nothing => None,
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
