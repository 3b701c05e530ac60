//! A session with what the store has of it.

use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::records::record::SessionRecord;
use crate::records::token::SessionId;

/// A session as found in the store.
pub(crate) struct Found {
    pub(crate) id: SessionId,
    pub(crate) record: Rc<SessionRecord>,
    /// As the store has it. Of one that this worker has made or changed itself, and not read since: empty.
    pub(crate) sealed: Vec<u8>,
}

impl Found {
    /// One that this worker has made or changed itself: nothing is known of what the store has.
    pub(crate) fn unread(id: SessionId, record: Rc<SessionRecord>) -> Self {
        let sealed = Vec::new();
        Self { id, record, sealed }
    }

    /// The same, with `text` to remember for its app: the store has yet to hear of it.
    pub(crate) fn remembering(&self, text: &str) -> Self {
        Self::unread(self.id, Rc::new(self.record.remembering(text)))
    }

    /// Whether this is what the store has.
    pub(crate) fn is_read(&self) -> bool {
        !self.sealed.is_empty()
    }
}
