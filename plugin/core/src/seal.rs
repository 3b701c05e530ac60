//! Sealing of records: ChaCha20-Poly1305 under a key of their own, derived from a master key.
//!
//! A sealed record is `version ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, bound to the name of its store entry, so that a
//! record moved to another name does not open. The version is that of its kind, and says how all behind it is to be read.
//! RFC 8439, RFC 5869.

use alloc::string::String;
use alloc::vec::Vec;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::host::Host;
use crate::store::Form;

/// Length of a mark, in bytes. It saves work and protects nothing.
pub(crate) const MARK: usize = 8;

const NONCE: usize = 12;

/// Master keys: the first one seals, all of them open.
pub(crate) struct MasterKeys(Vec<Hkdf<Sha256>>);

/// There was no randomness for a nonce, or no master key: nothing may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotSealed;

/// A record that is stored sealed, in each form that it has had.
pub(crate) trait Record: Serialize + Sized + 'static {
    /// Of its kind. `Serialize` gives the form that is written.
    const FORM: &'static Form;
    /// How each version is read, from the first one to the newest.
    const READ: &'static [Read<Self>];
}

/// How one version of a record is read.
pub(crate) type Read<T> = fn(&[u8]) -> Option<T>;

/// Reads the form that is written.
pub(crate) fn as_written<T: DeserializeOwned>(plain: &[u8]) -> Option<T> {
    postcard::from_bytes(plain).ok()
}

/// What a record's own key is derived from, beside the master key, and the word and the version of its kind: one kind never
/// opens as another, nor one version as another.
pub(crate) struct Scope<'a> {
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

    pub(crate) fn seal<T: Record>(
        &self,
        host: &impl Host,
        scope: &Scope<'_>,
        record: &T,
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

    pub(crate) fn seal_with<T: Record>(
        &self,
        nonce: [u8; NONCE],
        scope: &Scope<'_>,
        record: &T,
    ) -> Option<Vec<u8>> {
        let Form { what, written, .. } = T::FORM;
        let plain = Zeroizing::new(postcard::to_allocvec(record).ok()?);
        let cipher = cipher(self.0.first()?, (what, *written), scope)?;
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), payload(&plain, scope))
            .ok()?;
        let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
        out.push(*written);
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

    /// `None` if no master key opens it: forged, damaged, moved, or sealed under a key that is gone. What is of a newer version
    /// does not come here: the store gives it to nobody.
    pub(crate) fn open<T: Record>(&self, scope: &Scope<'_>, sealed: &[u8]) -> Option<T> {
        const {
            assert!(
                T::READ.len() == T::FORM.newest as usize,
                "a reader for each version"
            );
        }
        let (version, rest) = T::FORM.version(sealed).ok()??;
        let read = T::READ.get(usize::from(version.checked_sub(1)?))?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>()?;
        self.0.iter().find_map(|master| {
            let plain = cipher(master, (T::FORM.what, version), scope)?
                .decrypt(&Nonce::from(*nonce), payload(body, scope))
                .ok()?;
            read(&Zeroizing::new(plain))
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

fn cipher(
    master: &Hkdf<Sha256>,
    (what, version): (&str, u8),
    scope: &Scope<'_>,
) -> Option<ChaCha20Poly1305> {
    let mut key = Zeroizing::new([0; 32]);
    let [owner, of_owner] = scope.owner;
    // No word has such a byte, so it also tells where the word ends.
    let info = [what.as_bytes(), &[version], owner, of_owner];
    master.expand_multi_info(&info, &mut *key).ok()?;
    ChaCha20Poly1305::new_from_slice(&*key).ok()
}

fn payload<'a>(msg: &'a [u8], scope: &'a Scope<'_>) -> Payload<'a, 'a> {
    Payload {
        msg,
        aad: scope.name.as_bytes(),
    }
}

/// A record of no store, for the start-up self-test.
#[derive(Serialize, Deserialize)]
struct SelfTest(String);

impl Record for SelfTest {
    const FORM: &'static Form = &Form {
        what: "self-test",
        written: 1,
        newest: 1,
    };
    const READ: &'static [Read<Self>] = &[as_written];
}

/// One sealed text, for the start-up self-test.
pub(crate) fn round_trip() -> bool {
    let keys = MasterKeys::new(["a master key"]);
    let scope = Scope {
        owner: [b"owner", b""],
        name: "name",
    };
    let sealed = keys.seal_with([7; NONCE], &scope, &SelfTest("text".into()));
    let opened = sealed.and_then(|sealed| keys.open::<SelfTest>(&scope, &sealed));
    opened.is_some_and(|opened| opened.0 == "text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    /// Written in its second form, while the third is on its way.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    struct Thing(u32);

    const THING: Form = Form {
        what: "thing",
        written: 2,
        newest: 3,
    };

    impl Record for Thing {
        const FORM: &'static Form = &THING;
        const READ: &'static [Read<Self>] = &[
            |plain| as_written::<u8>(plain).map(|own| Self(own.into())),
            as_written,
            |plain| as_written::<(u8, u32)>(plain).map(|(_, own)| Self(own)),
        ];
    }

    /// What other releases write of it, and another kind.
    macro_rules! records {
        ($($name:ident($of:ty): $what:expr, $version:expr;)*) => {$(
            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            struct $name($of);

            impl Record for $name {
                const FORM: &'static Form = &Form {
                    what: $what,
                    written: $version,
                    newest: 4,
                };
                const READ: &'static [Read<Self>] = &[as_written, as_written, as_written, as_written];
            }
        )*};
    }

    records! {
        First(u8): "thing", 1;
        Third((u8, u32)): "thing", 3;
        Fourth(u32): "thing", 4;
        Other(u32): "other", 2;
    }

    fn scope<'a>(owner: &'a [u8], name: &'a str) -> Scope<'a> {
        Scope {
            owner: [owner, b""],
            name,
        }
    }

    #[test]
    fn a_record_opens_only_in_its_own_scope_and_undamaged() {
        let keys = MasterKeys::new(["one"]);
        let home = scope(b"token", "s:1");
        let sealed = keys.seal_with([1; NONCE], &home, &Thing(42)).unwrap();
        assert_eq!(keys.open(&home, &sealed), Some(Thing(42)));
        assert_eq!(keys.open::<Other>(&home, &sealed), None);
        for other in [scope(b"tokem", "s:1"), scope(b"token", "s:2")] {
            assert_eq!(keys.open::<Thing>(&other, &sealed), None);
        }
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(keys.open::<Thing>(&home, &damaged), None, "byte {at}");
            assert_eq!(
                keys.open::<Thing>(&home, &sealed[..at]),
                None,
                "length {at}"
            );
        }
    }

    #[test]
    fn each_version_is_read_in_its_own_way_and_never_as_another() {
        let keys = MasterKeys::new(["one"]);
        let home = scope(b"token", "s:1");
        let first = keys.seal_with([1; NONCE], &home, &First(7)).unwrap();
        let own = keys.seal_with([1; NONCE], &home, &Thing(42)).unwrap();
        let third = keys.seal_with([1; NONCE], &home, &Third((1, 9))).unwrap();
        let fourth = keys.seal_with([1; NONCE], &home, &Fourth(5)).unwrap();
        let versions = [&first, &own, &third, &fourth].map(|sealed| sealed[0]);
        assert_eq!(versions, [1, 2, 3, 4]);
        assert_eq!(keys.open(&home, &first), Some(Thing(7)));
        assert_eq!(keys.open(&home, &own), Some(Thing(42)));
        assert_eq!(keys.open(&home, &third), Some(Thing(9)));
        assert_eq!(keys.open::<Thing>(&home, &fourth), None);
        for version in [0, 1, 3, 4] {
            let mut claimed = own.clone();
            claimed[0] = version;
            assert_eq!(keys.open::<Thing>(&home, &claimed), None, "{version}");
        }
    }

    #[test]
    fn a_new_first_master_key_seals_and_the_old_one_still_opens() {
        let home = scope(b"token", "s:1");
        let old = MasterKeys::new(["old"])
            .seal_with([1; NONCE], &home, &Thing(1))
            .unwrap();
        let rotated = MasterKeys::new(["new", "old"]);
        assert_eq!(rotated.open(&home, &old), Some(Thing(1)));
        let new = rotated.seal_with([2; NONCE], &home, &Thing(2)).unwrap();
        assert_eq!(MasterKeys::new(["old"]).open::<Thing>(&home, &new), None);
        assert_eq!(MasterKeys::new(["new"]).open(&home, &new), Some(Thing(2)));
    }
}
