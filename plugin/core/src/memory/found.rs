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
