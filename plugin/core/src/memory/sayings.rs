//! What apps want their sessions to remember, and the store does not know yet: of each session the last word alone, which
//! one at a time writes. Two that wrote side by side, or one that tried again, could leave an older word behind.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::RefCell;

use super::alone::{Alone, Busy};
use crate::records::token::SessionId;

/// Bounded by those who write, and are about to.
#[derive(Default)]
pub(crate) struct Sayings {
    last: RefCell<BTreeMap<[u8; 32], Rc<str>>>,
    writers: Busy,
}

/// The only one that writes what is said of a session. Dropped, nothing is left to be written.
pub(crate) struct Writer<'a> {
    sayings: &'a Sayings,
    id: SessionId,
    _alone: Alone<'a>,
}

impl Sayings {
    /// This is the last word, for now.
    pub(crate) fn say(&self, id: &SessionId, word: &Rc<str>) {
        self.last.borrow_mut().insert(id.0, Rc::clone(word));
    }

    /// `None` while another one writes: that one writes the last word too.
    pub(crate) fn writer(&self, id: SessionId) -> Option<Writer<'_>> {
        Some(Writer {
            _alone: self.writers.take(id.0)?,
            sayings: self,
            id,
        })
    }
}

impl Writer<'_> {
    /// What is to be written, if anything is left.
    pub(crate) fn word(&self) -> Option<Rc<str>> {
        self.sayings.last.borrow().get(&self.id.0).cloned()
    }

    /// `word` is written. Another one may have come meanwhile.
    pub(crate) fn written(&self, word: &Rc<str>) {
        let mut last = self.sayings.last.borrow_mut();
        if last
            .get(&self.id.0)
            .is_some_and(|own| Rc::ptr_eq(own, word))
        {
            last.remove(&self.id.0);
        }
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.sayings.last.borrow_mut().remove(&self.id.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn one_writes_until_the_last_word_is_written() {
        let sayings = Sayings::default();
        let id = SessionId([1; 32]);
        sayings.say(&id, &"a=1".into());
        let writer = sayings.writer(id).unwrap();
        let first = writer.word().unwrap();
        sayings.say(&id, &"a=2".into());
        assert!(sayings.writer(id).is_none());
        writer.written(&first);
        let last = writer.word().unwrap();
        assert_eq!(&*last, "a=2");
        writer.written(&last);
        assert!(writer.word().is_none());
        sayings.say(&id, &"a=3".into());
        drop(writer);
        let next = sayings.writer(id).unwrap();
        assert!(next.word().is_none(), "it was given up");
    }
}
