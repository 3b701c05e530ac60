//! A map that fails, is written by others all the time, or holds garbage; sizes at and beyond the edge.
//! The slot table answers with an error or recovers: it never panics, hangs or destroys what it cannot replace.

use proptest::collection::vec;
use proptest::prelude::*;
use wx_session_core::UnixMillis;
use wx_session_core::store::{Newer, Store, StoreError};

use super::fake_shared_map::FakeSharedMap;
use super::{FakeSlots, life, session, user};
use crate::rig::schedule::alone;

const NOW: UnixMillis = UnixMillis(0);

fn table(map: &FakeSharedMap) -> FakeSlots {
    FakeSlots::new(map.clone(), 2, 1024)
}

#[test]
fn a_slot_that_others_always_write_first_is_contended_after_a_bounded_number_of_attempts() {
    let map = FakeSharedMap::default();
    let (slots, key) = (table(&map), session("key"));
    alone(slots.put(&key, b"old", life(0, 1000))).unwrap();
    map.always_contended(true);
    let before = map.writes_tried();
    let put = alone(slots.put(&key, b"new", life(0, 1000)));
    assert_eq!(put, Err(StoreError::Contended));
    assert!((2..=100).contains(&(map.writes_tried() - before)));
    let swap = alone(slots.swap(&key, Some(b"old"), b"new", life(0, 1000)));
    assert_eq!(swap, Err(StoreError::Contended));
    assert_eq!(alone(slots.delete(&key)), Err(StoreError::Contended));
    // What needs no write is not held up.
    assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"old");
    assert_eq!(alone(slots.swap(&key, None, b"x", life(0, 9))), Ok(false));
    assert_eq!(alone(slots.delete(&session("absent"))), Ok(()));
    map.always_contended(false);
    alone(slots.put(&key, b"new", life(0, 1000))).unwrap();
}

#[test]
fn a_map_that_fails_is_unavailable_and_recovers() {
    let map = FakeSharedMap::default();
    let (slots, key) = (table(&map), session("key"));
    alone(slots.put(&key, b"v", life(0, 1000))).unwrap();
    map.unavailable(true);
    let down = StoreError::Unavailable;
    assert_eq!(alone(slots.get(&key, NOW)), Err(down));
    assert_eq!(alone(slots.put(&key, b"w", life(0, 1000))), Err(down));
    assert_eq!(alone(slots.swap(&key, None, b"w", life(0, 1))), Err(down));
    assert_eq!(alone(slots.delete(&key)), Err(down));
    map.unavailable(false);
    assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"v");
}

#[test]
fn a_value_too_large_for_a_slot_is_refused_and_destroys_nothing() {
    let map = FakeSharedMap::default();
    let slots = table(&map);
    let (key, other) = (session("key"), session("other"));
    alone(slots.put(&key, b"old", life(0, 1000))).unwrap();
    alone(slots.put(&other, b"bystander", life(0, 1000))).unwrap();
    for size in [1024, 1025, 5000, 1_000_000] {
        let large = vec![0; size];
        let put = alone(slots.put(&key, &large, life(0, 2000)));
        assert_eq!(put, Err(StoreError::TooLarge));
        let swap = alone(slots.swap(&key, Some(b"old"), &large, life(0, 2000)));
        assert_eq!(swap, Err(StoreError::TooLarge));
    }
    assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"old");
    let bystander = alone(slots.get(&other, NOW)).unwrap();
    assert_eq!(bystander.unwrap(), b"bystander");
}

#[test]
fn a_slot_is_filled_to_its_last_byte() {
    let map = FakeSharedMap::default();
    let slots = table(&map);
    let fits = |size: usize| {
        let (key, value) = (session("key"), vec![0; size]);
        alone(slots.put(&key, &value, life(0, 1000))).is_ok()
    };
    let largest = (0..1024).rev().find(|size| fits(*size)).unwrap();
    assert_eq!(map.dump()[0].1.len(), 1024);
    assert!(largest > 980, "an entry costs its value and a few bytes");
}

/// The map outlives a new configuration: entries that were written under a larger limit may still be there.
#[test]
fn a_table_with_smaller_slots_than_before_deletes_and_writes() {
    let map = FakeSharedMap::default();
    let old = FakeSlots::new(map.clone(), 2, 4096);
    let (a, b) = (session("a"), session("b"));
    for key in [&a, &b] {
        alone(old.put(key, &[0; 1500], life(0, 1000))).unwrap();
    }
    let slots = table(&map);
    assert_eq!(alone(slots.delete(&a)), Ok(()));
    assert_eq!(alone(slots.get(&a, NOW)), Ok(None));
    alone(slots.put(&a, b"small", life(0, 10))).unwrap();
    assert_eq!(alone(slots.get(&a, NOW)).unwrap().unwrap(), b"small");
    assert!(map.dump()[0].1.len() <= 1024);
}

#[test]
fn any_number_of_slots_works_and_none_makes_more_than_asked_for() {
    for count in [0, 1, 2, 3, 5, 64, 16_384, u32::MAX - 1, u32::MAX] {
        let map = FakeSharedMap::default();
        let slots = FakeSlots::new(map.clone(), count, 1024);
        for number in 0..100 {
            let name = format!("{number}");
            for key in [session(&name), user(&name)] {
                alone(slots.put(&key, b"v", life(0, 1000))).unwrap();
                assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"v");
            }
        }
        let made = u32::try_from(map.dump().len()).unwrap();
        assert!(made <= count.max(2), "{made} slots of {count}");
    }
}

#[test]
fn a_space_that_overflows_does_not_crowd_out_the_other() {
    let slots = table(&FakeSharedMap::default());
    let key = user("kept");
    alone(slots.put(&key, b"v", life(0, 10))).unwrap();
    for number in 0..200 {
        let key = session(&format!("{number}"));
        alone(slots.put(&key, &[0; 100], life(0, 1000))).unwrap();
    }
    assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"v");
}

/// Fills every slot of a table with `garbage` behind its version, then asks for everything.
fn recovers_from(garbage: &[u8]) {
    let map = FakeSharedMap::default();
    let (slots, key) = (table(&map), session("key"));
    for key in [&key, &user("key")] {
        alone(slots.put(key, b"old", life(0, 1000))).unwrap();
    }
    let version = map.dump()[0].1[0];
    let fill = || {
        for (name, _) in map.dump() {
            map.overwrite(&name, &[&[version], garbage].concat());
        }
    };
    fill();
    assert_eq!(alone(slots.get(&key, NOW)), Ok(None));
    assert_eq!(alone(slots.delete(&key)), Ok(()));
    let swap = alone(slots.swap(&key, Some(b"old"), b"new", life(0, 1000)));
    assert_eq!(swap, Ok(false));
    let swap = alone(slots.swap(&key, None, b"new", life(0, 1000)));
    assert_eq!(swap, Ok(true));
    assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"new");
    fill();
    alone(slots.put(&key, b"newer", life(0, 1000))).unwrap();
    assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"newer");
}

/// The map outlives the module, and a newer one may run beside this one or have run before it.
#[test]
fn a_slot_that_a_newer_module_has_written_is_no_empty_one_and_stays_as_it_is() {
    let map = FakeSharedMap::default();
    let (slots, key) = (table(&map), session("key"));
    alone(slots.put(&key, b"old", life(0, 1000))).unwrap();
    let (name, own) = map.dump().remove(0);
    for version in own[0] + 1..=u8::MAX {
        let mut written = own.clone();
        written[0] = version;
        map.overwrite(&name, &written);
        let what = "slot";
        let newer = StoreError::Newer(Newer { what, version });
        assert_eq!(alone(slots.get(&key, NOW)), Err(newer));
        let put = alone(slots.put(&key, b"new", life(0, 1000)));
        assert_eq!(put, Err(newer));
        let swap = alone(slots.swap(&key, Some(b"old"), b"new", life(0, 1000)));
        assert_eq!(swap, Err(newer));
        let swap = alone(slots.swap(&session("other"), None, b"new", life(0, 1000)));
        assert_eq!(swap, Err(newer));
        assert_eq!(alone(slots.delete(&key)), Err(newer));
        assert_eq!(map.dump()[0].1, written);
    }
    // What lies elsewhere is as ever.
    alone(slots.put(&user("key"), b"v", life(0, 1000))).unwrap();
    map.overwrite(&name, &own);
    assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"old");
}

#[test]
fn a_slot_without_a_version_counts_as_empty() {
    let map = FakeSharedMap::default();
    let (slots, key) = (table(&map), session("key"));
    alone(slots.put(&key, b"old", life(0, 1000))).unwrap();
    let (name, _) = map.dump().remove(0);
    for nothing in [&b""[..], b"\0", b"\0\0\x01"] {
        map.overwrite(&name, nothing);
        assert_eq!(alone(slots.get(&key, NOW)), Ok(None));
        alone(slots.put(&key, b"new", life(0, 1000))).unwrap();
        assert_eq!(alone(slots.get(&key, NOW)).unwrap().unwrap(), b"new");
    }
}

#[test]
fn garbage_in_a_slot_counts_as_empty_and_is_written_over() {
    let lengths_of_everything = [0xff; 64];
    let an_enormous_length = [0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3];
    let more_than_a_slot = [0x81; 70_000];
    for garbage in [
        &b""[..],
        b"\0",
        b"\x01",
        b"not a slot",
        &lengths_of_everything,
        &an_enormous_length,
        &more_than_a_slot,
    ] {
        recovers_from(garbage);
    }
}

#[test]
fn a_slot_cut_short_anywhere_gives_no_wrong_value() {
    let map = FakeSharedMap::default();
    let slots = table(&map);
    let keys: Vec<_> = (0..3).map(|n| session(&format!("{n}"))).collect();
    for key in &keys {
        alone(slots.put(key, key.name.as_bytes(), life(0, 1000))).unwrap();
    }
    let (name, whole) = map.dump().remove(0);
    for length in 0..whole.len() {
        map.overwrite(&name, &whole[..length]);
        for key in &keys {
            let found = alone(slots.get(key, NOW)).unwrap();
            assert!(found.is_none_or(|value| value == key.name.as_bytes()));
        }
        alone(slots.put(&keys[0], b"again", life(0, 1000))).unwrap();
        assert_eq!(alone(slots.get(&keys[0], NOW)).unwrap().unwrap(), b"again");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_in_a_slot_count_as_empty(garbage in vec(any::<u8>(), 0..300)) {
        recovers_from(&garbage);
    }
}
