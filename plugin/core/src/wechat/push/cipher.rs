//! The seal of safe mode: AES-256-CBC under the EncodingAESKey, its first half the iv, PKCS#7 with blocks of 32 bytes.
//! Inside: 16 random bytes ‖ length of the message, 32 bits, big-endian ‖ message ‖ appid.
//!
//! CBC has no MAC, but `msg_signature` is one over the whole: nothing is opened before that was found right. All the
//! same there is one answer, [`Refused`], whatever was wrong inside.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::wechat::padding::unpad;

/// 43 characters are one bit more than 32 bytes: what is in it nobody looks at, and WeChat lets people choose it.
const OF_KEYS: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Of the padding, in bytes.
const BLOCK: usize = 32;

/// Before the message: random bytes and its length.
const HEAD: usize = 20;

/// The EncodingAESKey of one app. Has a `Debug` that shows nothing.
#[derive(Clone, ZeroizeOnDrop)]
pub struct PushKey([u8; 32]);

/// Padding, length or appid is wrong, or it is not sealed at all. Deliberately says no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl fmt::Debug for PushKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushKey(…)")
    }
}

impl PushKey {
    /// `None` unless `text` is 43 characters of base64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(OF_KEYS.decode(text).ok()?);
        let bytes: &[u8; 32] = bytes.as_slice().try_into().ok()?;
        (text.len() == 43).then_some(Self(*bytes))
    }

    fn iv(&self) -> [u8; 16] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// The message in `encrypt`, if it is one for `appid`.
    ///
    /// # Errors
    /// [`Refused`], whatever was wrong.
    pub fn open(&self, encrypt: &str, appid: &str) -> Result<Vec<u8>, Refused> {
        let mut bytes = STANDARD.decode(encrypt).map_err(|_| Refused)?;
        if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
            return Err(Refused);
        }
        cbc::Decryptor::<aes::Aes256Dec>::new((&self.0).into(), (&self.iv()).into())
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_| Refused)?;
        let (length, padding_is_right) = unpad::<32>(&bytes);
        let message = message(bytes.get(..length).unwrap_or_default(), appid);
        match message {
            Some(message) if bool::from(padding_is_right) => Ok(message.to_vec()),
            _ => Err(Refused),
        }
    }

    /// `message` of `appid` as an `Encrypt`. `random` must be new each time.
    #[must_use]
    pub fn seal(&self, random: [u8; 16], message: &[u8], appid: &str) -> Option<String> {
        let length = u32::try_from(message.len()).ok()?;
        let mut bytes = random.to_vec();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(message);
        bytes.extend_from_slice(appid.as_bytes());
        let pad = BLOCK - bytes.len() % BLOCK;
        bytes.resize(bytes.len() + pad, u8::try_from(pad).ok()?);
        let length = bytes.len();
        let sealed = cbc::Encryptor::<aes::Aes256Enc>::new((&self.0).into(), (&self.iv()).into())
            .encrypt_padded::<NoPadding>(&mut bytes, length)
            .ok()?;
        Some(STANDARD.encode(sealed))
    }
}

/// What stands between the length that is said and the appid, if both are right.
fn message<'a>(plain: &'a [u8], appid: &str) -> Option<&'a [u8]> {
    let (head, rest) = plain.split_first_chunk::<HEAD>()?;
    let length = u32::from_be_bytes(*head.last_chunk()?);
    let (message, owner) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (owner == appid.as_bytes()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::{format, vec};

    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const APPID: &str = "wxba5fad812f8e6fb9";
    const ENCRYPT: &str = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
    const MESSAGE: &str = r#"{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}"#;

    fn key() -> PushKey {
        PushKey::parse(KEY).unwrap()
    }

    #[test]
    fn the_documentations_push_opens_and_is_made_again() {
        assert_eq!(key().open(ENCRYPT, APPID).unwrap(), MESSAGE.as_bytes());
        let again = key().seal(*b"a8eedb185eb2fecf", MESSAGE.as_bytes(), APPID);
        assert_eq!(again.as_deref(), Some(ENCRYPT));
    }

    #[test]
    fn the_documentations_answer_is_made_and_opens() {
        let encrypt = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==";
        let message = br#"{"demo_resp":"good luck"}"#;
        let made = key().seal(*b"707722b803182950", message, APPID);
        assert_eq!(made.as_deref(), Some(encrypt));
        assert_eq!(key().open(encrypt, APPID).unwrap(), message);
    }

    #[test]
    fn a_key_is_43_characters_whatever_its_last_bits_are() {
        let odd = PushKey::parse(&format!("{}B", &KEY[..42])).unwrap();
        assert_eq!(odd.0, key().0);
        for bad in [
            "",
            &KEY[..42],
            &format!("{KEY}="),
            &format!("{KEY}A"),
            &KEY.replace('A', "-"),
        ] {
            assert!(PushKey::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{odd:?}"), "PushKey(…)");
    }

    #[test]
    fn another_appid_and_every_changed_byte_is_one_refusal() {
        assert_eq!(key().open(ENCRYPT, "wxba5fad812f8e6fb8"), Err(Refused));
        let sealed = STANDARD.decode(ENCRYPT).unwrap();
        // The random bytes in front are of no meaning, and the next block is bent with them.
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            let opened = key().open(&STANDARD.encode(&bent), APPID);
            assert_ne!(opened.as_deref(), Ok(MESSAGE.as_bytes()), "byte {at}");
        }
        for bad in ["", "=", "AAAA", &ENCRYPT[..64], &ENCRYPT.replace('+', "-")] {
            assert_eq!(key().open(bad, APPID), Err(Refused), "{bad}");
        }
    }

    #[test]
    fn unpad_agrees_with_the_definition_for_every_last_block() {
        for pad in 0..=255_u8 {
            for wrong_at in 0..=32_usize {
                let mut block = vec![7_u8; 64];
                let n = usize::from(pad).min(32);
                block[64 - n..].fill(pad);
                *block.last_mut().unwrap() = pad;
                if (1..32).contains(&wrong_at) {
                    block[63 - wrong_at] ^= 0x40;
                }
                let last = *block.last().unwrap();
                let valid = (1..=32).contains(&last)
                    && block[64 - usize::from(last)..].iter().all(|b| *b == last);
                let (length, right) = unpad::<32>(&block);
                assert_eq!(bool::from(right), valid);
                assert_eq!(length, if valid { 64 - usize::from(last) } else { 64 });
            }
        }
    }
}
