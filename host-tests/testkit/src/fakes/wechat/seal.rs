//! How WeChat seals and signs open data (its documentation: "signature verification and encrypted data").
//! It never reads a user: bytes in, text out.

use aes::Aes128;
use aes::cipher::{Array, BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

const BLOCK: usize = 16;

/// hex(sha1(raw_data ‖ session_key)), the key as its base64 text.
#[must_use]
pub fn sign(raw_data: &str, session_key: &str) -> String {
    let hash = Sha1::new()
        .chain_update(raw_data)
        .chain_update(session_key)
        .finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// AES-128-CBC with PKCS#7; all text is base64.
///
/// # Errors
/// `session_key` or `iv` is not the base64 of 16 bytes.
pub fn encrypt(plain: &[u8], session_key: &str, iv: &str) -> anyhow::Result<String> {
    encrypt_blocks(padded(plain), session_key, iv)
}

/// The opposite of [`encrypt`]. Not in constant time: for tests only.
///
/// # Errors
/// Something is not base64 or has the wrong length, or the padding is wrong.
pub fn decrypt(encrypted_data: &str, session_key: &str, iv: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = STANDARD.decode(encrypted_data)?;
    let mut cipher = cbc::Decryptor::<Aes128>::new(&sixteen(session_key)?, &sixteen(iv)?);
    let (blocks, rest) = Array::slice_as_chunks_mut(&mut bytes);
    ensure!(rest.is_empty(), "not whole blocks");
    cipher.decrypt_blocks(blocks);
    let pad = bytes.last().copied().context("no blocks")?;
    let length = bytes
        .len()
        .checked_sub(usize::from(pad))
        .context("padding")?;
    let right =
        (1..=BLOCK).contains(&usize::from(pad)) && bytes[length..].iter().all(|byte| *byte == pad);
    ensure!(right, "padding");
    bytes.truncate(length);
    Ok(bytes)
}

/// PKCS#7.
pub(super) fn padded(plain: &[u8]) -> Vec<u8> {
    let pad = BLOCK - plain.len() % BLOCK;
    [plain, &vec![pad as u8; pad]].concat()
}

/// The blocks as they are; the caller has padded them, rightly or wrongly.
pub(super) fn encrypt_blocks(
    mut bytes: Vec<u8>,
    session_key: &str,
    iv: &str,
) -> anyhow::Result<String> {
    let mut cipher = cbc::Encryptor::<Aes128>::new(&sixteen(session_key)?, &sixteen(iv)?);
    let (blocks, rest) = Array::slice_as_chunks_mut(&mut bytes);
    ensure!(rest.is_empty(), "not whole blocks");
    cipher.encrypt_blocks(blocks);
    Ok(STANDARD.encode(&bytes))
}

fn sixteen(base64: &str) -> anyhow::Result<aes::Block> {
    let bytes: [u8; BLOCK] = STANDARD
        .decode(base64)?
        .try_into()
        .ok()
        .context("not 16 bytes")?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vectors(section: &str) -> Vec<Value> {
        let all: Value = serde_json::from_str(include_str!("../../../../vectors.json")).unwrap();
        all[section].as_array().unwrap().clone()
    }

    #[test]
    fn the_known_encrypted_data_is_reproduced_and_opened() {
        for vector in vectors("encrypted_data") {
            let text = |name: &str| vector[name].as_str().unwrap();
            let sealed =
                encrypt(text("plain").as_bytes(), text("session_key"), text("iv")).unwrap();
            assert_eq!(sealed, text("encrypted_data"));
            assert_eq!(
                decrypt(&sealed, text("session_key"), text("iv")).unwrap(),
                text("plain").as_bytes()
            );
        }
    }

    #[test]
    fn the_known_signatures_are_reproduced() {
        for vector in vectors("signature") {
            let text = |name: &str| vector[name].as_str().unwrap();
            assert_eq!(
                sign(text("raw_data"), text("session_key")),
                text("signature")
            );
        }
    }

    #[test]
    fn a_whole_block_of_padding_is_added_to_whole_blocks() {
        assert_eq!(
            (
                padded(b"").len(),
                padded(&[1; 15]).len(),
                padded(&[1; 16]).len()
            ),
            (16, 16, 32)
        );
    }
}
