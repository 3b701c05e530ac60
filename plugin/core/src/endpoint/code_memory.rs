//! The memory of a minute: the same code again (two taps, a retry after a lost answer) gets the same login. The
//! answer lies in the store, sealed under a key that comes from the code, so that only who has the code can open it.

use core::time::Duration;

use futures_util::future::join;

use crate::edge::Edge;
use crate::edge::flight::Outcome;
use crate::endpoint::logged_in::LoggedIn;
use crate::endpoint::login_input::LoginInput;
use crate::host::Host;
use crate::metrics::Counter;
use crate::rejection::Rejection;
use crate::session::record::CodeRecord;
use crate::session::seal::Scope;
use crate::session::sessions::Found;
use crate::session::sessions::Gone;
use crate::session::token::Token;
use crate::session::{sessions, users};
use crate::store::{Change, Key, Life, Store, Write};

/// Waits before looking for an answer that another worker may be writing.
const LOOK_AGAIN: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
];

/// The login that this very code was a moment ago, if its session still lives and its user knows of it: a login that
/// failed half-way may have left one of its entries. With `latest`, no replica is asked.
pub(super) async fn recall<H: Host>(
    edge: &Edge,
    host: &H,
    input: &LoginInput<'_>,
    key: &Key,
    latest: bool,
) -> Result<Option<LoggedIn>, Rejection> {
    if is_off(edge) {
        return Ok(None);
    }
    let store = edge.store(host);
    let sealed = if latest {
        store.get_latest(key, host.now()).await
    } else {
        store.get(key, host.now()).await
    };
    let sealed = sessions::counted(host, sealed)?;
    let record = sealed.and_then(|sealed| edge.keys.open_or_log(host, &scope(input, key), &sealed));
    let Some(record) = record.filter(|record: &CodeRecord| {
        // By its own time and not the store's: a clock may have been set back.
        host.now()
            .is_near(edge.config.login.remember, record.made_at)
    }) else {
        return Ok(None);
    };
    let Some(token) = Token::parse(&record.token) else {
        return Ok(None);
    };
    let id = token.id();
    let (session, user) = join(
        sessions::load(edge, host, &token, &id, host.now(), Gone::Stays),
        users::load(edge, host, &input.app.appid, &record.openid, true),
    )
    .await;
    let known = user?.is_some_and(|user| user.sessions.contains(&id));
    let alive = |found: &Found| known && !sessions::is_over(edge, &found.record, host.now());
    let session = session?.filter(alive);
    Ok(session.and_then(|found| LoggedIn::remembered(token, found.record, &record.answer)))
}

/// WeChat says that the code was used: perhaps by another worker or edge a moment ago, which is just writing down its
/// answer. If nothing comes, the code was used by somebody else.
pub(super) async fn used_elsewhere<H: Host>(
    edge: &Edge,
    host: &H,
    input: &LoginInput<'_>,
    key: &Key,
    rejection: Rejection,
) -> Outcome {
    if is_off(edge) {
        return Err(rejection);
    }
    for wait in LOOK_AGAIN {
        host.sleep(wait).await;
        if let Some(login) = recall(edge, host, input, key, true).await? {
            host.count(Counter::LoginRepeated);
            return Ok(login);
        }
    }
    Err(rejection)
}

/// The write that remembers an answer; none if nothing is to be remembered.
pub(super) fn entry<H: Host>(
    edge: &Edge,
    host: &H,
    input: &LoginInput<'_>,
    key: &Key,
    record: &CodeRecord,
) -> Result<Option<Write>, Rejection> {
    if is_off(edge) {
        return Ok(None);
    }
    let sealed = edge.keys.seal(host, &scope(input, key), record)?;
    let now = host.now();
    let life = Life {
        now,
        expires_at: now.after(edge.config.login.remember),
    };
    Ok(Some(Write {
        key: key.clone(),
        change: Change::Put(sealed, life),
    }))
}

/// Whether the configuration wants nothing remembered.
fn is_off(edge: &Edge) -> bool {
    edge.config.login.remember.is_zero()
}

fn scope<'a>(input: &'a LoginInput<'_>, key: &'a Key) -> Scope<'a> {
    Scope {
        label: "code",
        owner: input.js_code.as_bytes(),
        name: &key.name,
    }
}
