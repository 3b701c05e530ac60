//! The client's token (WeChat's articles call it 3rd_session) and the id under which its session is stored.

use alloc::string::String;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::host::{Host, NoEntropy};
use crate::store::{Change, Key, Space, Write};

/// Length of a token as text: base64url of 32 bytes.
pub(crate) const TEXT_LENGTH: usize = 43;

/// 32 random bytes that only the client and the running core hold. The store has their hash.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Token(pub(crate) [u8; 32]);

impl Token {
    pub(crate) fn mint(host: &impl Host) -> Result<Self, NoEntropy> {
        let mut token = Self([0; 32]);
        host.random(&mut token.0)?;
        Ok(token)
    }

    /// `None` unless `text` is exactly what [`Token::text`] gives for some token.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_LENGTH {
            return None;
        }
        let mut token = Self([0; 32]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut token.0).ok()?;
        (length == 32).then_some(token)
    }

    /// In a time that tells nothing about where they differ.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let pairs = self.0.as_chunks().0.iter().zip(other.0.as_chunks().0);
        let difference = pairs.fold(0, |difference, (own, other)| {
            difference | (u64::from_le_bytes(*own) ^ u64::from_le_bytes(*other))
        });
        difference.ct_eq(&0).into()
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn id(&self) -> SessionId {
        SessionId(
            Sha256::new()
                .chain_update(b"id")
                .chain_update(self.0)
                .finalize()
                .into(),
        )
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token: names its session without being able to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SessionId(pub(crate) [u8; 32]);

impl SessionId {
    pub(crate) fn key(&self) -> Key {
        Key::hashed(Space::Sessions, "s:", self.0)
    }

    /// The write that ends the session.
    pub(crate) fn removal(&self) -> Write {
        Write {
            key: self.key(),
            change: Change::Delete,
        }
    }

    /// The eight hex digits that logs may carry.
    pub(crate) fn short(&self) -> String {
        hex(self.0.get(..4).unwrap_or_default())
    }
}

/// `prefix` and the hex digits of `hash`: the name of a store entry.
pub(crate) fn named(prefix: &str, hash: &[u8]) -> String {
    let mut name = String::with_capacity(prefix.len() + 2 * hash.len());
    name.push_str(prefix);
    push_hex(&mut name, hash);
    name
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    named("", bytes)
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;

    #[test]
    fn text_and_token_are_one_to_one() {
        let token = Token([0xab; 32]);
        let text = token.text();
        assert_eq!(text.len(), TEXT_LENGTH);
        assert_eq!(Token::parse(&text).unwrap().0, token.0);
    }

    #[test]
    fn wrong_length_alphabet_or_trailing_bits_are_no_token() {
        let good = Token([0xab; 32]).text();
        for bad in [
            "",
            &good[1..],
            &format!("{good}A"),
            &good.replace('q', "+"),
            &format!("{}=", &good[..42]),
            // The last character of 32 bytes has two bits that must be zero.
            &format!("{}t", &good[..42]),
        ] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn tokens_that_differ_in_one_bit_are_not_the_same() {
        let token = Token([0xab; 32]);
        assert!(token.same(&token.clone()));
        for bit in 0..256 {
            let mut other = token.clone();
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!token.same(&other), "bit {bit}");
        }
    }

    #[test]
    fn the_id_is_a_hash_and_not_the_token() {
        let token = Token([1; 32]);
        assert_ne!(token.id().0, token.0);
        assert_eq!(token.id().key().name.len(), 2 + 64);
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
