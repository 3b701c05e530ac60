//! What an operator may do: each takes the parameters of a request and gives the answer's body. To add one, add it to
//! [`AdminAction`] and here.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::line::Line;
use super::reset_key::reset_key;
use crate::endpoint::ok;
use crate::host::{Host, Request};
use crate::memory::found::Found;
use crate::params::Params;
use crate::records::record::Listed;
use crate::rejection::{Reason, Rejection};
use crate::reply::are_attributes;
use crate::route::AdminAction;
use crate::shared_text::SharedText;
use crate::worker::Context;

/// The longest openid that any platform gives, and then some, in bytes.
const MOST_OPENID: usize = 128;

/// Whom a request is about.
struct User<'a> {
    appid: &'a str,
    openid: &'a str,
}

/// The body of a good answer.
pub(super) async fn act<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    action: Option<AdminAction>,
    method: &str,
    line: &mut Line,
) -> Result<String, Rejection> {
    let action = action.ok_or_else(|| Reason::BadPath.with("there is no such action"))?;
    // Not GET: an openid would stand in the access log.
    if method != "POST" {
        return Err(Reason::not_allowed(&["POST"]));
    }
    let params = Params::read(request, context.config().body_bytes).await?;
    let user = user(context, &params)?;
    line.appid = Some(user.appid.into());
    line.openid = Some(user.openid.into());
    match action {
        AdminAction::Sessions => {
            let sessions = list(context, look(context, &user, None).await?);
            line.sessions = Some(sessions.len());
            Ok(ok(&List { sessions }))
        }
        AdminAction::End => {
            let short = session(&params, line)?;
            let sessions = look(context, &user, Some(short)).await?;
            let ended = end(context, &user, &sessions).await?;
            line.sessions = Some(ended);
            Ok(ok(&Ended { ended }))
        }
        AdminAction::EndAll => {
            let ended = end_all(context, &user).await?;
            line.sessions = Some(ended);
            Ok(ok(&Ended { ended }))
        }
        AdminAction::Attributes => {
            let short = session(&params, line)?;
            let text = attributes(&params)?;
            let mut changed = 0;
            for (own, found) in look(context, &user, Some(short)).await? {
                changed += usize::from(context.sessions().attach(&own, found, text).await?);
            }
            line.sessions = Some(changed);
            Ok(ok(&Changed { changed }))
        }
        AdminAction::ResetKey => {
            let reset = Box::pin(reset_key(context, user.appid, user.openid)).await?;
            line.reset = Some(reset);
            Ok(ok(&Reset { reset }))
        }
    }
}

#[derive(Serialize)]
struct Ended {
    ended: usize,
}

#[derive(Serialize)]
struct Changed {
    changed: usize,
}

#[derive(Serialize)]
struct Reset {
    reset: bool,
}

#[derive(Serialize)]
struct List {
    sessions: Vec<Entry>,
}

/// Moments in whole seconds since the epoch, spans in seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    session: String,
    created_at: u64,
    /// As written down: a use is every third of the idle time.
    used_at: u64,
    /// Until it ends if nobody uses it.
    expires_in: u64,
    attributes: Option<SharedText>,
}

/// The sessions on the user's list, all or only those of this short name (nearly always one), with what the store has
/// of those that live.
async fn look<H: Host>(
    context: Context<'_, H>,
    user: &User<'_>,
    short: Option<&str>,
) -> Result<Vec<(Listed, Option<Found>)>, Rejection> {
    let known = context.users().read(user.appid, user.openid).await?;
    let mut sessions = Vec::new();
    for own in known.map_or_else(Vec::new, |known| known.sessions) {
        if short.is_none_or(|short| own.opener.id().short() == short) {
            let found = context.sessions().look_at(&own).await?;
            sessions.push((own, found));
        }
    }
    Ok(sessions)
}

fn list<H: Host>(context: Context<'_, H>, sessions: Vec<(Listed, Option<Found>)>) -> Vec<Entry> {
    let now = context.host.now();
    let entry = |(own, found): (Listed, Option<Found>)| {
        let Found { id, record, .. } = found?;
        Some(Entry {
            session: id.short(),
            created_at: own.made_at.seconds(),
            used_at: record.seen_at.seconds(),
            expires_in: context.sessions().remaining(&record, now).as_secs(),
            attributes: record.attributes.clone(),
        })
    };
    let own = sessions.into_iter().filter(|(own, _)| !own.is_replaced());
    own.filter_map(entry).collect()
}

/// Ends these sessions, also those whose record cannot be read here: another edge may have the key. Tells how many
/// lived.
async fn end<H: Host>(
    context: Context<'_, H>,
    user: &User<'_>,
    sessions: &[(Listed, Option<Found>)],
) -> Result<usize, Rejection> {
    let mut ended = 0;
    for (own, found) in sessions {
        let id = own.opener.id();
        context.users().end_one(id, user.appid, user.openid).await?;
        ended += usize::from(found.is_some());
    }
    Ok(ended)
}

async fn end_all<H: Host>(context: Context<'_, H>, user: &User<'_>) -> Result<usize, Rejection> {
    // Here at once, also those that are on no list any more.
    context.worker.forget_user(user.appid, user.openid);
    let users = context.users();
    let ended = users.end_all(None, user.appid, user.openid, None).await;
    // Once more: a look-up may have found one before it was gone from the store.
    context.worker.forget_user(user.appid, user.openid);
    ended
}

/// What a session is to remember.
fn attributes(params: &Params) -> Result<&str, Rejection> {
    const NAME: &str = "attributes";
    let text = params.verbatim(NAME)?;
    let text = text.ok_or_else(|| Reason::MissingParameter.with(NAME))?;
    if !are_attributes(text) {
        let problem = "must be form-encoded, at most 512 bytes; empty takes them away";
        return Err(Reason::InvalidParameter.parameter(NAME, problem));
    }
    Ok(text)
}

/// Whom the parameters name. The only app need not be named.
fn user<'a, H: Host>(context: Context<'a, H>, params: &'a Params) -> Result<User<'a>, Rejection> {
    let config = context.config();
    let appid = match (params.text("appid")?, &*config.mini_programs) {
        (Some(appid), _) => {
            let known = config.mini_program(appid);
            &*known.ok_or(Reason::UnknownApp)?.appid
        }
        (None, [only]) => &*only.appid,
        (None, _) => return Err(Reason::MissingParameter.with("appid")),
    };
    let openid = params.required("openid")?;
    if openid.len() > MOST_OPENID || !openid.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem = format!("must be at most {MOST_OPENID} visible ASCII characters");
        return Err(Reason::InvalidParameter.parameter("openid", &problem));
    }
    Ok(User { appid, openid })
}

/// The short name of a session, as the list has it.
fn session<'a>(params: &'a Params, line: &mut Line) -> Result<&'a str, Rejection> {
    const NAME: &str = "session";
    let short = params.required(NAME)?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if short.len() != 8 || !short.bytes().all(is_hex) {
        let problem = "must be the eight hex digits that the list of sessions has";
        return Err(Reason::InvalidParameter.parameter(NAME, problem));
    }
    line.session = Some(short.into());
    Ok(short)
}
