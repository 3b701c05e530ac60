//! The client's token (WeChat's articles call it 3rd_session) and the id under which its session is stored.

use alloc::string::String;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::kinds::SESSION;
use crate::hex::hex;
use crate::host::Host;
use crate::seal::{MARK, MasterKeys, NotSealed};
use crate::store::{Change, Key, REPLICA_LAG, Write};
use crate::time::UnixMillis;

/// Length of a token as text: base64url of 32 bytes.
pub(crate) const TEXT_LENGTH: usize = 43;

/// How much of a token is random, in bytes.
const RANDOM: usize = 20;

/// 32 bytes that only the client and the running core hold: 20 random ones, the second in which they were minted, and a
/// mark of the master key by which an edge knows a token of its kind without asking anybody. The store has their hash.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) [u8; 32]);

impl ZeroizeOnDrop for Token {}

impl Drop for Token {
    fn drop(&mut self) {
        // As a slice, in one go: an array is wiped byte by byte, each with a fence, on every request.
        self.0.as_mut_slice().zeroize();
    }
}

impl Token {
    pub(crate) fn mint(host: &impl Host, keys: &MasterKeys) -> Result<Self, NotSealed> {
        let mut token = Self([0; 32]);
        let (marked, mark) = token.0.split_at_mut(32 - MARK);
        let (random, minted_at) = marked.split_at_mut(RANDOM);
        host.random(random).map_err(|_| NotSealed)?;
        let seconds = u32::try_from(host.now().seconds()).unwrap_or(u32::MAX);
        minted_at.copy_from_slice(&seconds.to_be_bytes());
        mark.copy_from_slice(&keys.mark(marked).ok_or(NotSealed)?);
        Ok(token)
    }

    /// Whether it was minted by whoever has one of the master keys.
    fn is_minted(&self, keys: &MasterKeys) -> bool {
        let (marked, mark) = self.0.split_at(32 - MARK);
        keys.is_mark(marked, mark)
    }

    /// Whether it was minted within the last half minute, by whoever has one of the master keys. A store with read
    /// replicas is asked twice for such a token, and never for one that somebody has made up.
    pub(crate) fn is_young(&self, keys: &MasterKeys, now: UnixMillis) -> bool {
        let (_, dated) = self.0.split_at(RANDOM);
        let Some(seconds) = dated.first_chunk() else {
            return false;
        };
        let minted_at = UnixMillis(u64::from(u32::from_be_bytes(*seconds)) * 1000);
        // Minted by an edge whose clock is ahead, it comes from the future.
        let age = now.since(minted_at).max(minted_at.since(now));
        age < REPLICA_LAG && self.is_minted(keys)
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

    /// Whether both are the same, in a time that tells nothing about where they differ.
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

    /// What opens its session's record.
    pub(crate) fn opener(&self) -> Opener {
        Opener(
            Sha256::new()
                .chain_update(b"opener")
                .chain_update(self.0)
                .finalize()
                .into(),
        )
    }

    pub(crate) fn id(&self) -> SessionId {
        self.opener().id()
    }
}

/// Whether a text holds, between whatever else, a token of whoever has one of the master keys; also one to which a few
/// letters are glued. What has two dots is taken for a JWT and passed over: one of their signatures is as long. Of a long
/// text only the beginning is looked at: each look costs, before anybody is known.
pub(crate) fn holds_minted(text: &str, keys: &MasterKeys) -> bool {
    const GLUED: usize = 12;
    const MOST: usize = 16;
    let of_token = |byte: char| byte.is_ascii_alphanumeric() || "-_.".contains(byte);
    text.split(|byte| !of_token(byte))
        .map(|run| run.trim_matches('.'))
        .filter(|run| run.matches('.').count() != 2)
        .flat_map(|run| run.split('.'))
        .filter(|part| (TEXT_LENGTH..=TEXT_LENGTH + GLUED).contains(&part.len()))
        .flat_map(|part| {
            let starts = 0..=part.len() - TEXT_LENGTH;
            starts.filter_map(|at| Token::parse(part.get(at..at + TEXT_LENGTH)?))
        })
        .take(MOST)
        .any(|token| token.is_minted(keys))
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token: opens the record of its session, beside a master key, and proves nothing to the gate. Beside its
/// client only the user's own record has it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Opener(pub(crate) [u8; 32]);

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(…)")
    }
}

impl Opener {
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

/// SHA-256 of that: names the session without being able to use it, or to open its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SessionId(pub(crate) [u8; 32]);

impl SessionId {
    pub(crate) fn key(&self) -> Key {
        Key::hashed(&SESSION, self.0)
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
    fn a_token_is_young_for_half_a_minute_and_only_with_its_mark() {
        let keys = MasterKeys::new(["new", "old"]);
        let minted = |seconds: u32, keys: &MasterKeys| {
            let mut bytes = [7; 32];
            bytes[20..24].copy_from_slice(&seconds.to_be_bytes());
            let mark = keys.mark(&bytes[..24]).unwrap();
            bytes[24..].copy_from_slice(&mark);
            Token(bytes)
        };
        let token = minted(1000, &keys);
        for (now_s, young) in [(970, false), (971, true), (1029, true), (1030, false)] {
            let now = UnixMillis(now_s * 1000);
            assert_eq!(token.is_young(&keys, now), young, "{now_s}");
        }
        let now = UnixMillis(1_000_000);
        assert!(minted(1000, &MasterKeys::new(["old"])).is_young(&keys, now));
        assert!(!minted(1000, &MasterKeys::new(["another"])).is_young(&keys, now));
        for byte in 0..32 {
            let mut forged = token.clone();
            forged.0[byte] ^= 1;
            assert!(!forged.is_young(&keys, now), "{byte}");
        }
    }

    #[test]
    fn the_id_is_a_hash_and_not_the_token() {
        let token = Token([1; 32]);
        assert_ne!(token.id().0, token.0);
        assert_ne!(token.opener().0, token.id().0);
        assert_eq!(format!("{:?}", token.opener()), "Opener(…)");
        assert_eq!(token.id().key().name.len(), 2 + 64);
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
