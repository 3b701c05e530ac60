//! The requests that wait on one worker: bounded by their number and by their bytes. Counts them and says who is to give
//! way; never ends one itself.
//!
//! Nobody joins beyond the limits. But from three quarters of one on, those who wait for their client are to give way:
//! first the one that has waited longest, of the client network (of IPv6 the /48) with the most of them. So requests
//! that somebody opens and never finishes go, and a newcomer, whose body mostly comes with its headers, finds the last
//! quarter free. Whoever is slow, and shares no network with a flood, is not pushed out by it. As long as there is much
//! room, nobody is asked where a client is: these may be of any network.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::network::Network;
use crate::config::WaitingLimits;

/// Up to this part of a limit, clients are not told from each other.
const MOST_ALIKE: usize = 8;

/// Requests are named by numbers of the host's choice.
pub struct Crowd {
    limits: WaitingLimits,
    members: BTreeMap<u32, Member>,
    /// Those who wait for their client: the turn in which that began, and who it is.
    for_client: BTreeSet<(u64, u32)>,
    /// The same ones.
    by_network: BTreeMap<Network, BTreeSet<(u64, u32)>>,
    bytes: usize,
    turns: u64,
}

#[derive(Clone, Copy)]
struct Member {
    bytes: usize,
    /// As in `for_client`, and where the client is.
    turn: Option<(u64, Network)>,
}

impl Crowd {
    /// Nobody waits.
    #[must_use]
    pub fn new(limits: WaitingLimits) -> Self {
        Self {
            limits,
            members: BTreeMap::new(),
            for_client: BTreeSet::new(),
            by_network: BTreeMap::new(),
            bytes: 0,
            turns: 0,
        }
    }

    /// Counts a request that has to wait, with the bytes that are kept for it meanwhile. Where its client is, is asked
    /// only if it waits for that. `false`, and nothing has changed, if there is no room.
    #[must_use]
    pub fn join(
        &mut self,
        id: u32,
        bytes: usize,
        for_client: bool,
        address: impl FnOnce() -> Option<String>,
    ) -> bool {
        let fits = self.members.len() < self.limits.requests
            && bytes <= self.limits.bytes.saturating_sub(self.bytes);
        if fits {
            self.bytes = self.bytes.saturating_add(bytes);
            let turn = for_client.then(|| self.begin_turn(id, address));
            self.members.insert(id, Member { bytes, turn });
        }
        fits
    }

    /// What is kept for a request now, and whether it waits for its client. `false` if there is no room for so much: then
    /// it is to be ended. Says nothing of requests that did not join.
    #[must_use]
    pub fn update(
        &mut self,
        id: u32,
        bytes: usize,
        for_client: bool,
        address: impl FnOnce() -> Option<String>,
    ) -> bool {
        let Some(member) = self.members.get(&id).copied() else {
            return true;
        };
        let others = self.bytes.saturating_sub(member.bytes);
        self.bytes = others.saturating_add(bytes);
        let turn = match (member.turn, for_client) {
            (None, true) => Some(self.begin_turn(id, address)),
            (Some(turn), false) => {
                self.end_turn(id, turn);
                None
            }
            (turn, _) => turn,
        };
        self.members.insert(id, Member { bytes, turn });
        bytes <= member.bytes || self.bytes <= self.limits.bytes
    }

    /// A request waits for its client from now on.
    fn begin_turn(&mut self, id: u32, address: impl FnOnce() -> Option<String>) -> (u64, Network) {
        let is_roomy = self.members.len() < self.limits.requests / MOST_ALIKE
            && self.bytes < self.limits.bytes / MOST_ALIKE;
        let network = if is_roomy {
            Network::Unknown
        } else {
            // Whoever rents a /48 has each of its requests come from another /64.
            let (network, site) = Network::of(address().as_deref());
            site.unwrap_or(network)
        };
        self.turns = self.turns.wrapping_add(1);
        self.for_client.insert((self.turns, id));
        let own = self.by_network.entry(network).or_default();
        own.insert((self.turns, id));
        (self.turns, network)
    }

    fn end_turn(&mut self, id: u32, (turn, network): (u64, Network)) {
        self.for_client.remove(&(turn, id));
        if let Some(own) = self.by_network.get_mut(&network) {
            own.remove(&(turn, id));
            if own.is_empty() {
                self.by_network.remove(&network);
            }
        }
    }

    /// A request waits no longer. Says nothing of requests that did not join.
    pub fn leave(&mut self, id: u32) {
        if let Some(member) = self.members.remove(&id) {
            self.bytes = self.bytes.saturating_sub(member.bytes);
            if let Some(turn) = member.turn {
                self.end_turn(id, turn);
            }
        }
    }

    /// Who has waited longest for its client.
    #[must_use]
    pub fn longest(&self) -> Option<u32> {
        self.for_client.first().map(|(_, id)| *id)
    }

    /// Whether somebody is to give way now.
    #[must_use]
    pub fn is_dense(&self) -> bool {
        self.is_beyond(self.members.len(), self.bytes) && !self.for_client.is_empty()
    }

    /// Who is to give way now, at most so many, in their order.
    #[must_use]
    pub fn giving_way(&self, most: usize) -> Vec<u32> {
        let (mut requests, mut bytes) = (self.members.len(), self.bytes);
        let mut chosen = Vec::new();
        if !self.is_dense() {
            return chosen;
        }
        let mut networks: Vec<_> = self
            .by_network
            .iter()
            .map(|(network, own)| (*network, own.len(), own.iter()))
            .collect();
        while chosen.len() < most && self.is_beyond(requests, bytes) {
            // Those of whom nobody knows where they are may be of it.
            let fullest = networks
                .iter()
                .filter(|(network, ..)| *network != Network::Unknown)
                .map(|(_, left, _)| *left)
                .max();
            let longest = networks
                .iter_mut()
                .filter(|(network, left, _)| *network == Network::Unknown || Some(*left) == fullest)
                .filter_map(|(_, left, own)| Some((own.clone().next()?.0, left, own)))
                .min_by_key(|(turn, ..)| *turn);
            let Some((_, left, own)) = longest else {
                break;
            };
            *left = left.saturating_sub(1);
            let Some((_, id)) = own.next() else {
                break;
            };
            requests = requests.saturating_sub(1);
            bytes = bytes.saturating_sub(self.members.get(id).map_or(0, |member| member.bytes));
            chosen.push(*id);
        }
        chosen
    }

    /// Whether so many requests with so many bytes take more than three quarters.
    fn is_beyond(&self, requests: usize, bytes: usize) -> bool {
        requests > three_quarters(self.limits.requests) || bytes > three_quarters(self.limits.bytes)
    }
}

fn three_quarters(limit: usize) -> usize {
    limit.saturating_sub(limit / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    fn crowd(requests: usize, bytes: usize) -> Crowd {
        Crowd::new(WaitingLimits { requests, bytes })
    }

    /// All of them are where nobody knows.
    fn nowhere() -> Option<String> {
        None
    }

    fn giving_way(crowd: &Crowd) -> Vec<u32> {
        crowd.giving_way(usize::MAX)
    }

    #[test]
    fn nobody_joins_beyond_the_number_or_the_bytes() {
        let mut crowd = crowd(4, 100);
        for id in 0..4 {
            assert!(crowd.join(id, 20, false, nowhere));
        }
        assert!(!crowd.join(4, 0, false, nowhere), "a fifth");
        crowd.leave(0);
        assert!(
            !crowd.join(4, 41, false, nowhere),
            "more bytes than are left"
        );
        assert!(crowd.join(4, 40, false, nowhere));
        crowd.leave(9);
        assert!(
            !crowd.join(5, 0, false, nowhere),
            "who was not there leaves no room"
        );
    }

    #[test]
    fn who_grows_beyond_the_bytes_is_to_be_ended_and_who_shrinks_is_not() {
        let mut crowd = crowd(4, 100);
        assert!(crowd.join(1, 50, false, nowhere) && crowd.join(2, 50, false, nowhere));
        assert!(!crowd.update(1, 51, false, nowhere));
        assert!(crowd.update(1, 30, false, nowhere));
        assert!(crowd.update(2, 70, false, nowhere));
        assert!(
            crowd.update(7, 1000, true, nowhere),
            "nobody knows this one"
        );
        crowd.leave(1);
        crowd.leave(2);
        assert!(
            crowd.join(3, 100, false, nowhere),
            "all of the room is there again"
        );
    }

    #[test]
    fn from_three_quarters_on_who_has_waited_longest_for_its_client_gives_way() {
        let mut crowd = crowd(8, 1000);
        for id in [5, 3, 9] {
            assert!(crowd.join(id, 1, true, nowhere));
        }
        for id in 20..23 {
            assert!(crowd.join(id, 1, false, nowhere));
        }
        assert!(giving_way(&crowd).is_empty(), "six of eight");
        assert!(crowd.join(1, 1, true, nowhere) && crowd.join(2, 1, false, nowhere));
        assert_eq!(giving_way(&crowd), [5, 3]);
        // Its body has come, and later it waits for its client once more.
        assert!(crowd.update(5, 1, false, nowhere));
        assert_eq!(giving_way(&crowd), [3, 9]);
        assert!(crowd.update(5, 1, true, nowhere));
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
            assert!(crowd.join(id, bytes, true, nowhere));
        }
        assert_eq!(giving_way(&crowd), [1, 2]);
        assert!(crowd.update(3, 100, true, nowhere));
        assert!(giving_way(&crowd).is_empty());
    }

    #[test]
    fn who_waits_for_anything_else_never_gives_way() {
        let mut crowd = crowd(4, 100);
        for id in 0..4 {
            assert!(crowd.join(id, 25, false, nowhere));
        }
        assert!(giving_way(&crowd).is_empty());
        assert_eq!(crowd.longest(), None);
    }

    #[test]
    fn who_shares_no_network_with_a_flood_is_not_pushed_out_by_it() {
        let mut crowd = crowd(12, 1000);
        assert!(crowd.join(9, 1, false, nowhere));
        assert!(crowd.join(1, 1, true, || Some("10.0.0.1".into())));
        for id in 10..19 {
            // Of another /64 each, of one /48.
            let address = || Some(alloc::format!("2001:db8:0:{id}::1"));
            assert!(crowd.join(id, 1, true, address));
        }
        assert_eq!(giving_way(&crowd), [10, 11]);
        assert_eq!(crowd.giving_way(1), [10]);
        assert!(crowd.is_dense());
        crowd.leave(10);
        crowd.leave(11);
        assert!(!crowd.is_dense() && giving_way(&crowd).is_empty());
    }
}
