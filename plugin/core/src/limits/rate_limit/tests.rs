//! Bounded counts that no network shares with another to its gain.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use super::*;
use crate::fake_host::FakeHost;
use crate::testing::test;

const HOUR: u64 = 3_600_000;

struct Stage {
    limit: RefCell<RateLimit>,
    host: FakeHost,
}

impl Stage {
    fn new(per_minute: u16) -> Self {
        Self {
            limit: RefCell::new(RateLimit::new(per_minute)),
            host: FakeHost::at(10 * HOUR),
        }
    }

    fn take(&self, address: &str) -> Option<Permit<'_>> {
        Permit::take(&self.limit, &self.host, Some(address)).ok()
    }

    /// A code from here that WeChat refuses. Whether it was let through.
    fn refused(&self, address: &str) -> bool {
        self.take(address).map(Permit::used_up).is_some()
    }

    /// How many bad codes come through from here.
    fn burn(&self, address: &str) -> usize {
        (0..10_000).take_while(|_| self.refused(address)).count()
    }
}

#[test]
fn a_network_with_too_many_refused_codes_waits_a_minute_and_others_do_not() {
    let stage = Stage::new(2);
    assert_eq!(stage.burn("10.0.0.1"), 2);
    assert!(stage.take("10.0.0.2").is_some());
    stage.host.pass(Duration::from_millis(59_999));
    assert!(stage.take("10.0.0.1").is_none());
    stage.host.pass(Duration::from_millis(1));
    assert!(stage.take("10.0.0.1").is_some());
}

#[test]
fn codes_under_way_count_and_good_ones_give_their_place_back() {
    let stage = Stage::new(2);
    let take = || stage.take("2001:db8::1");
    let (first, second) = (take().unwrap(), take().unwrap());
    assert!(take().is_none());
    assert!(stage.take("2001:db8::ffff").is_none());
    assert!(stage.take("2001:db8:0:1::1").is_some());
    drop(first);
    assert!(take().is_some());
    second.used_up();
    let third = take().unwrap();
    assert!(take().is_none());
    drop(third);
    assert!(take().is_some());
}

#[test]
fn those_without_an_address_share_one_count() {
    let stage = Stage::new(3);
    let take = |address| Permit::take(&stage.limit, &stage.host, address).ok();
    for address in [None, Some("nonsense"), Some("")] {
        take(address).unwrap().used_up();
    }
    assert!(take(None).is_none());
    assert!(take(Some("/run/envoy.sock")).is_none());
    assert!(take(Some("10.0.0.1")).is_some());
}

#[test]
fn a_48_has_eight_times_the_limit_of_a_64_however_many_are_in_it() {
    let stage = Stage::new(5);
    let come = (0..1000).filter(|n| stage.refused(&format!("2001:db8:1:{n:x}::1")));
    assert_eq!(come.count(), 40);
    assert!(!stage.refused("2001:db8:1:ffff::1"));
    assert!(stage.refused("2001:db8:2::1"));
    // What the /64 took before the /48 refused it, it has back.
    stage.host.pass(MINUTE);
    assert_eq!(stage.burn("2001:db8:1:ffff::1"), 5);
}

/// Whatever addresses somebody has: none of them gets more because of the others.
#[test]
fn networks_that_meet_in_one_place_never_reset_each_other() {
    let stage = Stage::new(60);
    let addresses = (0..4000_u32).map(|n| format!("10.0.{}.{}", n / 256, n % 256));
    let addresses: Vec<String> = addresses.collect();
    let mut come = BTreeMap::<&str, usize>::new();
    for _ in 0..100 {
        for address in &addresses {
            if stage.refused(address) {
                *come.entry(address).or_default() += 1;
            }
        }
    }
    assert!(come.values().all(|come| *come <= 60));
    // All places of this worker, full: more networks than places do not make more codes.
    assert!(come.values().sum::<usize>() <= WAYS * SETS * 60);
}

#[test]
fn two_that_alternate_have_the_same_limit_as_one_wherever_they_fall() {
    let stage = Stage::new(60);
    for n in 0..500 {
        let (one, other) = (format!("10.1.{n}.1"), format!("10.2.{n}.1"));
        let pairs = (0..300).map(|_| (stage.refused(&one), stage.refused(&other)));
        let come = pairs.fold((0, 0), |(a, b), (one, other)| {
            (a + usize::from(one), b + usize::from(other))
        });
        assert!(come.0 <= 60 && come.1 <= 60, "{come:?}");
        stage.host.pass(MINUTE);
    }
}

#[test]
fn which_networks_meet_is_another_on_each_worker() {
    let places = |seed: u64| {
        let stage = Stage::new(1);
        for _ in 0..seed {
            stage.host.random(&mut [0]).unwrap();
        }
        let taken = (0..50).map(|n| {
            let permit = stage.take(&format!("10.0.0.{n}")).unwrap();
            permit.held[0].unwrap().window
        });
        taken.collect::<Vec<_>>()
    };
    assert_ne!(places(1), places(2));
    assert_eq!(places(1), places(1));
}

#[test]
fn without_randomness_no_code_is_let_through() {
    let stage = Stage::new(5);
    stage.host.has_no_entropy.set(true);
    let refused = Permit::take(&stage.limit, &stage.host, Some("10.0.0.1"));
    assert_eq!(refused.err().unwrap().reason, Reason::Internal);
    stage.host.has_no_entropy.set(false);
    assert!(stage.take("10.0.0.1").is_some());
}

#[test]
fn a_clock_that_is_set_back_or_forward_by_hours_limits_nobody_longer() {
    for now in [9 * HOUR, 10 * HOUR - 1, 12 * HOUR] {
        let stage = Stage::new(5);
        assert_eq!(stage.burn("10.0.0.1"), 5);
        stage.host.now.set(now);
        assert_eq!(stage.burn("10.0.0.1"), 5, "{now}");
        stage.host.pass(MINUTE);
        assert_eq!(stage.burn("10.0.0.1"), 5, "{now}");
    }
}

#[test]
fn a_place_of_an_earlier_minute_is_not_given_back_to_a_later_one() {
    let stage = Stage::new(3);
    let early = stage.take("10.0.0.1").unwrap();
    stage.host.pass(MINUTE);
    assert_eq!(stage.burn("10.0.0.1"), 3);
    drop(early);
    assert!(stage.take("10.0.0.1").is_none());
}

#[test]
fn a_network_that_the_store_holds_full_is_not_asked_for_a_moment() {
    let stage = Stage::new(5);
    stage.take("10.0.0.1").unwrap().used_up();
    let now = stage.host.now();
    let mut limit = stage.limit.borrow_mut();
    limit.hold_off(Network::of(Some("10.0.0.1")).0, now);
    drop(limit);
    assert!(stage.take("10.0.0.1").is_none());
    assert!(stage.take("10.0.0.2").is_some());
    stage.host.pass(FULL_FOR);
    assert!(stage.take("10.0.0.1").is_some());
}

#[test]
fn no_minute_has_more_than_its_codes_wherever_it_begins() {
    let stage = Stage::new(60);
    assert!(stage.refused("10.0.0.1"));
    stage.host.pass(Duration::from_millis(59_800));
    assert_eq!(stage.burn("10.0.0.1"), 59);
    stage.host.pass(Duration::from_millis(200));
    assert!(stage.burn("10.0.0.1") <= 1, "those of a moment ago count");
    stage.host.pass(Duration::from_secs(49));
    assert_eq!(stage.burn("10.0.0.1"), 0);
    stage.host.pass(Duration::from_secs(1));
    assert_eq!(stage.burn("10.0.0.1"), 59);
}

#[test]
fn who_shares_a_window_has_one_and_not_all_of_its_set() {
    let stage = Stage::new(60);
    for number in 0..u16::try_from(8 * WAYS * SETS).unwrap() {
        let [high, low] = number.to_be_bytes();
        stage.refused(&format!("10.0.{high}.{low}"));
    }
    for last in 0..20 {
        assert!(stage.burn(&format!("10.1.0.{last}")) <= 60, "{last}");
    }
}
