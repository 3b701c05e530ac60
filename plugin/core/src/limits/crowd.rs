//! The requests that wait on one worker: bounded by their number and by their bytes. Counts them and says who is to give
//! way; never ends one itself.
//!
//! Nobody joins beyond the limits. But from three quarters of one on, those who wait for their client are to give way,
//! who has waited longest first: requests that somebody opens and never finishes go, and a newcomer, whose body mostly
//! comes with its headers, finds the last quarter free.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::config::WaitingLimits;

/// Requests are named by numbers of the host's choice.
pub struct Crowd {
    limits: WaitingLimits,
    members: BTreeMap<u32, Member>,
    /// Those who wait for their client: the turn in which that began, and who it is.
    for_client: BTreeSet<(u64, u32)>,
    bytes: usize,
    turns: u64,
}

#[derive(Clone, Copy)]
struct Member {
    bytes: usize,
    /// As in `for_client`.
    turn: Option<u64>,
}

impl Crowd {
    /// Nobody waits.
    #[must_use]
    pub fn new(limits: WaitingLimits) -> Self {
        Self {
            limits,
            members: BTreeMap::new(),
            for_client: BTreeSet::new(),
            bytes: 0,
            turns: 0,
        }
    }

    /// Counts a request that has to wait, with the bytes that are kept for it meanwhile. `false`, and nothing has
    /// changed, if there is no room.
    #[must_use]
    pub fn join(&mut self, id: u32, bytes: usize, for_client: bool) -> bool {
        let fits = self.members.len() < self.limits.requests
            && bytes <= self.limits.bytes.saturating_sub(self.bytes);
        if fits {
            self.bytes = self.bytes.saturating_add(bytes);
            let turn = for_client.then(|| self.begin_turn(id));
            self.members.insert(id, Member { bytes, turn });
        }
        fits
    }

    /// What is kept for a request now, and whether it waits for its client. `false` if there is no room for so much: then
    /// it is to be ended. Says nothing of requests that did not join.
    #[must_use]
    pub fn update(&mut self, id: u32, bytes: usize, for_client: bool) -> bool {
        let Some(member) = self.members.get(&id).copied() else {
            return true;
        };
        let others = self.bytes.saturating_sub(member.bytes);
        self.bytes = others.saturating_add(bytes);
        let turn = match (member.turn, for_client) {
            (None, true) => Some(self.begin_turn(id)),
            (Some(turn), false) => {
                self.for_client.remove(&(turn, id));
                None
            }
            (turn, _) => turn,
        };
        self.members.insert(id, Member { bytes, turn });
        bytes <= member.bytes || self.bytes <= self.limits.bytes
    }

    /// A request waits for its client from now on.
    fn begin_turn(&mut self, id: u32) -> u64 {
        self.turns = self.turns.wrapping_add(1);
        self.for_client.insert((self.turns, id));
        self.turns
    }

    /// A request waits no longer. Says nothing of requests that did not join.
    pub fn leave(&mut self, id: u32) {
        if let Some(member) = self.members.remove(&id) {
            self.bytes = self.bytes.saturating_sub(member.bytes);
            if let Some(turn) = member.turn {
                self.for_client.remove(&(turn, id));
            }
        }
    }

    /// Who has waited longest for its client.
    #[must_use]
    pub fn longest(&self) -> Option<u32> {
        self.for_client.first().map(|(_, id)| *id)
    }

    /// Who is to give way now, who has waited longest first.
    pub fn giving_way(&self) -> impl Iterator<Item = u32> {
        let mut requests = self.members.len();
        let mut bytes = self.bytes;
        let most = WaitingLimits {
            requests: three_quarters(self.limits.requests),
            bytes: three_quarters(self.limits.bytes),
        };
        self.for_client.iter().map_while(move |(_, id)| {
            if requests <= most.requests && bytes <= most.bytes {
                return None;
            }
            requests = requests.saturating_sub(1);
            bytes = bytes.saturating_sub(self.members.get(id)?.bytes);
            Some(*id)
        })
    }
}

fn three_quarters(limit: usize) -> usize {
    limit.saturating_sub(limit / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::vec::Vec;

    fn crowd(requests: usize, bytes: usize) -> Crowd {
        Crowd::new(WaitingLimits { requests, bytes })
    }

    fn giving_way(crowd: &Crowd) -> Vec<u32> {
        crowd.giving_way().collect()
    }

    #[test]
    fn nobody_joins_beyond_the_number_or_the_bytes() {
        let mut crowd = crowd(4, 100);
        for id in 0..4 {
            assert!(crowd.join(id, 20, false));
        }
        assert!(!crowd.join(4, 0, false), "a fifth");
        crowd.leave(0);
        assert!(!crowd.join(4, 41, false), "more bytes than are left");
        assert!(crowd.join(4, 40, false));
        crowd.leave(9);
        assert!(!crowd.join(5, 0, false), "who was not there leaves no room");
    }

    #[test]
    fn who_grows_beyond_the_bytes_is_to_be_ended_and_who_shrinks_is_not() {
        let mut crowd = crowd(4, 100);
        assert!(crowd.join(1, 50, false) && crowd.join(2, 50, false));
        assert!(!crowd.update(1, 51, false));
        assert!(crowd.update(1, 30, false));
        assert!(crowd.update(2, 70, false));
        assert!(crowd.update(7, 1000, true), "nobody knows this one");
        crowd.leave(1);
        crowd.leave(2);
        assert!(crowd.join(3, 100, false), "all of the room is there again");
    }

    #[test]
    fn from_three_quarters_on_who_has_waited_longest_for_its_client_gives_way() {
        let mut crowd = crowd(8, 1000);
        for id in [5, 3, 9] {
            assert!(crowd.join(id, 1, true));
        }
        for id in 20..23 {
            assert!(crowd.join(id, 1, false));
        }
        assert!(giving_way(&crowd).is_empty(), "six of eight");
        assert!(crowd.join(1, 1, true) && crowd.join(2, 1, false));
        assert_eq!(giving_way(&crowd), [5, 3]);
        // Its body has come, and later it waits for its client once more.
        assert!(crowd.update(5, 1, false));
        assert_eq!(giving_way(&crowd), [3, 9]);
        assert!(crowd.update(5, 1, true));
        assert_eq!(giving_way(&crowd), [3, 9]);
        assert_eq!(crowd.longest(), Some(3));
        crowd.leave(3);
        crowd.leave(9);
        assert!(giving_way(&crowd).is_empty());
        assert_eq!(crowd.longest(), Some(1));
    }

    #[test]
    fn of_bytes_too_as_many_give_way_as_are_needed() {
        let mut crowd = crowd(100, 1000);
        for (id, bytes) in [(1, 10), (2, 300), (3, 500)] {
            assert!(crowd.join(id, bytes, true));
        }
        assert_eq!(giving_way(&crowd), [1, 2]);
        assert!(crowd.update(3, 100, true));
        assert!(giving_way(&crowd).is_empty());
    }

    #[test]
    fn who_waits_for_anything_else_never_gives_way() {
        let mut crowd = crowd(4, 100);
        for id in 0..4 {
            assert!(crowd.join(id, 25, false));
        }
        assert!(giving_way(&crowd).is_empty());
        assert_eq!(crowd.longest(), None);
    }
}
