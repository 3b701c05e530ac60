//! The sessions of one store: read, written, counted against, ended.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::host::Host;
use crate::memory::endings::Watched;
use crate::memory::found::Found;
use crate::metrics::Counter;
use crate::records::record::{SessionRecord, UserRecord, session_scope};
use crate::records::token::{Opener, SessionId, Token};
use crate::rejection::{Reason, Rejection};
use crate::store::{Change, Key, Life, Store, StoreError, Write};
use crate::time::UnixMillis;
use crate::worker::Context;

/// How long an expired session stays in the store, so that its client is told "expired" and not "unknown".
const REMEMBER_EXPIRED: Duration = Duration::from_secs(600);

/// How often a compare-and-swap is tried when others change the same record.
pub(crate) const ATTEMPTS: usize = 8;

/// A moment of a session that lies further ahead than this is not believed: clocks are set back by less.
const MOST_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// What `load` does with a session that is still stored but cannot be used: it is to end, and that could not be written
/// yet; or its mini program is not configured, or no longer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Leaves it: others see to its end, and the mini program may be configured again.
    Keep,
    /// Ends it, for its client wants it ended.
    Delete,
}

/// The sessions of one store, and those that this worker has verified.
pub(crate) struct Sessions<'a, H> {
    pub(super) context: Context<'a, H>,
}

impl<'a, H: Host> Context<'a, H> {
    pub(crate) fn sessions(self) -> Sessions<'a, H> {
        Sessions { context: self }
    }
}

impl<H: Host> Sessions<'_, H> {
    /// When `record` ends if nobody uses it from now on.
    pub(crate) fn ends_at(&self, record: &SessionRecord) -> UnixMillis {
        let idle_end = record.seen_at.after(self.context.config().session.idle);
        idle_end.min(record.expires_at)
    }

    /// Whether `record` has ended. A session that was last seen in the future is one that the clock was set back behind:
    /// it goes on, and its times begin anew as soon as it is used. Where the future is too far away, it is over.
    pub(crate) fn is_over(&self, record: &SessionRecord, now: UnixMillis) -> bool {
        now >= self.ends_at(record) || record.seen_at.since(now) > MOST_AHEAD
    }

    /// How long `record` lasts if nobody uses it from now on.
    pub(crate) fn remaining(&self, record: &SessionRecord, now: UnixMillis) -> Duration {
        if self.is_over(record, now) {
            return Duration::ZERO;
        }
        let idle = self.context.config().session.idle;
        self.ends_at(record).since(now).min(idle)
    }

    /// What the store has for `token`, expired or not. `None` also when no master key opens it, when it is to end, and when
    /// it is of a mini program that is not configured, or no longer.
    pub(crate) async fn load(
        &self,
        token: &Token,
        now: UnixMillis,
        unusable: Unusable,
    ) -> Result<Option<Rc<Found>>, StoreError> {
        let found = self.look_up(token, now, unusable).await?;
        if found.is_none() {
            let worker = self.context.worker;
            match unusable {
                Unusable::Keep => worker.verified.borrow_mut().forget(token),
                // Where others have ended it, any worker of this thread may have it in its cache, or be looking it up.
                Unusable::Delete => worker.forget(&[token.id()]),
            }
        }
        Ok(found)
    }

    async fn look_up(
        &self,
        token: &Token,
        now: UnixMillis,
        unusable: Unusable,
    ) -> Result<Option<Rc<Found>>, StoreError> {
        let worker = self.context.worker;
        let last_read = worker.verified.borrow().last_read(token);
        let id = last_read
            .as_ref()
            .map_or_else(|| token.id(), |found| found.id);
        let key = id.key();
        let store = self.context.store();
        let to_end = worker.endings.watch();
        let mut sealed = store.get(&key, now).await?;
        if sealed.is_none() && self.may_be_missed(token) {
            sealed = store.get_latest(&key, now).await?;
        }
        let opened = |sealed: Vec<u8>| match &last_read {
            Some(found) if found.sealed == sealed => Some(Rc::clone(found)),
            _ => self.opened(&token.opener(), id, &key, sealed).map(Rc::new),
        };
        let is = |found: &Option<Rc<Found>>, what: &dyn Fn(&SessionRecord) -> bool| {
            found.as_ref().is_some_and(|found| what(&found.record))
        };
        let mut found = sealed.and_then(opened);
        // A replica may not have heard that somebody used it a moment ago.
        if store.may_lag() && is(&found, &|record| self.is_over(record, now)) {
            found = store.get_latest(&key, now).await?.and_then(opened);
        }
        let is_unusable = |record: &SessionRecord| {
            let is_configured = worker.config.mini_program(&record.appid).is_some();
            self.is_to_end(&to_end, &id, record, now) || !is_configured
        };
        if is(&found, &is_unusable) {
            if unusable == Unusable::Delete {
                self.end(&[id]).await?;
            }
            return Ok(None);
        }
        if store.swaps_are_atomic() {
            return Ok(found);
        }
        // Two changes of one user may have met, and this session be on no list any more: then nothing could end it.
        let Some(found) = found else {
            return Ok(None);
        };
        let users = self.context.users();
        let user = users.load(&found.record.appid, &found.record.openid, false);
        // One that was replaced has ended: its renewal elsewhere may have brought its entry back. But a login that
        // failed may have replaced it, and its client wants it ended.
        let is_listed = |user: UserRecord| {
            let ends = unusable == Unusable::Delete && user.names(&id);
            user.lists(&id) || ends
        };
        Ok(user.await?.is_some_and(is_listed).then_some(found))
    }

    /// Whether its app has ended it, and the store may not have heard of that.
    pub(super) fn is_to_end(
        &self,
        to_end: &Watched<'_>,
        id: &SessionId,
        record: &SessionRecord,
        now: UnixMillis,
    ) -> bool {
        let absolute = self.context.config().session.absolute;
        to_end.includes(id, record, absolute, now)
    }

    /// Whether this session may have been made a moment ago at another edge, and a replica not have heard of it.
    pub(crate) fn may_be_missed(&self, token: &Token) -> bool {
        let Context { worker, host } = self.context;
        self.context.store().may_lag() && token.is_young(&worker.keys, host.now())
    }

    /// The write of a new session.
    pub(crate) fn entry(&self, token: &Token, record: &SessionRecord) -> Result<Write, Rejection> {
        let Context { worker, host } = self.context;
        let opener = token.opener();
        let key = opener.id().key();
        let scope = session_scope(&opener, &key.name);
        let sealed = worker.keys.seal(host, &scope, record)?;
        let change = Change::Put(sealed, self.life(record));
        Ok(Write { key, change })
    }

    /// Writes `record` if the store still has what was found: a session that was ended meanwhile stays ended.
    pub(super) async fn replace(
        &self,
        opener: &Opener,
        found: &Found,
        record: &SessionRecord,
    ) -> Result<bool, Rejection> {
        let Context { worker, host } = self.context;
        let key = found.id.key();
        let scope = session_scope(opener, &key.name);
        let sealed = worker.keys.seal(host, &scope, record)?;
        let life = self.life(record);
        let store = self.context.store();
        Ok(store.swap(&key, Some(&found.sealed), &sealed, life).await?)
    }

    /// Has the session of `token` remember `word` for its app, if it is still there. `false` if it was given up for a
    /// later word before it was written.
    pub(crate) async fn remember_for_app(
        &self,
        token: &Token,
        word: &Rc<str>,
    ) -> Result<bool, Rejection> {
        let Context { worker, host } = self.context;
        let id = token.id();
        for _ in 0..ATTEMPTS {
            let Some(found) = self.load(token, host.now(), Unusable::Keep).await? else {
                return Ok(true);
            };
            if !worker.sayings.is_last(&id, word) {
                return Ok(false);
            }
            let changed = found.record.remembering(word);
            if changed == *found.record || self.replace(&token.opener(), &found, &changed).await? {
                // Once more: a look-up may have found the record before it was written.
                if worker.sayings.is_last(&id, word) {
                    worker.verified.borrow_mut().remember_for_app(token, word);
                }
                return Ok(true);
            }
        }
        Err(StoreError::Contended.into())
    }

    /// Ends sessions: at once here, elsewhere within the cache time.
    pub(crate) async fn end(&self, ended: &[SessionId]) -> Result<(), StoreError> {
        self.context.worker.forget(ended);
        let writes: Vec<Write> = ended.iter().map(SessionId::removal).collect();
        let result = self.context.store().write(&writes).await;
        // Once more: a look-up may have found one between the two.
        self.context.worker.forget(ended);
        result.map(|_| ())
    }

    /// Counts open data that no key opened; at the limit the session ends. How many there are now.
    pub(crate) async fn count_failure(&self, token: &Token) -> Result<u8, Rejection> {
        let Context { worker, host } = self.context;
        let id = token.id();
        let max = worker.config.open_data.max_failures;
        for _ in 0..ATTEMPTS {
            let Some(found) = self.load(token, host.now(), Unusable::Keep).await? else {
                // Ended elsewhere while it was in the cache here.
                worker.verified.borrow_mut().remove(&id);
                return Err(Reason::InvalidToken.into());
            };
            let failures = found.record.failures.saturating_add(1);
            if failures >= max {
                break;
            }
            let counted = SessionRecord {
                failures,
                ..(*found.record).clone()
            };
            if self.replace(&token.opener(), &found, &counted).await? {
                return Ok(failures);
            }
        }
        // Also if somebody floods this very session with failures.
        host.count(Counter::SessionEnded);
        self.end(&[id]).await?;
        Ok(max)
    }

    pub(super) fn opened(
        &self,
        opener: &Opener,
        id: SessionId,
        key: &Key,
        sealed: Vec<u8>,
    ) -> Option<Found> {
        let scope = session_scope(opener, &key.name);
        let record = Rc::new(self.context.open(&scope, &sealed)?);
        Some(Found { id, record, sealed })
    }

    fn life(&self, record: &SessionRecord) -> Life {
        Life {
            now: self.context.host.now(),
            expires_at: self.ends_at(record).after(REMEMBER_EXPIRED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::minimal_on_spin;
    use crate::fake_host::{FakeHost, run};
    use crate::memory::somebodys_session;
    use crate::records::record::{KeyRing, Listed, user_key, user_scope};
    use crate::testing::test;
    use crate::wechat::session_key::SessionKey;
    use crate::worker::Worker;
    use alloc::string::String;

    /// A login that failed may have replaced it: its client can still end it, and all others by it.
    #[test]
    fn where_lists_tell_what_lives_a_session_that_is_replaced_can_be_ended_and_nothing_else() {
        let mut host = FakeHost::at(1_700_000_000_000);
        host.store.only_reads_and_writes = true;
        let worker = Worker::new(minimal_on_spin(serde_json::json!({ "kind": "spin_kv" })));
        let context = Context {
            worker: &worker,
            host: &host,
        };
        let (sessions, token) = (context.sessions(), Token([7; 32]));
        let appid = &*worker.config.mini_programs[0].appid;
        let record = SessionRecord {
            appid: appid.into(),
            openid: "o".into(),
            seen_at: host.now(),
            expires_at: host.now().after(Duration::from_secs(3600)),
            ..somebodys_session()
        };
        let write = sessions.entry(&token, &record).unwrap();
        run(context.store().write(&[write])).unwrap();
        let lives = |listed: Vec<Listed>| {
            let user = UserRecord {
                ring: KeyRing::new(SessionKey::parse("AAECAwQFBgcICQoLDA0ODw==").unwrap()),
                unionid: None,
                registered: false,
                profile: String::from("{}"),
                sessions: listed,
                created_at: host.now(),
            };
            let key = user_key(appid, "o");
            let scope = user_scope(appid, "o", &key.name);
            let sealed = worker.keys.seal(&host, &scope, &user).unwrap();
            let life = Life::lasting(host.now(), Duration::from_secs(3600));
            run(context.store().put(&key, &sealed, life)).unwrap();
            [Unusable::Keep, Unusable::Delete].map(|unusable| {
                let found = run(sessions.load(&token, host.now(), unusable));
                found.unwrap().is_some()
            })
        };
        let live = Listed {
            opener: token.opener(),
            made_at: host.now(),
        };
        let replaced = Listed::replaced(token.opener());
        assert_eq!(lives(Vec::from([live])), [true, true]);
        assert_eq!(lives(Vec::from([replaced])), [false, true]);
        assert_eq!(lives(Vec::new()), [false, false]);
    }
}
