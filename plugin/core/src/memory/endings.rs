//! Sessions that are to end, and could not be ended in the store yet: with none of them anybody passes on this worker.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

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
        /// But not those that last longer than this: they were made since.
        expire_by: UnixMillis,
    },
}

#[derive(Default)]
pub(crate) struct Endings(RefCell<Rc<Vec<Ending>>>);

/// Those of one moment and all since. Whoever asks the store for a session looks at them before: what it answers may be
/// older than an end that it has come to meanwhile.
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
    /// Whether a session that the store has, or had, is to end.
    pub(crate) fn name(&self, id: &SessionId, session: &SessionRecord) -> bool {
        let names = |ending: &Ending| match ending {
            Ending::One(own) => own == id,
            Ending::Of {
                appid,
                openid,
                expire_by,
            } => {
                **appid == *session.appid
                    && **openid == *session.openid
                    && session.expires_at <= *expire_by
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

    fn all_of(record: &SessionRecord, expire_by: UnixMillis) -> Ending {
        Ending::Of {
            appid: record.appid.0.clone(),
            openid: record.openid.0.clone(),
            expire_by,
        }
    }

    #[test]
    fn a_session_that_was_made_since_is_not_to_end() {
        let record = somebodys_session();
        let endings = Endings::default();
        let before = UnixMillis(record.expires_at.0 - 1);
        endings.add(all_of(&record, before));
        assert!(!endings.watch().name(&SessionId([1; 32]), &record));
    }

    #[test]
    fn an_end_that_came_while_the_store_was_asked_counts_for_whoever_asked() {
        let record = somebodys_session();
        let id = SessionId([1; 32]);
        for ending in [Ending::One(id), all_of(&record, record.expires_at)] {
            let endings = Endings::default();
            let before = endings.watch();
            endings.add(ending.clone());
            let meanwhile = endings.watch();
            assert!(before.name(&id, &record) && meanwhile.name(&id, &record));
            endings.remove(&ending);
            assert!(meanwhile.name(&id, &record));
            // Who asks now is told that it is gone, or of a session that was made since.
            assert!(!endings.watch().name(&id, &record));
        }
    }
}
