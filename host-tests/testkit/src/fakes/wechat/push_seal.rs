//! How WeChat seals and signs its messages (its documentation: "message push"), in the plainest way. Knows no account.

use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};

const BLOCK: usize = 32;

/// hex(sha1(…)) of all parts, sorted and joined.
#[must_use]
pub(super) fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let hash = Sha1::digest(parts.concat());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `random` ‖ length ‖ `message` ‖ `appid`, padded.
pub(super) fn framed(random: &[u8; 16], message: &[u8], appid: &str) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("no message is that long");
    let mut bytes = [random, &length.to_be_bytes()[..], message, appid.as_bytes()].concat();
    let pad = BLOCK - bytes.len() % BLOCK;
    bytes.resize(bytes.len() + pad, u8::try_from(pad).expect("at most 32"));
    bytes
}

/// The blocks as they are, under an EncodingAESKey.
///
/// # Errors
/// The key is none, or these are no whole blocks.
pub(super) fn encrypt(mut bytes: Vec<u8>, encoding_aes_key: &str) -> anyhow::Result<String> {
    let key = key(encoding_aes_key)?;
    let mut cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key, &key[..16])?;
    let (blocks, rest) = Array::slice_as_chunks_mut(&mut bytes);
    ensure!(rest.is_empty(), "not whole blocks");
    cipher.encrypt_blocks(blocks);
    Ok(STANDARD.encode(bytes))
}

/// The message, and whose it is.
///
/// # Errors
/// Whatever is not as it must be.
pub(super) fn open(encrypt: &str, encoding_aes_key: &str) -> anyhow::Result<(String, String)> {
    let key = key(encoding_aes_key)?;
    let mut bytes = STANDARD.decode(encrypt)?;
    let mut cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, &key[..16])?;
    let (blocks, rest) = Array::slice_as_chunks_mut(&mut bytes);
    ensure!(rest.is_empty(), "not whole blocks");
    cipher.decrypt_blocks(blocks);
    ensure!(bytes.len() % BLOCK == 0, "not whole blocks of 32");
    let pad = usize::from(*bytes.last().context("nothing in it")?);
    let end = bytes.len().checked_sub(pad).context("padding")?;
    let is_right =
        (1..=BLOCK).contains(&pad) && bytes[end..].iter().all(|b| usize::from(*b) == pad);
    ensure!(is_right, "padding");
    let (head, rest) = bytes[..end]
        .split_first_chunk::<20>()
        .context("too short")?;
    let length = u32::from_be_bytes(head[16..].try_into()?);
    let (message, appid) = rest
        .split_at_checked(usize::try_from(length)?)
        .context("length")?;
    Ok((
        String::from_utf8(message.to_vec())?,
        String::from_utf8(appid.to_vec())?,
    ))
}

fn key(encoding_aes_key: &str) -> anyhow::Result<[u8; 32]> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let lenient = GeneralPurpose::new(&alphabet::STANDARD, config);
    let bytes = lenient.decode(format!("{encoding_aes_key}="))?;
    bytes.try_into().ok().context("not 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vector(what: &str) -> Value {
        let all: Value = serde_json::from_str(include_str!("../../../../vectors.json")).unwrap();
        let all = all["message_push"].as_array().unwrap();
        let found = all.iter().find(|vector| vector["what"] == what);
        found.unwrap().clone()
    }

    #[test]
    fn the_known_signatures_are_reproduced() {
        for what in ["url verification", "plain"] {
            let vector = vector(what);
            let text = |name: &str| vector[name].as_str().unwrap();
            let signature = sign(&[text("token"), text("timestamp"), text("nonce")]);
            assert_eq!(signature, text("signature"), "{what}");
        }
    }

    #[test]
    fn the_known_messages_are_sealed_and_opened() {
        for what in ["safe mode, JSON", "reply to it"] {
            let vector = vector(what);
            let text = |name: &str| vector[name].as_str().unwrap();
            let random: [u8; 16] = text("random").as_bytes().try_into().unwrap();
            let framed = framed(&random, text("message").as_bytes(), text("appid"));
            let key = text("encoding_aes_key");
            assert_eq!(encrypt(framed, key).unwrap(), text("encrypt"), "{what}");
            let parts = ["token", "timestamp", "nonce", "encrypt"].map(text);
            assert_eq!(sign(&parts), text("msg_signature"), "{what}");
            let opened = open(text("encrypt"), key).unwrap();
            let expected = (text("message").to_owned(), text("appid").to_owned());
            assert_eq!(opened, expected, "{what}");
        }
    }
}
