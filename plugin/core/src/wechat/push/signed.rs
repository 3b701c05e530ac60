//! `signature` and `msg_signature`: hex(sha1(…)) of the Token, the timestamp, the nonce and, of a sealed push, its
//! `Encrypt`, sorted by their bytes and joined.

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::wechat::signature::{LENGTH, hex};

/// What is signed with the Token.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The query's `timestamp`, as it is written there.
    pub timestamp: &'a str,
    /// The query's `nonce`.
    pub nonce: &'a str,
    /// The whole `Encrypt`; none in plain mode and in the check of a URL: those sign no message.
    pub encrypt: Option<&'a str>,
}

impl Signed<'_> {
    /// The signature, 40 hex digits.
    #[must_use]
    pub fn sign(&self, token: &str) -> [u8; LENGTH] {
        let encrypt = self.encrypt.unwrap_or_default();
        // Nothing comes first, and joins as nothing.
        let mut parts = [token, self.timestamp, self.nonce, encrypt];
        parts.sort_unstable();
        let mut sha1 = Sha1::new();
        for part in parts {
            sha1.update(part.as_bytes());
        }
        hex(sha1.finalize().into())
    }

    /// Whether `signature` is that. Constant time in its content.
    #[must_use]
    pub fn is_signed(&self, token: &str, signature: &str) -> bool {
        self.sign(token).ct_eq(signature.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    const TOKEN: &str = "AAAAA";

    #[test]
    fn the_documentations_signatures_are_reproduced() {
        let plain = |timestamp, nonce| Signed {
            timestamp,
            nonce,
            encrypt: None,
        };
        for (signed, signature) in [
            (
                plain("1714036504", "1514711492"),
                "f464b24fc39322e44b38aa78f5edd27bd1441696",
            ),
            (
                plain("1714037059", "486452656"),
                "899cf89e464efb63f54ddac96b0a0a235f53aa78",
            ),
        ] {
            assert!(signed.is_signed(TOKEN, signature));
            for wrong in ["", "f464", &signature.replace('f', "e"), &signature[1..]] {
                assert!(!signed.is_signed(TOKEN, wrong), "{wrong}");
            }
            assert!(!signed.is_signed("AAAAB", signature));
        }
    }
}
