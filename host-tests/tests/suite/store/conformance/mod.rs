//! What every store must do, whatever it is made of. Each case is written once against [`Subject`] and runs on all.
//!
//! A case uses names of its own, so that all may run on one server at once, and never looks behind the trait.
//! To hold another store to it: implement [`Subject`] and add a module with `conformance!` in it.

pub mod entries;
pub mod expiry;
pub mod swaps;

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use wx_session_core::UnixMillis;
use wx_session_core::store::{Life, Store};

use super::FakeSlots;
use super::fake_shared_map::FakeSharedMap;
use crate::rig::fake_store::FakeStore;
use crate::rig::schedule::alone;

/// A store with its clock and whatever runs its futures.
pub trait Subject {
    /// The store under test.
    type Store: Store;

    /// How closely the store keeps to an expiry: an entry is there this long before, and gone at it. At least the
    /// time that a few operations take.
    const PRECISION: Duration;

    fn store(&self) -> &Self::Store;

    fn now(&self) -> UnixMillis;

    /// Lets time pass: moves a fake clock, or sleeps.
    fn pass(&self, span: Duration);

    fn run<T>(&self, work: impl Future<Output = T>) -> T;

    /// From now on, for `span`.
    fn life(&self, span: Duration) -> Life {
        Life {
            now: self.now(),
            expires_at: self.now().after(span),
        }
    }

    /// From now on, longer than any test runs.
    fn long(&self) -> Life {
        self.life(Duration::from_secs(3600))
    }
}

/// `conformance!(expression that makes a subject)`: one test for each case.
macro_rules! conformance {
    ($subject:expr) => {
        $crate::store::conformance::conformance!($subject; entries:
            an_absent_entry_is_none
            what_is_put_is_read_back
            a_second_put_overwrites
            a_deleted_entry_is_gone
            deleting_what_is_absent_is_no_error
            deleting_one_entry_leaves_the_others
            values_of_any_bytes_come_back_as_they_were
            an_empty_value_is_not_an_absent_one
            values_of_two_and_four_kilobytes_fit
            names_with_odd_characters_are_kept_apart
            many_entries_live_side_by_side
        );
        $crate::store::conformance::conformance!($subject; swaps:
            the_first_put_if_absent_writes_and_the_second_does_not
            put_if_absent_writes_again_after_a_delete
            a_swap_from_the_right_value_writes
            a_swap_from_a_wrong_value_changes_nothing
            a_swap_from_a_value_that_was_deleted_changes_nothing
            a_swap_compares_the_whole_value
            of_two_put_if_absents_at_once_one_wins
            of_two_swaps_at_once_one_wins
        );
        $crate::store::conformance::conformance!($subject; expiry:
            an_entry_lives_until_its_expiry_and_is_gone_at_it
            put_if_absent_writes_again_after_expiry
            a_swap_from_a_value_that_expired_changes_nothing
            a_put_gives_a_new_life_longer_or_shorter
            a_swap_gives_a_new_life
            a_refused_swap_does_not_lengthen_a_life
            one_entry_expires_alone
        );
    };
    ($subject:expr; $file:ident: $($case:ident)*) => { $(
        #[test]
        fn $case() {
            let subject = $subject;
            subject.run($crate::store::conformance::$file::$case(&subject));
        }
    )* };
}

pub(crate) use conformance;

/// A store in this process with a clock that only moves when told.
struct InProcess<S> {
    store: S,
    now: Cell<UnixMillis>,
}

impl<S> InProcess<S> {
    fn new(store: S) -> Self {
        Self {
            store,
            now: Cell::new(UnixMillis(1_700_000_000_000)),
        }
    }
}

impl<S: Store> Subject for InProcess<S> {
    type Store = S;

    const PRECISION: Duration = Duration::from_millis(1);

    fn store(&self) -> &S {
        &self.store
    }

    fn now(&self) -> UnixMillis {
        self.now.get()
    }

    fn pass(&self, span: Duration) {
        self.now.set(self.now.get().after(span));
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        alone(work)
    }
}

fn in_memory() -> InProcess<FakeStore> {
    InProcess::new(FakeStore::default())
}

/// Slots with room for everything that a case puts there. Accesses step aside, so that what is at once is at once.
fn in_slots() -> InProcess<FakeSlots> {
    let map = FakeSharedMap::default();
    map.step_aside_before_each_access(true);
    InProcess::new(FakeSlots::new(map, 64, 8192))
}

mod memory {
    use super::{Subject as _, entries, in_memory};

    conformance!(in_memory());

    #[test]
    fn kinds_of_entries_with_one_name_do_not_disturb_one_another() {
        let subject = in_memory();
        subject.run(entries::kinds_of_entries_with_one_name_do_not_disturb_one_another(&subject));
    }
}

mod slots {
    use super::{Subject as _, entries, in_slots};

    conformance!(in_slots());

    #[test]
    fn kinds_of_entries_with_one_name_do_not_disturb_one_another() {
        let subject = in_slots();
        subject.run(entries::kinds_of_entries_with_one_name_do_not_disturb_one_another(&subject));
    }
}
