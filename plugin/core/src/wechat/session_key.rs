//! The `session_key` of one user: the key of `encryptedData` and of `signature`.

use alloc::string::String;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 24 base64 characters that stand for 16 bytes. SHA-1 and HMAC take the text, AES takes the bytes.
/// <https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html>
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct SessionKey(String);

impl SessionKey {
    /// `None` unless `text` is 24 characters of base64 that decode to 16 bytes (the demo's -41001).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let key = Self(text.into());
        (text.len() == 24 && key.aes_key().is_some()).then_some(key)
    }

    /// The text, as SHA-1 takes it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The 16 bytes, as AES takes them.
    pub(crate) fn aes_key(&self) -> Option<Zeroizing<[u8; 16]>> {
        let mut bytes = Zeroizing::new([0; 16]);
        let length = STANDARD.decode_slice(&self.0, &mut *bytes).ok()?;
        (length == 16).then_some(bytes)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;

    #[test]
    fn only_sixteen_bytes_of_base64_are_a_session_key() {
        assert!(SessionKey::parse("tiihtNczf5v6AKRyjwEUhQ==").is_some());
        for bad in [
            "",
            "tiihtNczf5v6AKRyjwEUhQ",
            "tiihtNczf5v6AKRyjwEUhQ=!",
            "tiihtNczf5v6AKRyjwEUhQAA",
        ] {
            assert!(SessionKey::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn debug_output_does_not_show_the_key() {
        let key = SessionKey::parse("tiihtNczf5v6AKRyjwEUhQ==").unwrap();
        assert_eq!(format!("{key:?}"), "SessionKey(…)");
    }
}
