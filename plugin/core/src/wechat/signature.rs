//! `signature` = hex(sha1(rawData || session_key)), over the exact text of both.
//! <https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html>

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::session_key::SessionKey;

/// Length of a signature in characters.
pub const LENGTH: usize = 40;

/// Whether `signature` (40 hex digits, either case) belongs to `raw_data` under `key`. Constant time in its content.
#[must_use]
pub fn matches(raw_data: &str, signature: &str, key: &SessionKey) -> bool {
    let mut sha1 = Sha1::new();
    sha1.update(raw_data.as_bytes());
    sha1.update(key.text().as_bytes());
    let expected = hex(sha1.finalize().into());
    let mut given = [0; LENGTH];
    if signature.len() != LENGTH {
        return false;
    }
    given.copy_from_slice(signature.as_bytes());
    given.make_ascii_lowercase();
    expected.ct_eq(&given).into()
}

pub(super) fn hex(digest: [u8; 20]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        for (slot, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *slot = if nibble < 10 {
                b'0' + nibble
            } else {
                b'a' + nibble - 10
            };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    const RAW: &str = r#"{"nickName":"Xavier-Lam林","gender":1,"language":"zh_CN","city":"Ningde","province":"Fujian","country":"China","avatarUrl":"https://wx.qlogo.cn/mmopen/vi_32/vTxUxcbjcZ8t9eU6YfXBwRU89KS9uRILEDro01MTYp7UKYsyTjLFMIVhB0AlBuEvLHbhmO3OpaHw5zwlSetuLg/132"}"#;

    #[test]
    fn the_exact_text_matches_and_anything_else_does_not() {
        let key = SessionKey::parse("GtYYez5b/M5HhT4L7n31gQ==").unwrap();
        assert!(matches(
            RAW,
            "8fde625b7640734a13c071c05d792b5cef21cf89",
            &key
        ));
        assert!(matches(
            RAW,
            "8FDE625B7640734A13C071C05D792B5CEF21CF89",
            &key
        ));
        for wrong in [
            "",
            "cc79e15ba0d5cd7225ffd3e368c18b04872584f9",
            "8fde625b7640734a13c071c05d792b5cef21cf8",
            "汉汉汉汉汉汉汉汉汉汉汉汉汉a",
        ] {
            assert!(!matches(RAW, wrong, &key), "{wrong}");
        }
        assert!(!matches(
            &RAW.replace(':', ": "),
            "8fde625b7640734a13c071c05d792b5cef21cf89",
            &key
        ));
    }
}
