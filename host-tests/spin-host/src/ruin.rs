//! How an instance is made to trap out of a host call that cannot say so itself.

use std::sync::Mutex;
use std::task::Context;

use futures_util::task::AtomicWaker;

#[derive(Default)]
pub(crate) struct Ruin {
    why: Mutex<Option<String>>,
    waker: AtomicWaker,
}

impl Ruin {
    pub(crate) fn ruin(&self, why: String) {
        self.why.lock().unwrap().replace(why);
        self.waker.wake();
    }

    /// Why the instance is to trap, if it is. Else whoever asks is woken when it is.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Option<String> {
        self.waker.register(context.waker());
        self.why.lock().unwrap().take()
    }
}
