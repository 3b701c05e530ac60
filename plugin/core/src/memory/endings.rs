//! Sessions that are to end, but could not be ended in the store yet: nobody passes with them on this worker.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use crate::records::record::SessionRecord;
use crate::records::token::SessionId;
use crate::time::UnixMillis;

/// The most that may be to end at a time. Beyond, the store alone knows.
const MOST: usize = 1024;

/// Sessions that are to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    One(SessionId),
    /// All of a user.
    Of {
        appid: Rc<str>,
        openid: Rc<str>,
        /// When it was said: sessions that were made since go on. (With a clock that was set back and ahead again, some
        /// made before do too.)
        at: UnixMillis,
        /// The session by whose request it was said: it ends, whatever the clock says.
        asks: SessionId,
    },
}

#[derive(Default)]
pub(crate) struct Endings(RefCell<Rc<Vec<Ending>>>);

/// The endings of one moment and all since. Taken before the store is asked for a session: its answer may be older than
/// an ending that was written meanwhile, and is gone from here.
pub(crate) struct Watched<'a> {
    endings: &'a Endings,
    before: Rc<Vec<Ending>>,
}

impl Endings {
    pub(crate) fn add(&self, ending: Ending) {
        let mut endings = self.0.borrow_mut();
        if endings.len() < MOST && !endings.contains(&ending) {
            Rc::make_mut(&mut endings).push(ending);
        }
    }

    /// It has come to its end in the store, or never will.
    pub(crate) fn remove(&self, ending: &Ending) {
        let mut endings = self.0.borrow_mut();
        if endings.contains(ending) {
            Rc::make_mut(&mut endings).retain(|own| own != ending);
        }
    }

    pub(crate) fn watch(&self) -> Watched<'_> {
        Watched {
            endings: self,
            before: Rc::clone(&self.0.borrow()),
        }
    }
}

impl Watched<'_> {
    /// Whether a session that the store has, or had, is to end. Each ends `absolute` after it was made at the latest.
    pub(crate) fn includes(
        &self,
        id: &SessionId,
        session: &SessionRecord,
        absolute: Duration,
        now: UnixMillis,
    ) -> bool {
        let made_at = session.expires_at.before(absolute);
        let names = |ending: &Ending| match ending {
            Ending::One(own) => own == id,
            Ending::Of {
                appid,
                openid,
                at,
                asks,
            } => {
                let is_theirs = **appid == *session.appid && **openid == *session.openid;
                asks == id || (is_theirs && !made_at.is_since(*at, now))
            }
        };
        self.before.iter().any(names) || self.endings.0.borrow().iter().any(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::somebodys_session;
    use crate::testing::test;

    const ABSOLUTE: Duration = Duration::from_secs(10);
    const NOW: UnixMillis = UnixMillis(5000);

    fn all_of(record: &SessionRecord, at: UnixMillis) -> Ending {
        Ending::Of {
            appid: record.appid.0.clone(),
            openid: record.openid.0.clone(),
            at,
            asks: SessionId([9; 32]),
        }
    }

    #[test]
    fn a_session_that_was_made_since_is_not_to_end() {
        let id = SessionId([1; 32]);
        for (made_at, is_to_end) in [
            (999, true),
            (1000, true),
            (1001, false),
            (6000, false),
            (6001, true),
        ] {
            let record = SessionRecord {
                expires_at: UnixMillis(made_at).after(ABSOLUTE),
                ..somebodys_session()
            };
            let endings = Endings::default();
            endings.add(all_of(&record, UnixMillis(1000)));
            let named = |id: &SessionId| endings.watch().includes(id, &record, ABSOLUTE, NOW);
            assert_eq!(named(&id), is_to_end, "{made_at}");
            assert!(named(&SessionId([9; 32])), "{made_at}");
        }
    }

    #[test]
    fn an_end_that_came_while_the_store_was_asked_counts_for_whoever_asked() {
        let record = somebodys_session();
        let id = SessionId([1; 32]);
        let named = |watched: &Watched<'_>| watched.includes(&id, &record, ABSOLUTE, NOW);
        for ending in [Ending::One(id), all_of(&record, NOW)] {
            let endings = Endings::default();
            let before = endings.watch();
            endings.add(ending.clone());
            let meanwhile = endings.watch();
            assert!(named(&before) && named(&meanwhile));
            endings.remove(&ending);
            assert!(named(&meanwhile));
            // Who asks now is told that it is gone, or of a session that was made since.
            assert!(!named(&endings.watch()));
        }
    }
}
