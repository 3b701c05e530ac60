//! Whether a request has a token of the operator's. In a time that tells nothing about where a wrong one differs.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::config::Secret;
use crate::head::{Head, Header};

/// Before a token (RFC 6750, 2.1).
const SCHEME: &str = "bearer ";

/// The number of the token that the request has, among `tokens`.
pub(super) fn token(head: &Head, tokens: &[Secret]) -> Option<u32> {
    let Header::One(value) = head.get("authorization") else {
        return None;
    };
    let (scheme, shown) = value.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    // Hashes are of one length, and where two differ says nothing of what they are of.
    let shown = Sha256::digest(shown.trim());
    let mut number = 0;
    let mut is_one = Choice::from(0);
    // All of them, whichever it is.
    for (own, token) in (0..).zip(tokens) {
        let same = shown.ct_eq(&Sha256::digest(token.expose()));
        number.conditional_assign(&own, same);
        is_one |= same;
    }
    bool::from(is_one).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::secret;
    use crate::testing::test;
    use alloc::format;

    fn found(values: &[&str]) -> Option<u32> {
        let head = Head::from_pairs(values.iter().map(|value| ("authorization", *value)));
        token(&head, &[secret("one"), secret("two")])
    }

    #[test]
    fn each_token_is_known_by_its_number_and_nothing_else_is_one() {
        assert_eq!(found(&["Bearer one"]), Some(0));
        assert_eq!(found(&["bearer  two "]), Some(1));
        for wrong in [
            "",
            "one",
            "Bearer",
            "Bearer ",
            "Bearer on",
            "Bearer onee",
            "Basic one",
            "Bearer one, Bearer one",
        ] {
            assert_eq!(found(&[wrong]), None, "{wrong}");
        }
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["Bearer one", "Bearer one"]), None);
        assert_eq!(found(&[&format!("Bearer {}", "o".repeat(9000))]), None);
    }
}
