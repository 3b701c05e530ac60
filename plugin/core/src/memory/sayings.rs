//! What apps want their sessions to remember, and the store does not know yet: only the last word of each session,
//! which one task at a time writes. Two that wrote side by side, or a late retry, could leave an older word behind.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::RefCell;

use crate::records::token::SessionId;

/// No more words than there are tasks that write one, or are about to.
#[derive(Default)]
pub(crate) struct Sayings(RefCell<BTreeMap<[u8; 32], Rc<str>>>);

impl Sayings {
    /// Notes the last word, for now. Tells whether nobody is writing one yet: then the caller is to.
    pub(crate) fn say(&self, id: &SessionId, word: &Rc<str>) -> bool {
        self.0.borrow_mut().insert(id.0, Rc::clone(word)).is_none()
    }

    /// What is to be written, if anything is left.
    pub(crate) fn word(&self, id: &SessionId) -> Option<Rc<str>> {
        self.0.borrow().get(&id.0).cloned()
    }

    /// Whether `word` is still the last one.
    pub(crate) fn is_last(&self, id: &SessionId, word: &Rc<str>) -> bool {
        let words = self.0.borrow();
        words.get(&id.0).is_some_and(|own| Rc::ptr_eq(own, word))
    }

    /// `word` is written. Another one may have come meanwhile.
    pub(crate) fn written(&self, id: &SessionId, word: &Rc<str>) {
        if self.is_last(id, word) {
            self.give_up(id);
        }
    }

    /// Nobody writes it any more.
    pub(crate) fn give_up(&self, id: &SessionId) {
        self.0.borrow_mut().remove(&id.0);
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
        assert!(sayings.say(&id, &"a=1".into()));
        let first = sayings.word(&id).unwrap();
        assert!(sayings.is_last(&id, &first));
        assert!(!sayings.say(&id, &"a=2".into()), "somebody is at it");
        assert!(!sayings.is_last(&id, &first));
        sayings.written(&id, &first);
        let last = sayings.word(&id).unwrap();
        assert_eq!(&*last, "a=2");
        sayings.written(&id, &last);
        assert!(sayings.word(&id).is_none());
        assert!(sayings.say(&id, &"a=3".into()));
        sayings.give_up(&id);
        assert!(sayings.word(&id).is_none());
        assert!(sayings.say(&id, &"a=4".into()));
    }
}
