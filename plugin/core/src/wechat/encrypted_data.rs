//! `encryptedData`: AES-128-CBC with PKCS#7, then JSON with a `watermark`.
//! <https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html>
//!
//! CBC without a MAC is a padding oracle as soon as anybody can tell one failure from another. So everything that
//! depends on the plaintext has one answer, [`Refused`], after the same work: the padding is checked in constant
//! time, and the JSON is parsed whether or not the padding was right.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::padding::unpad;
use super::payload::{self, Shape};
use super::session_key::SessionKey;
use crate::json_text::escape_control_characters;
use crate::time::UnixMillis;

/// Of AES, in bytes; an iv is as long.
pub(crate) const BLOCK: usize = 16;

/// What WeChat's client gives with open data, under these names.
pub(crate) const SENT: [&str; 4] = [ENCRYPTED, "iv", "rawData", "signature"];

/// Without this one there is nothing to open.
pub(crate) const ENCRYPTED: &str = "encryptedData";

/// What a client sent, decoded. Only its public format has been checked.
#[derive(Debug)]
pub struct EncryptedData {
    ciphertext: Vec<u8>,
    iv: [u8; BLOCK],
}

/// What the plaintext must say of itself.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `watermark.appid`.
    pub appid: &'a str,
    /// `openId`, where the payload has one.
    pub openid: &'a str,
    /// `watermark.timestamp` may be at most this far from now.
    pub max_age: Option<Duration>,
    /// The moment against which the age is measured.
    pub now: UnixMillis,
}

/// Decrypted open data. CBC is not authenticated: whoever has the session can bend it (`payload` says how far), so
/// nothing in it may become an identity (a `unionId` least of all).
pub struct OpenData {
    /// The JSON object as WeChat made it, raw control characters escaped.
    pub json: Zeroizing<String>,
    /// What it is about.
    pub(crate) shape: Shape,
}

/// Padding, JSON, shape, watermark, age or owner is wrong. Deliberately says no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl EncryptedData {
    /// Takes decoded bytes.
    ///
    /// # Errors
    /// Names the parameter whose public format is wrong: the iv is not 16 bytes, or the data is not whole blocks.
    pub fn new(ciphertext: Vec<u8>, iv: &[u8]) -> Result<Self, (&'static str, &'static str)> {
        let iv = iv
            .try_into()
            .map_err(|_| ("iv", "must be base64 of 16 bytes (24 characters)"))?;
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
            return Err((ENCRYPTED, "must be base64 of whole 16-byte blocks"));
        }
        Ok(Self { ciphertext, iv })
    }

    /// The bytes as they came, for telling a replay.
    pub(crate) fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// Decrypts under `key` and checks what the plaintext says of itself.
    ///
    /// # Errors
    /// [`Refused`], whatever was wrong.
    pub fn open(&self, key: &SessionKey, expected: &Expected<'_>) -> Result<OpenData, Refused> {
        let aes_key = key.aes_key().ok_or(Refused)?;
        let mut plain = Zeroizing::new(self.ciphertext.clone());
        cbc::Decryptor::<aes::Aes128Dec>::new((&*aes_key).into(), (&self.iv).into())
            .decrypt_padded::<NoPadding>(&mut plain)
            .map_err(|_| Refused)?;
        let (length, padding_is_right) = unpad::<16>(&plain);
        let content = read(plain.get(..length).unwrap_or_default(), expected);
        if bool::from(padding_is_right) {
            content
        } else {
            Err(Refused)
        }
    }
}

fn read(plain: &[u8], expected: &Expected<'_>) -> Result<OpenData, Refused> {
    let text = core::str::from_utf8(plain).map_err(|_| Refused)?;
    let json = Zeroizing::new(escape_control_characters(text));
    let payload = payload::read(&json).ok_or(Refused)?;
    let made = UnixMillis(payload.watermark.timestamp.saturating_mul(1000));
    let fresh = expected
        .max_age
        // What is as far ahead is as far from being true.
        .is_none_or(|max_age| expected.now.since(made).max(made.since(expected.now)) <= max_age);
    let owned = payload
        .openid
        .is_none_or(|openid| openid == expected.openid);
    if payload.watermark.appid != expected.appid || !fresh || !owned {
        return Err(Refused);
    }
    let shape = payload.shape;
    Ok(OpenData { json, shape })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::vec;

    #[test]
    fn unpad_agrees_with_the_definition_for_every_last_block() {
        for pad in 0..=255_u8 {
            for wrong_at in 0..=16_usize {
                let mut block = vec![7_u8; 32];
                let n = usize::from(pad).min(16);
                block[32 - n..].fill(pad);
                *block.last_mut().unwrap() = pad;
                if (1..16).contains(&wrong_at) {
                    block[31 - wrong_at] ^= 0x40;
                }
                let last = *block.last().unwrap();
                let valid = (1..=16).contains(&last)
                    && block[32 - usize::from(last)..].iter().all(|b| *b == last);
                let (length, right) = unpad::<16>(&block);
                assert_eq!(bool::from(right), valid);
                assert_eq!(length, if valid { 32 - usize::from(last) } else { 32 });
            }
        }
    }

    #[test]
    fn the_public_format_names_the_parameter_that_is_wrong() {
        assert_eq!(
            EncryptedData::new(vec![0; 16], &[0; 15]).unwrap_err().0,
            "iv"
        );
        assert_eq!(
            EncryptedData::new(vec![0; 17], &[0; 16]).unwrap_err().0,
            "encryptedData"
        );
        assert_eq!(
            EncryptedData::new(vec![], &[0; 16]).unwrap_err().0,
            "encryptedData"
        );
    }
}
