//! A wish to go on in another protocol, by the header `upgrade`. What only offers a better HTTP (`TLS/1.2`, `h2c`, which
//! some clients send with every request) is passed over, as a server may (RFC 9110, 7.8); after any other upgrade
//! nobody looks at the requests any more, so it passes only where a route names it.

use crate::head::{Head, Header};
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;
use crate::route::Rule;

/// What becomes of the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    /// There is none.
    None,
    /// An offer that is passed over: the app does not see it.
    PassedOver,
    /// The route names the protocol.
    Named,
}

/// Judges what `head` asks for on a route.
///
/// # Errors
/// It asks for a protocol that the route does not name.
pub(crate) fn judge(head: &Head, rule: Option<&Rule>) -> Result<Upgrade, Rejection> {
    // As nearly all requests.
    if head.get("upgrade") == Header::Absent {
        return Ok(Upgrade::None);
    }
    let mut values = head.pairs().filter(|(name, _)| *name == b"upgrade");
    let Some((_, first)) = values.next() else {
        return Ok(Upgrade::None);
    };
    let is_alone = values.next().is_none();
    let named = rule.is_some_and(|rule| {
        let mut own = rule.upgrades.iter();
        is_alone && own.any(|own| own.as_bytes().eq_ignore_ascii_case(first))
    });
    if named {
        return Ok(Upgrade::Named);
    }
    let mut all = head.pairs().filter(|(name, _)| *name == b"upgrade");
    // An empty member of a list is none (RFC 9110, 5.6.1).
    let offers = |value: &[u8]| {
        let members = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        members.filter(|member| !member.is_empty()).all(is_offer)
    };
    if all.all(|(_, value)| offers(value)) {
        Ok(Upgrade::PassedOver)
    } else {
        Err(Reason::UpgradeRefused.parameter("upgrade", "this route names no such protocol"))
    }
}

/// Whether the wish is for a WebSocket and nothing else, as running apps have them, on a route where it can be let on:
/// nobody here reads its body, which has no end.
pub(crate) fn may_be_observed(head: &Head, rule: Option<&Rule>) -> bool {
    let reads = rule.is_some_and(|rule| rule.reads_body() || rule.login.is_some());
    let wanted = head.text("upgrade");
    !reads && wanted.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// HTTP under another name or over TLS.
fn is_offer(protocol: &[u8]) -> bool {
    let begins = |prefix: &[u8]| {
        protocol
            .get(..prefix.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(prefix))
    };
    let families: [&[u8]; 6] = [b"TLS/", b"SSL/", b"HTTP/", b"h2-", b"h2c-", b"h3-"];
    let names: [&[u8]; 4] = [b"TLS", b"h2", b"h2c", b"h3"];
    families.iter().any(|own| begins(own))
        || names.iter().any(|own| protocol.eq_ignore_ascii_case(own))
}

/// The app does not see an offer that is passed over, nor what belongs to it.
pub(crate) fn pass_over(head: &Head, changes: &mut Changes) {
    let belongs = |name: &&str| ["upgrade", "http2-settings", "connection"].contains(name);
    for name in head.names().filter(belongs) {
        if !changes.remove.iter().any(|own| **own == *name) {
            changes.remove.push(name.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    fn judged(values: &[&str]) -> Option<Upgrade> {
        judge(
            &Head::from_pairs(values.iter().map(|value| ("upgrade", value))),
            None,
        )
        .ok()
    }

    #[test]
    fn offers_of_http_are_passed_over_and_other_protocols_refused() {
        assert_eq!(judged(&[]), Some(Upgrade::None));
        for offer in [
            &["TLS/1.2"][..],
            &["tls/1.0"],
            &["h2c"],
            &["H2C, TLS/1.3"],
            &["HTTP/2.0"],
            &["h2c", "TLS/1.2"],
            &["TLS"],
            &["h2c-14, "],
            &[",TLS/1.2"],
            &["TLS/1.0,SSL/3.0"],
            &[""],
        ] {
            assert_eq!(judged(offer), Some(Upgrade::PassedOver), "{offer:?}");
        }
        for other in [
            &["websocket"][..],
            &["h2c, websocket"],
            &["h2c", "websocket"],
            &["h2cx"],
            &["?"],
            &["TLSx"],
            &["websocket,"],
        ] {
            assert_eq!(judged(other), None, "{other:?}");
        }
    }
}
