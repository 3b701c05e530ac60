//! Base64 as it arrives from clients: often damaged by URL encoding on the way. What is unambiguous is repaired.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decoded bytes, and whether the text had to be repaired.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// A `+` had become a space, the alphabet was the URL-safe one, or the padding was missing.
    pub repaired: bool,
}

/// Decodes `text`; `None` if it is not base64 even after repair (the demo's -41004).
#[must_use]
pub fn decode(text: &str) -> Option<Decoded> {
    // Mostly nothing is damaged.
    if text.len().is_multiple_of(4)
        && let Ok(bytes) = LENIENT.decode(text)
    {
        let repaired = false;
        return Some(Decoded { bytes, repaired });
    }
    let mut mended = String::with_capacity(text.len());
    for character in text.trim_end_matches(['\r', '\n']).chars() {
        match character {
            ' ' | '-' => mended.push('+'),
            '_' => mended.push('/'),
            '\r' | '\n' => {}
            other => mended.push(other),
        }
    }
    let bytes = LENIENT.decode(&mended).ok()?;
    let repaired = mended != text || !mended.len().is_multiple_of(4);
    Some(Decoded { bytes, repaired })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn intact_base64_is_not_called_repaired() {
        assert_eq!(
            decode("+/8="),
            Some(Decoded {
                bytes: [0xfb, 0xff].into(),
                repaired: false
            })
        );
    }

    #[test]
    fn spaces_url_safe_letters_and_lost_padding_are_repaired() {
        for damaged in [" /8=", "-_8=", "+/8", "-_8", "+/8=\n"] {
            let decoded = decode(damaged).unwrap();
            assert_eq!(decoded.bytes, [0xfb, 0xff], "{damaged}");
            assert!(decoded.repaired, "{damaged}");
        }
    }

    #[test]
    fn text_that_is_not_base64_is_refused() {
        for bad in [
            "a",
            "a===",
            "汉字",
            "YWJj!",
            "YW=Jj",
            "X6PuFoueBpfgyjV9l9D6A==",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
