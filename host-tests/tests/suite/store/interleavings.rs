//! Two workers on one slot in every order of their steps, three in random orders: nothing committed is lost, and one
//! of two wins. A step is one access to the map; nothing here depends on threads or luck.

use proptest::collection::vec;
use proptest::prelude::*;

use super::fake_shared_map::FakeSharedMap;
use super::history::{Answered, History, Op};
use super::{FakeSlots, life, session};
use crate::rig::schedule::{Task, alone, every_order, together};

const KEYS: u8 = 3;

/// Carries out `before`, then the workers' operations in the order that `choose` says, then reads every key.
fn trial(before: &[Op], workers: &[Vec<Op>], choose: impl FnMut(usize) -> usize) -> History {
    let (map, history) = (FakeSharedMap::default(), History::default());
    // Two slots: every session is in the first one.
    let slots = FakeSlots::new(map.clone(), 2, 4096);
    for op in before {
        alone(history.perform(&slots, *op));
    }
    let task = |ops: &Vec<Op>| -> Task {
        let slots = FakeSlots::new(map.clone(), 2, 4096);
        let (history, ops) = (history.clone(), ops.clone());
        Box::pin(async move {
            for op in ops {
                history.perform(&slots, op).await;
            }
        })
    };
    map.step_aside_before_each_access(true);
    together(workers.iter().map(task).collect(), choose);
    map.step_aside_before_each_access(false);
    for key in 0..KEYS {
        alone(history.perform(&slots, Op::Get(key)));
    }
    assert!(history.is_linearizable(), "{history:#?}");
    history
}

/// Checks what came of `a` and `b` in every order.
fn at_once(before: &[Op], a: Op, b: Op, check: impl Fn(&History)) {
    let orders = every_order(|choose| check(&trial(before, &[vec![a], vec![b]], choose)));
    assert!(orders >= 20, "the workers hardly met: {orders} orders");
}

fn last(history: &History, key: u8) -> Option<u8> {
    match history.answers(Op::Get(key)).last() {
        Some(Answered::Found(found)) => *found,
        other => panic!("not read at the end: {other:?}"),
    }
}

fn wins(history: &History, ops: [Op; 2]) -> usize {
    let answers = ops.map(|op| history.answers(op)).concat();
    assert_eq!(answers.len(), 2);
    let won = |answer: &&Answered| **answer == Answered::Swapped(true);
    answers.iter().filter(won).count()
}

#[test]
fn a_put_survives_a_put_of_another_key_at_once() {
    for before in [&[][..], &[Op::Put(0, 9), Op::Put(2, 7)]] {
        at_once(before, Op::Put(0, 1), Op::Put(1, 2), |history| {
            assert_eq!((last(history, 0), last(history, 1)), (Some(1), Some(2)));
            let bystander = before.last().map(|_| 7);
            assert_eq!(last(history, 2), bystander);
        });
    }
}

#[test]
fn a_swap_that_won_survives_a_put_of_another_key_at_once() {
    let swap = Op::Swap(0, Some(9), 1);
    at_once(&[Op::Put(0, 9)], swap, Op::Put(1, 2), |history| {
        assert_eq!(history.answers(swap), [Answered::Swapped(true)]);
        assert_eq!((last(history, 0), last(history, 1)), (Some(1), Some(2)));
    });
}

#[test]
fn a_put_survives_a_delete_of_another_key_at_once() {
    let before = [Op::Put(1, 2)];
    at_once(&before, Op::Put(0, 1), Op::Delete(1), |history| {
        assert_eq!((last(history, 0), last(history, 1)), (Some(1), None));
    });
}

#[test]
fn of_two_put_if_absents_one_wins() {
    let (a, b) = (Op::Swap(0, None, 1), Op::Swap(0, None, 2));
    for before in [&[][..], &[Op::Put(1, 1)], &[Op::Put(0, 1), Op::Delete(0)]] {
        at_once(before, a, b, |history| {
            assert_eq!(wins(history, [a, b]), 1);
            let winner = history.answers(a) == [Answered::Swapped(true)];
            assert_eq!(last(history, 0), Some(if winner { 1 } else { 2 }));
        });
    }
}

#[test]
fn of_two_swaps_from_one_value_one_wins() {
    let (a, b) = (Op::Swap(0, Some(9), 1), Op::Swap(0, Some(9), 2));
    at_once(&[Op::Put(0, 9)], a, b, |history| {
        assert_eq!(wins(history, [a, b]), 1);
        let winner = history.answers(a) == [Answered::Swapped(true)];
        assert_eq!(last(history, 0), Some(if winner { 1 } else { 2 }));
    });
}

#[test]
fn of_two_put_if_absents_over_an_expired_entry_one_wins() {
    use wx_session_core::store::Store;

    every_order(|choose| {
        let map = FakeSharedMap::default();
        let slots = || FakeSlots::new(map.clone(), 2, 4096);
        let key = session("key");
        alone(slots().put(&key, b"old", life(0, 1000))).unwrap();
        map.step_aside_before_each_access(true);
        let won = std::rc::Rc::new(std::cell::Cell::new(0));
        let task = |value: &'static [u8]| -> Task {
            let (slots, won, key) = (slots(), won.clone(), key.clone());
            Box::pin(async move {
                let swapped = slots.swap(&key, None, value, life(1000, 1000)).await;
                won.set(won.get() + usize::from(swapped.unwrap()));
            })
        };
        together(vec![task(b"a"), task(b"b")], choose);
        assert_eq!(won.get(), 1);
    });
}

#[test]
fn a_delete_against_a_put_gives_one_of_the_two_serial_results() {
    let seen = std::cell::RefCell::new(Vec::new());
    at_once(&[Op::Put(0, 9)], Op::Delete(0), Op::Put(0, 1), |history| {
        seen.borrow_mut().push(last(history, 0));
    });
    let seen = seen.into_inner();
    assert!(seen.iter().all(|end| [None, Some(1)].contains(end)));
    assert!(seen.contains(&None) && seen.contains(&Some(1)));
}

/// A logout while another worker renews the session: it must not come back.
#[test]
fn what_is_deleted_stays_deleted_under_a_swap_at_once() {
    let renew = Op::Swap(0, Some(9), 1);
    at_once(&[Op::Put(0, 9)], Op::Delete(0), renew, |history| {
        assert_eq!(last(history, 0), None);
    });
}

#[test]
fn every_pair_of_operations_is_linearizable_in_every_order() {
    let ops = [
        Op::Get(0),
        Op::Put(0, 1),
        Op::Put(0, 2),
        Op::Put(1, 3),
        Op::Swap(0, None, 4),
        Op::Swap(0, Some(9), 5),
        Op::Swap(1, None, 6),
        Op::Delete(0),
        Op::Delete(1),
    ];
    for before in [&[][..], &[Op::Put(0, 9)], &[Op::Put(0, 9), Op::Put(1, 8)]] {
        for a in ops {
            for b in ops {
                every_order(|choose| drop(trial(before, &[vec![a], vec![b]], choose)));
            }
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let value = || 0..3_u8;
    prop_oneof![
        (0..2_u8).prop_map(Op::Get),
        (0..2_u8, value()).prop_map(|(key, new)| Op::Put(key, new)),
        (0..2_u8, prop::option::of(value()), value())
            .prop_map(|(key, expected, new)| Op::Swap(key, expected, new)),
        (0..2_u8).prop_map(Op::Delete),
    ]
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn two_workers_are_linearizable_in_every_order(
        before in vec(op(), 0..3),
        a in vec(op(), 1..3),
        b in vec(op(), 1..3),
    ) {
        let workers = [a, b];
        every_order(|choose| drop(trial(&before, &workers, choose)));
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn three_workers_are_linearizable_in_random_orders(
        before in vec(op(), 0..3),
        workers in vec(vec(op(), 1..4), 3),
        order in vec(any::<prop::sample::Index>(), 80),
    ) {
        // When the random choices are used up, whoever is left runs to the end.
        let mut order = order.into_iter();
        trial(&before, &workers, |of| order.next().map_or(0, |choice| choice.index(of)));
    }
}
