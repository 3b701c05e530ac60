//! What WeChat has granted, written down: the session, its user, and the code's memory. In an order that leaves nothing
//! half done, whoever breaks off in the middle.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::input::LoginInput;
use super::memory;
use crate::host::Host;
use crate::json_text::to_json;
use crate::memory::found::Found;
use crate::open_data;
use crate::profile::{self, Merged};
use crate::records::login::LoggedIn;
use crate::records::record::{CodeRecord, KeyRing, Listed, SessionRecord, UserRecord};
use crate::records::token::{SessionId, Token};
use crate::records::told::{Event, Told, Useless};
use crate::rejection::{Reason, Rejection};
use crate::session::users::{Changed, LookUp, UserChange, UserUpdate};
use crate::store::{Key, Write};
use crate::time::UnixMillis;
use crate::wechat::code2session::Code2Session;
use crate::wechat::payload::{Shape, user_info};
use crate::worker::{Context, LoginOutcome};

/// What WeChat has granted, and what belongs to it.
pub(super) struct Granted {
    pub(super) login: Code2Session,
    /// Of the new session.
    pub(super) token: Token,
    /// The session that this phone had before.
    pub(super) old: Option<(SessionId, Rc<SessionRecord>)>,
    /// Writes that give back what the exchange had taken of the quota.
    pub(super) returns: Vec<Write>,
}

/// Writes what WeChat has said. In this order, whoever breaks off in the middle: a session is there before its user
/// names it, and gone before its user no longer does. So a logout everywhere, which ends what the user names, ends all.
/// The phone's old session ends when the new one is named, and not before: a store that takes nothing new still deletes,
/// and would leave the phone without any. (Where swaps are not one step, it is over once the user names the new one.)
pub(super) async fn write_down<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    key: &Key,
    granted: &Granted,
) -> LoginOutcome {
    let Granted { login, token, .. } = granted;
    let sessions = context.sessions();
    let id = token.id();
    let stored = Rc::new(session(context, input, login));
    let mut before = Vec::new();
    if !input.binds {
        before.push(sessions.entry(token, &stored)?);
    }
    let update = UserUpdate {
        before,
        adds: (!input.binds).then(|| id.key()),
        ..UserUpdate::of(&input.mini_program.appid, &login.openid)
    };
    let mut change = LoginChange {
        context,
        input,
        key,
        granted,
        id,
        stored,
        old: input.old_token.as_ref().map(Token::id),
        surplus: Vec::new(),
        removed: 0,
        has_looked: false,
        done: None,
    };
    context.users().update(update, &mut change).await?;
    let (login, generation) = change.done.ok_or(Reason::Internal)?;
    if input.binds {
        return Ok(login);
    }
    // The next request of this phone comes at once, and a replica of the store may not have heard of the session yet.
    let now = login.session.seen_at;
    let found = Found::unread(id, Rc::clone(&login.session));
    sessions.remember(token, Rc::new(found), now, generation);
    // Once more: a look-up may have found one before it was gone from the store.
    context.worker.forget(&change.surplus);
    context.worker.forget(change.old.as_slice());
    Ok(login)
}

/// The new session.
fn session<H: Host>(
    context: Context<'_, H>,
    input: &LoginInput<'_>,
    login: &Code2Session,
) -> SessionRecord {
    let now = context.host.now();
    SessionRecord {
        appid: input.mini_program.appid.as_str().into(),
        openid: login.openid.as_str().into(),
        unionid: login.unionid.as_deref().map(Into::into),
        seen_at: now,
        expires_at: now.after(context.config().session.absolute),
        failures: 0,
        attributes: None,
    }
}

/// What a login makes of a user.
struct Entered {
    user: UserRecord,
    /// What the client is told.
    told: Told,
    ends: Ends,
}

/// Sessions that a login ends as the phone's old one.
struct Ends {
    /// Once more those of logins before this one.
    before: Vec<SessionId>,
    /// The one that this login replaces.
    old: Option<SessionId>,
}

/// The change of a user that a login is.
struct LoginChange<'a, H> {
    context: Context<'a, H>,
    input: &'a LoginInput<'a>,
    key: &'a Key,
    granted: &'a Granted,
    /// Of the new session.
    id: SessionId,
    /// The new session as it is in the store.
    stored: Rc<SessionRecord>,
    /// The session that this login replaces, which ends after it: where the login cannot be written, it goes on.
    old: Option<SessionId>,
    /// The sessions that end before it: those beyond `max_per_user`, and those that only seemed to be there.
    surplus: Vec<SessionId>,
    /// How many of them are gone from the store.
    removed: usize,
    /// Whether those on the list are known to live.
    has_looked: bool,
    /// What came of it, and the generation of the cache by then.
    done: Option<(LoggedIn, u64)>,
}

impl<H: Host> UserChange for LoginChange<'_, H> {
    /// Before a live session is ended for being one too many, looks which of the others only seem to be there: expired,
    /// or ended by others. Looks once.
    fn look_up(&mut self, user: &UserRecord) -> Option<LookUp<'_>> {
        let others = user.sessions.iter().filter(|own| self.stays(own));
        let count = others.clone().count() + usize::from(!self.input.binds);
        let surplus = count.saturating_sub(self.context.config().session.max_per_user);
        if surplus == 0 || self.has_looked {
            return None;
        }
        let others: Vec<Listed> = others.cloned().collect();
        self.has_looked = true;
        let sessions = self.context.sessions();
        Some(Box::pin(async move {
            self.surplus.extend(sessions.gone(&others, surplus).await);
        }))
    }

    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
        let Context { worker, host } = self.context;
        let (sessions, openings) = (self.context.sessions(), self.context.openings());
        let token = &self.granted.token;
        let Entered { user, told, ends } = self.enter(user);
        // On a retry, those of the attempt before are already deleted: had that failed, there would be no retry.
        let ending = self.surplus.get(self.removed..).unwrap_or_default();
        worker.forget(ending);
        worker.forget(&ends.before);
        worker.forget(ends.old.as_slice());
        let mut first: Vec<Write> = ending.iter().map(SessionId::removal).collect();
        self.removed = self.surplus.len();
        // WeChat does not say the unionid each time, but the user's record has it; and only with the user's keys is
        // known whether the open data was good.
        let whole = SessionRecord {
            unionid: user.unionid.as_deref().map(Into::into),
            failures: match told.open_data {
                Some(Useless::SessionKeyStale) => openings.born_with(),
                _ => 0,
            },
            ..(*self.stored).clone()
        };
        if *self.stored != whole {
            self.stored = Rc::new(whole);
            if !self.input.binds {
                first.push(sessions.entry(token, &self.stored)?);
            }
        }
        let record = CodeRecord {
            token: token.0,
            openid: (*self.stored.openid).into(),
            told: told.clone(),
            made_at: host.now(),
        };
        let mut along: Vec<Write> = self.granted.returns.clone();
        along.extend(memory::entry(self.context, self.input, self.key, &record)?);
        along.extend(ends.before.iter().map(SessionId::removal));
        if self.stored.failures > 0 {
            along.extend(openings.born_without(token));
        }
        let login = LoggedIn {
            token: token.clone(),
            session: Rc::clone(&self.stored),
            told,
        };
        self.done = Some((login, worker.verified.borrow().generation()));
        Ok(Some(Changed {
            user,
            first: Vec::from([first]),
            along,
            after: ends.old.iter().map(SessionId::removal).collect(),
        }))
    }

    fn is_there(&self, user: &UserRecord) -> bool {
        if self.input.binds {
            user.ring.holds(&self.granted.login.session_key)
        } else {
            user.lists(&self.id)
        }
    }
}

impl<H: Host> LoginChange<'_, H> {
    /// Whether this is one of the user's other sessions. The new session may be there already, if a change that seemed
    /// lost was not.
    fn stays(&self, own: &Listed) -> bool {
        let id = own.opener.id();
        !own.is_replaced() && !self.surplus.contains(&id) && id != self.id && Some(id) != self.old
    }

    fn enter(&mut self, user: Option<UserRecord>) -> Entered {
        let Granted { login, old, .. } = self.granted;
        let now = self.context.host.now();
        let event = match (old, &user) {
            (Some((_, old)), _) if *old.openid != *login.openid => Event::Switched,
            (_, Some(_)) => Event::Returning,
            (_, None) => Event::New,
        };
        let mut user = user.unwrap_or_else(|| UserRecord {
            ring: KeyRing::new(login.session_key.clone()),
            unionid: None,
            registered: false,
            profile: String::from("{}"),
            sessions: Vec::new(),
            created_at: now,
        });
        // Logins that meet here are written in any order, and WeChat holds the key of the last that it has granted.
        let granted_at = self.stored.seen_at;
        let is_later = |own: &Listed| own.made_at.is_since(granted_at, now);
        if user.sessions.iter().any(is_later) {
            user.ring.rotate_behind(login.session_key.clone());
        } else {
            user.ring.rotate(login.session_key.clone());
        }
        user.unionid = login.unionid.clone().or(user.unionid);
        let (sessions, ends) = self.list(user.sessions);
        user.sessions = sessions;
        let open_data = self.take_open_data(now, &mut user);
        let told = Told {
            registered: user.registered,
            event,
            user: user
                .registered
                .then(|| (*to_json(&profile::view(&user))).into()),
            open_data,
        };
        Entered { user, told, ends }
    }

    /// The user's list with the session of this login, and which sessions end as the phone's old one.
    fn list(&mut self, listed: Vec<Listed>) -> (Vec<Listed>, Ends) {
        let (mut sessions, others): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|own| self.stays(own));
        if !self.input.binds {
            sessions.push(Listed {
                opener: self.granted.token.opener(),
                made_at: self.stored.seen_at,
            });
        }
        let max = self.context.config().session.max_per_user;
        let surplus = sessions.len().saturating_sub(max);
        let surplus = sessions.drain(..surplus).map(|own| own.opener.id());
        self.surplus.extend(surplus);
        let is_old = |own: &Listed| Some(own.opener.id()) == self.old;
        let before = others
            .iter()
            .filter(|own| own.is_replaced() && !is_old(own));
        let before = before.map(|own| own.opener.id()).collect();
        let old = others.into_iter().find(is_old);
        // It may be another user's, on whose list it stays.
        let is_there = old.is_some() || self.granted.old.is_some();
        sessions.splice(..0, old.map(|own| Listed::replaced(own.opener)));
        let old = self.old.filter(|_| is_there);
        (sessions, Ends { before, old })
    }

    /// Stores the profile that came with the login. Says so if it was of no use: the login itself stands, for its code is
    /// spent.
    fn take_open_data(&self, now: UnixMillis, user: &mut UserRecord) -> Option<Useless> {
        let (input, login) = (self.input, &self.granted.login);
        let useless = input
            .open_data_is_malformed
            .then_some(Useless::InvalidParameter);
        if input.open_data.is_empty() {
            return useless;
        }
        let rules = &self.context.config().open_data;
        let expected = open_data::expected(rules, &input.mini_program.appid, &login.openid, now);
        let Some(opened) = input.open_data.open(&user.ring, &expected) else {
            return Some(Useless::SessionKeyStale);
        };
        let signed = || input.open_data.raw_data.as_deref().and_then(user_info);
        let opened = opened.open_data.map(|data| (data.json, data.shape));
        let payload = opened.or_else(|| Some((signed()?, Shape::UserInfo)));
        let Some((payload, shape)) = payload else {
            return Some(Useless::NoProfile);
        };
        let Ok(Merged::Profile(profile)) = profile::merge(&user.profile, &payload, shape) else {
            return useless.or(Some(Useless::NoProfile));
        };
        user.profile = profile;
        user.registered = true;
        None
    }
}
