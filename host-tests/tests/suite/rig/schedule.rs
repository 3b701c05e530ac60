//! Runs several futures in an order that a test chooses, or in every order there is.
//! Nothing here waits, sleeps or starts a thread: who is polled next is the only freedom.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// One worker's work.
pub type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Polls after which a future that is still pending hangs.
const PATIENCE: usize = 100_000;

/// Pending once, then ready: a point at which others may go first.
pub async fn step_aside() {
    let mut asked = false;
    std::future::poll_fn(|_| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        Poll::Pending
    })
    .await;
}

/// Runs one future to its end, with nobody else.
pub fn alone<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    for _ in 0..PATIENCE {
        if let Poll::Ready(done) = poll(work.as_mut()) {
            return done;
        }
    }
    panic!("a future hangs");
}

/// Runs two futures to their end, each a step at a time.
pub async fn both<T>(a: impl Future<Output = T>, b: impl Future<Output = T>) -> (T, T) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    std::future::poll_fn(|context| {
        if of_a.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(context)
        {
            of_a = Some(done);
        }
        if of_b.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(context)
        {
            of_b = Some(done);
        }
        if of_a.is_none() || of_b.is_none() {
            return Poll::Pending;
        }
        Poll::Ready(of_a.take().zip(of_b.take()).unwrap())
    })
    .await
}

/// Runs all tasks to their end. `choose` is told how many are not done and says which of them makes the next step.
pub fn together(mut tasks: Vec<Task>, mut choose: impl FnMut(usize) -> usize) {
    for _ in 0..PATIENCE {
        if tasks.is_empty() {
            return;
        }
        let next = choose(tasks.len());
        if poll(tasks[next].as_mut()).is_ready() {
            drop(tasks.remove(next));
        }
    }
    panic!("a task hangs");
}

/// Calls `trial` once for every sequence of choices there is, depth first, and says how many there were. `trial`
/// asks its argument for each choice and must do the same each time it gets the same answers.
pub fn every_order(mut trial: impl FnMut(&mut dyn FnMut(usize) -> usize)) -> usize {
    /// More orders than any test here has: a trial that has as many never ends.
    const LIMIT: usize = 1_000_000;
    let mut path: Vec<(usize, usize)> = Vec::new();
    for trials in 1..LIMIT {
        let mut depth = 0;
        trial(&mut |of| {
            if depth == path.len() {
                path.push((0, of));
            }
            depth += 1;
            path[depth - 1].0
        });
        while path.last().is_some_and(|(taken, of)| taken + 1 == *of) {
            path.pop();
        }
        match path.last_mut() {
            Some((taken, _)) => *taken += 1,
            None => return trials,
        }
    }
    panic!("too many orders");
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn every_order_of_two_tasks_of_two_steps_is_tried_once() {
    use std::cell::RefCell;
    use std::rc::Rc;

    let mut seen = std::collections::BTreeSet::new();
    let tried = every_order(|choose| {
        let steps = Rc::new(RefCell::new(String::new()));
        let task = |name| -> Task {
            let steps = Rc::clone(&steps);
            Box::pin(async move {
                steps.borrow_mut().push(name);
                step_aside().await;
                steps.borrow_mut().push(name);
            })
        };
        together(vec![task('a'), task('b')], choose);
        seen.insert(steps.take());
    });
    let expected = ["aabb", "abab", "abba", "baab", "baba", "bbaa"];
    assert_eq!(seen, expected.map(String::from).into());
    assert_eq!(tried, 6);
}
