//! The workers of one VM: where two listeners have the same VM, each with a configuration of its own, both have a root
//! context in it. They share no session, for their rules may differ; they only tell each other which have ended.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use wx_session_core::Worker;

thread_local! {
    /// Envoy makes the root contexts of one VM without a word of one to the other: nothing but the VM has both.
    static WORKERS: RefCell<Vec<Weak<Worker>>> = const { RefCell::new(Vec::new()) };
}

/// Has a new worker meet those that there are.
pub(crate) fn welcome(worker: &Rc<Worker>) {
    WORKERS.with_borrow_mut(|workers| {
        workers.retain(|own| own.strong_count() > 0);
        for other in workers.iter().filter_map(Weak::upgrade) {
            worker.meet(&other);
        }
        workers.push(Rc::downgrade(worker));
    });
}
