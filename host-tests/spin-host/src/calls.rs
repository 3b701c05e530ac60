//! What components ask of the host: a list of the steps, in which a test can stop whoever makes one of them.
//! A step is the beginning or the end of a call, or a body that is about to be read: wherever a component awaits.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

#[derive(Default)]
pub(crate) struct Calls {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    steps: Vec<String>,
    /// How many steps there were before those in `steps`.
    taken: usize,
    /// The number of the step at which somebody is to be stopped, since the start.
    hold_at: Option<usize>,
    /// Somebody is stopped, and waits for this.
    held: Option<oneshot::Sender<()>>,
}

impl Calls {
    /// One call: its beginning, the work, its end.
    pub(crate) async fn call<T>(&self, name: &str, work: impl Future<Output = T>) -> T {
        self.step(format!("{name} begins")).await;
        let done = work.await;
        self.step(format!("{name} ends")).await;
        done
    }

    pub(crate) async fn step(&self, step: String) {
        let released = {
            let mut inner = self.inner.lock().unwrap();
            let number = inner.taken + inner.steps.len();
            inner.steps.push(step);
            if inner.hold_at != Some(number) {
                return;
            }
            inner.hold_at = None;
            let (release, released) = oneshot::channel();
            inner.held = Some(release);
            self.changed.notify_all();
            released
        };
        // Dropped or used, it means the same.
        let _ = released.await;
    }

    pub(crate) fn take(&self) -> Vec<String> {
        let mut inner = self.inner.lock().unwrap();
        inner.taken += inner.steps.len();
        std::mem::take(&mut inner.steps)
    }

    pub(crate) fn hold(&self, step: usize) -> Held<'_> {
        let mut inner = self.inner.lock().unwrap();
        inner.hold_at = Some(inner.taken + inner.steps.len() + step);
        Held(self)
    }
}

/// Somebody who is stopped, or will be. Dropping it lets them go on.
pub struct Held<'a>(&'a Calls);

impl Held<'_> {
    /// Waits until somebody is stopped there, and gives the step's name.
    ///
    /// # Panics
    /// When nobody comes.
    pub fn reached(&self) -> String {
        let inner = self.0.inner.lock().unwrap();
        let patience = Duration::from_secs(20);
        let (inner, waited) = self
            .0
            .changed
            .wait_timeout_while(inner, patience, |inner| inner.held.is_none())
            .unwrap();
        assert!(!waited.timed_out(), "nobody comes: {:?}", inner.steps);
        inner.steps.last().cloned().unwrap_or_default()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.inner.lock().unwrap();
        inner.hold_at = None;
        inner.held = None;
    }
}
