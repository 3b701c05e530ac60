//! Ways to seal a session record, to choose between: key setup, sealing and opening, for each record anew, because
//! each has a key of its own. Never with the derivation of that key, which is the same for all.

use std::hint::black_box;

use aes_gcm::{Aes128Gcm, Aes256Gcm};
use aes_gcm_siv::{Aes128GcmSiv, Aes256GcmSiv};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Nonce, Payload};
use wx_session_core::bench::Sealing;

use crate::work::Operation;

/// Version, nonce and tag, which a sealed record has besides.
const AROUND: usize = 1 + 12 + 16;

pub(crate) fn operation(name: &str) -> Option<Operation> {
    let there_and_back = match name {
        "ChaCha20-Poly1305" => there_and_back::<ChaCha20Poly1305>,
        "AES-128-GCM" => there_and_back::<Aes128Gcm>,
        "AES-256-GCM" => there_and_back::<Aes256Gcm>,
        "AES-128-GCM-SIV" => there_and_back::<Aes128GcmSiv>,
        "AES-256-GCM-SIV" => there_and_back::<Aes256GcmSiv>,
        _ => return None,
    };
    let length = Sealing::default().seal([0; 12])?.len() - AROUND;
    let plain: Vec<u8> = (0..=255).cycle().take(length).collect();
    Some(Box::new(move || {
        there_and_back(black_box(&plain)) == Some(true)
    }))
}

fn there_and_back<A: Aead + KeyInit>(plain: &[u8]) -> Option<bool> {
    let key = black_box([1; 32]);
    let nonce = Nonce::<A>::try_from([7; 12].as_slice()).ok()?;
    // As long as the name of a session's entry.
    let aad = black_box([b's'; 66]);
    let cipher = || A::new_from_slice(key.get(..A::key_size())?).ok();
    let payload = |msg| Payload { msg, aad: &aad };
    let sealed = cipher()?.encrypt(&nonce, payload(plain)).ok()?;
    let opened = cipher()?
        .decrypt(&nonce, payload(black_box(&sealed)))
        .ok()?;
    Some(opened == plain)
}
