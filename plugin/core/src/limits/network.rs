//! Which client networks a code is counted against. Never says who a client is.

use core::net::{IpAddr, Ipv6Addr};

/// A network as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Network {
    V4(u32),
    /// A /64: a subscriber has a whole one to choose addresses from.
    V6(u64),
    /// The /48 around it: whoever rents one has 65,536 of the above.
    V6Site(u64),
    /// Those whose address the host does not know are counted as one.
    Unknown,
}

/// How much more of the limit a /48 has than one of its /64s: a telephone company has many subscribers in one.
pub(crate) const SITE_FACTOR: u32 = 8;

/// The well-known prefix under which IPv4 clients reach a host that has IPv6 only (RFC 6052).
const NAT64: u128 = 0x0064_ff9b << 96;

impl Network {
    /// The networks of an address, smallest first.
    pub(crate) fn of(address: Option<&str>) -> (Self, Option<Self>) {
        match address.and_then(|address| address.trim().parse().ok()) {
            Some(IpAddr::V4(v4)) => (Self::V4(v4.to_bits()), None),
            Some(IpAddr::V6(v6)) => match inner(v6) {
                Some(v4) => (Self::V4(v4), None),
                None => {
                    let half = u64::try_from(v6.to_bits() >> 64).unwrap_or_default();
                    (Self::V6(half), Some(Self::V6Site(half >> 16)))
                }
            },
            None => (Self::Unknown, None),
        }
    }

    /// How many codes it may have in a minute.
    pub(crate) fn limit(self, per_minute: u16) -> u32 {
        let factor = match self {
            Self::V6Site(_) => SITE_FACTOR,
            _ => 1,
        };
        u32::from(per_minute) * factor
    }

    /// Bytes that differ for any two networks.
    pub(crate) fn bytes(self) -> [u8; 9] {
        let (kind, bits) = match self {
            Self::V4(bits) => (4, u64::from(bits)),
            Self::V6(bits) => (6, bits),
            Self::V6Site(bits) => (48, bits),
            Self::Unknown => (0, 0),
        };
        let mut bytes = [kind; 9];
        if let Some(rest) = bytes.last_chunk_mut() {
            *rest = bits.to_be_bytes();
        }
        bytes
    }
}

/// The IPv4 address that an IPv6 one stands for.
fn inner(v6: Ipv6Addr) -> Option<u32> {
    let bits = v6.to_bits();
    let embedded = (bits >> 32 << 32 == NAT64).then(|| u32::try_from(bits & 0xffff_ffff).ok());
    let mapped = v6.to_ipv4_mapped().map(|v4| v4.to_bits());
    mapped.or(embedded.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    fn of(address: &str) -> (Network, Option<Network>) {
        Network::of(Some(address))
    }

    #[test]
    fn an_ipv4_address_is_one_network_however_it_is_written() {
        let plain = of("192.0.2.1");
        assert_eq!(plain, (Network::V4(0xc000_0201), None));
        for same in [
            "::ffff:192.0.2.1",
            "64:ff9b::192.0.2.1",
            "64:ff9b::c000:201",
        ] {
            assert_eq!(of(same), plain, "{same}");
        }
        assert_ne!(of("192.0.2.2"), plain);
    }

    #[test]
    fn an_ipv6_address_is_counted_by_its_64_and_by_its_48() {
        let (narrow, wide) = of("2001:db8:1:2::1");
        assert_eq!(of("2001:db8:1:2:ffff::9"), (narrow, wide));
        let (other, same) = of("2001:db8:1:3::1");
        assert_ne!(other, narrow);
        assert_eq!(same, wide);
        assert_ne!(of("2001:db8:2:2::1").1, wide);
        assert_eq!((narrow.limit(60), wide.unwrap().limit(60)), (60, 480));
    }

    #[test]
    fn what_is_no_address_is_one_network() {
        for address in [
            "",
            "localhost",
            "fe80::1%eth0",
            "1.2.3",
            "1.2.3.4:80",
            "/run/a.sock",
        ] {
            assert_eq!(of(address), (Network::Unknown, None), "{address}");
        }
        assert_eq!(Network::of(None), (Network::Unknown, None));
        assert_eq!(Network::Unknown.limit(60), 60);
    }

    #[test]
    fn no_two_networks_have_the_same_bytes() {
        let all = [
            Network::V4(1),
            Network::V6(1),
            Network::V6Site(1),
            Network::Unknown,
            Network::V4(0),
            Network::V6(u64::MAX),
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(one.bytes(), other.bytes(), "{one:?} {other:?}");
            }
        }
    }
}
