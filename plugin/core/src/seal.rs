//! Sealing of records: ChaCha20-Poly1305 under a key of their own, derived from a master key.
//!
//! A sealed record is `1 ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, bound to the name of its store entry, so that a
//! record moved to another name does not open. RFC 8439, RFC 5869.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::host::{Host, Level};

/// Length of a mark, in bytes. It saves work and protects nothing.
pub(crate) const MARK: usize = 8;

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// Master keys: the first one seals, all of them open.
pub(crate) struct MasterKeys(Vec<Hkdf<Sha256>>);

/// There was no randomness for a nonce, or no master key: nothing may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotSealed;

/// What a record's own key is derived from, beside the master key.
pub(crate) struct Scope<'a> {
    /// One word per kind of record, so that one kind never opens as another.
    pub(crate) label: &'static str,
    /// Whose record: what opens a session, the code, the user by app and openid.
    pub(crate) owner: [&'a [u8]; 2],
    /// The name of the store entry.
    pub(crate) name: &'a str,
}

impl MasterKeys {
    pub(crate) fn new(secrets: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        Self(
            secrets
                .into_iter()
                .map(|secret| Hkdf::new(Some(b"wx-session 1"), secret.as_ref()))
                .collect(),
        )
    }

    pub(crate) fn seal(
        &self,
        host: &impl Host,
        scope: &Scope<'_>,
        record: &impl Serialize,
    ) -> Result<Vec<u8>, NotSealed> {
        let mut nonce = [0; NONCE];
        host.random(&mut nonce).map_err(|_| NotSealed)?;
        self.seal_with(nonce, scope, record).ok_or(NotSealed)
    }

    /// A name that nobody can tell from others without the first master key. `None` if there is none.
    pub(crate) fn name(&self, label: &'static str, owner: &[u8]) -> Option<[u8; 32]> {
        let mut name = [0; 32];
        let info = [b"name:", label.as_bytes(), b":", owner];
        self.0.first()?.expand_multi_info(&info, &mut name).ok()?;
        Some(name)
    }

    pub(crate) fn seal_with(
        &self,
        nonce: [u8; NONCE],
        scope: &Scope<'_>,
        record: &impl Serialize,
    ) -> Option<Vec<u8>> {
        let plain = Zeroizing::new(postcard::to_allocvec(record).ok()?);
        let cipher = cipher(self.0.first()?, scope)?;
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), payload(&plain, scope))
            .ok()?;
        let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Some(out)
    }

    /// What tells that somebody with the first master key has seen `bytes`.
    pub(crate) fn mark(&self, bytes: &[u8]) -> Option<[u8; MARK]> {
        mark(self.0.first()?, bytes)
    }

    /// Whether one of the keys gives this mark.
    pub(crate) fn is_mark(&self, bytes: &[u8], claimed: &[u8]) -> bool {
        let gives =
            |master| mark(master, bytes).is_some_and(|mark| bool::from(mark.ct_eq(claimed)));
        self.0.iter().any(gives)
    }

    /// As [`MasterKeys::open`], and tells the operator when a record does not open: most likely this edge lacks a master
    /// key that another one seals with.
    pub(crate) fn open_or_log<T: DeserializeOwned>(
        &self,
        host: &impl Host,
        scope: &Scope<'_>,
        sealed: &[u8],
    ) -> Option<T> {
        let record = self.open(scope, sealed);
        if record.is_none() {
            let line = format!(
                r#"{{"event":"record_not_opened","record":"{}"}}"#,
                scope.label
            );
            host.log(Level::Error, &line);
        }
        record
    }

    /// `None` if no master key opens it: forged, damaged, moved, or sealed under a key that is gone.
    pub(crate) fn open<T: DeserializeOwned>(&self, scope: &Scope<'_>, sealed: &[u8]) -> Option<T> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>()?;
        if *version != VERSION {
            return None;
        }
        self.0.iter().find_map(|master| {
            let plain = cipher(master, scope)?
                .decrypt(&Nonce::from(*nonce), payload(body, scope))
                .ok()?;
            postcard::from_bytes(&Zeroizing::new(plain)).ok()
        })
    }
}

fn mark(master: &Hkdf<Sha256>, bytes: &[u8]) -> Option<[u8; MARK]> {
    let mut mark = [0; MARK];
    master
        .expand_multi_info(&[b"token:", bytes], &mut mark)
        .ok()?;
    Some(mark)
}

fn cipher(master: &Hkdf<Sha256>, scope: &Scope<'_>) -> Option<ChaCha20Poly1305> {
    let mut key = Zeroizing::new([0; 32]);
    let [owner, of_owner] = scope.owner;
    let info = [scope.label.as_bytes(), b":", owner, of_owner];
    master.expand_multi_info(&info, &mut *key).ok()?;
    ChaCha20Poly1305::new_from_slice(&*key).ok()
}

fn payload<'a>(msg: &'a [u8], scope: &'a Scope<'_>) -> Payload<'a, 'a> {
    Payload {
        msg,
        aad: scope.name.as_bytes(),
    }
}

/// One sealed text, for the start-up self-test.
pub(crate) fn round_trip() -> bool {
    let keys = MasterKeys::new(["a master key"]);
    let scope = Scope {
        label: "self-test",
        owner: [b"owner", b""],
        name: "name",
    };
    let sealed = keys.seal_with([7; NONCE], &scope, &"text");
    sealed.is_some_and(|sealed| keys.open::<String>(&scope, &sealed).as_deref() == Some("text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    fn scope<'a>(label: &'static str, owner: &'a [u8], name: &'a str) -> Scope<'a> {
        Scope {
            label,
            owner: [owner, b""],
            name,
        }
    }

    #[test]
    fn a_record_opens_only_in_its_own_scope_and_undamaged() {
        let keys = MasterKeys::new(["one"]);
        let home = scope("session", b"token", "s:1");
        let sealed = keys.seal_with([1; NONCE], &home, &42_u32).unwrap();
        assert_eq!(keys.open::<u32>(&home, &sealed), Some(42));
        for other in [
            scope("user", b"token", "s:1"),
            scope("session", b"tokem", "s:1"),
            scope("session", b"token", "s:2"),
        ] {
            assert_eq!(keys.open::<u32>(&other, &sealed), None);
        }
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(keys.open::<u32>(&home, &damaged), None, "byte {at}");
            assert_eq!(keys.open::<u32>(&home, &sealed[..at]), None, "length {at}");
        }
    }

    #[test]
    fn a_new_first_master_key_seals_and_the_old_one_still_opens() {
        let home = scope("session", b"token", "s:1");
        let old = MasterKeys::new(["old"])
            .seal_with([1; NONCE], &home, &1_u32)
            .unwrap();
        let rotated = MasterKeys::new(["new", "old"]);
        assert_eq!(rotated.open::<u32>(&home, &old), Some(1));
        let new = rotated.seal_with([2; NONCE], &home, &2_u32).unwrap();
        assert_eq!(MasterKeys::new(["old"]).open::<u32>(&home, &new), None);
        assert_eq!(MasterKeys::new(["new"]).open::<u32>(&home, &new), Some(2));
    }
}
