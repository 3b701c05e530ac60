//! What several workers did to one store, and whether some serial order of it explains every answer they got.
//! Keys and values are small numbers here; the clock stands still, and nothing expires.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use wx_session_core::UnixMillis;
use wx_session_core::store::{Key, Store};

use super::{life, session};

/// One operation on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Get(u8),
    Put(u8, u8),
    /// Key, expected value, new value.
    Swap(u8, Option<u8>, u8),
    Delete(u8),
}

/// What it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    Found(Option<u8>),
    Swapped(bool),
    Done,
}

/// An operation with the moments of its call and its answer.
#[derive(Clone, Debug)]
struct Event {
    called: usize,
    answered: usize,
    op: Op,
    answer: Answered,
}

/// A log that all workers of a trial write to.
#[derive(Clone, Debug, Default)]
pub struct History(Rc<RefCell<Log>>);

#[derive(Debug, Default)]
struct Log {
    moment: usize,
    events: Vec<Event>,
}

const NOW_MS: u64 = 1_000;

impl History {
    /// Carries out `op` and writes down its answer.
    pub async fn perform(&self, store: &impl Store, op: Op) -> Answered {
        let called = self.tick();
        let life = life(NOW_MS, 1_000);
        let answer = match op {
            Op::Get(key) => {
                let found = store.get(&name(key), UnixMillis(NOW_MS)).await.unwrap();
                Answered::Found(found.map(|value| number(&value)))
            }
            Op::Put(key, new) => {
                store.put(&name(key), &value(new), life).await.unwrap();
                Answered::Done
            }
            Op::Swap(key, expected, new) => {
                let expected = expected.map(value);
                let swapped = store
                    .swap(&name(key), expected.as_deref(), &value(new), life)
                    .await;
                Answered::Swapped(swapped.unwrap())
            }
            Op::Delete(key) => {
                store.delete(&name(key)).await.unwrap();
                Answered::Done
            }
        };
        let answered = self.tick();
        self.0.borrow_mut().events.push(Event {
            called,
            answered,
            op,
            answer,
        });
        answer
    }

    /// The answers to `op`, in the order in which they came.
    pub fn answers(&self, op: Op) -> Vec<Answered> {
        let log = self.0.borrow();
        let events = log.events.iter().filter(|event| event.op == op);
        events.map(|event| event.answer).collect()
    }

    /// Whether the answers are those of some serial order in which nothing comes before what was answered before
    /// it was called.
    pub fn is_linearizable(&self) -> bool {
        let log = self.0.borrow();
        explained(&BTreeMap::new(), &log.events.iter().collect::<Vec<_>>())
    }

    fn tick(&self) -> usize {
        let mut log = self.0.borrow_mut();
        log.moment += 1;
        log.moment
    }
}

fn explained(entries: &BTreeMap<u8, u8>, events: &[&Event]) -> bool {
    let Some(first_answer) = events.iter().map(|event| event.answered).min() else {
        return true;
    };
    (0..events.len()).any(|index| {
        let event = events[index];
        let mut entries = entries.clone();
        event.called <= first_answer
            && serial(&mut entries, event.op) == event.answer
            && explained(&entries, &[&events[..index], &events[index + 1..]].concat())
    })
}

/// What a plain map answers.
fn serial(entries: &mut BTreeMap<u8, u8>, op: Op) -> Answered {
    match op {
        Op::Get(key) => Answered::Found(entries.get(&key).copied()),
        Op::Put(key, new) => {
            entries.insert(key, new);
            Answered::Done
        }
        Op::Swap(key, expected, new) => {
            let fits = entries.get(&key).copied() == expected;
            if fits {
                entries.insert(key, new);
            }
            Answered::Swapped(fits)
        }
        Op::Delete(key) => {
            entries.remove(&key);
            Answered::Done
        }
    }
}

fn name(key: u8) -> Key {
    session(&format!("key {key}"))
}

fn value(number: u8) -> Vec<u8> {
    vec![number; 20]
}

fn number(value: &[u8]) -> u8 {
    assert!(value.len() == 20 && value.iter().all(|byte| *byte == value[0]));
    value[0]
}

#[test]
fn an_answer_that_no_serial_order_gives_is_not_linearizable() {
    let event = |called, answered, op, answer| Event {
        called,
        answered,
        op,
        answer,
    };
    let history = |events| History(Rc::new(RefCell::new(Log { moment: 0, events })));
    let put = event(1, 4, Op::Put(0, 1), Answered::Done);
    let during = |found| event(2, 3, Op::Get(0), Answered::Found(found));
    let after = |found| event(5, 6, Op::Get(0), Answered::Found(found));
    assert!(history(vec![put.clone(), during(None), after(Some(1))]).is_linearizable());
    assert!(history(vec![put.clone(), during(Some(1)), after(Some(1))]).is_linearizable());
    assert!(!history(vec![put.clone(), during(Some(1)), after(None)]).is_linearizable());
    assert!(!history(vec![put.clone(), after(None)]).is_linearizable());
    let both = |a, b| {
        let op = |answer| event(1, 4, Op::Swap(0, None, 1), Answered::Swapped(answer));
        history(vec![op(a), op(b)]).is_linearizable()
    };
    assert!(both(true, false));
    assert!(!both(true, true));
    assert!(!both(false, false));
}
