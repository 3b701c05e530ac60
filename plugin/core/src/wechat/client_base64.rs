//! Base64 as it arrives from clients: often damaged by URL encoding on the way. What is unambiguous is repaired.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use crate::fold::is_unseen;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How often a text may have been percent-encoded on its way.
const MOST_ENCODINGS: usize = 4;

/// Decoded bytes, and whether the text had to be repaired.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// A `+` had become a space, the alphabet was the URL-safe one, the text was still percent-encoded, blanks stood
    /// around it, or the padding was missing.
    pub repaired: bool,
}

/// Decodes `text`; `None` if it is not base64 even after repair (the demo's -41004).
#[must_use]
pub fn decode(text: &str) -> Option<Decoded> {
    decode_to(text, |_| true)
}

/// As [`decode`]. `fits` says how many bytes it may be: of two repairs that are possible, the one is right that gives so
/// many.
pub(crate) fn decode_to(text: &str, fits: impl Fn(usize) -> bool) -> Option<Decoded> {
    // Mostly nothing is damaged.
    if text.len().is_multiple_of(4)
        && let Ok(bytes) = LENIENT.decode(text)
    {
        let repaired = false;
        return Some(Decoded { bytes, repaired });
    }
    let mended = mended(&percent_decoded(&numbers_undone(text))?);
    // A space was a `+`, unless it only stands around the text.
    let front = mended.len() - mended.trim_start_matches(' ').len();
    let back = mended.trim_end_matches(' ').len();
    let blanks = [
        (0, mended.len()),
        (0, back),
        (front, mended.len()),
        (front, back),
    ];
    let plus = mended.replace(' ', "+");
    let candidates = blanks.iter().filter_map(|(from, to)| plus.get(*from..*to));
    let mut decoded = candidates.filter_map(|candidate| LENIENT.decode(candidate).ok());
    let first = decoded.next()?;
    let bytes = if fits(first.len()) {
        first
    } else {
        decoded.find(|bytes| fits(bytes.len())).unwrap_or(first)
    };
    // Only without its padding is a text of the right letters here.
    let repaired = true;
    Some(Decoded { bytes, repaired })
}

/// `%2B`, `%2f`, `%253D`: base64 has no percent sign. `None` if one stays that encodes nothing.
fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    let mut decoded = Cow::Borrowed(text);
    for _ in 0..MOST_ENCODINGS {
        if !decoded.contains('%') {
            return Some(decoded);
        }
        let once = percent_decode_str(&decoded).decode_utf8().ok()?;
        decoded = Cow::Owned(once.into_owned());
    }
    (!decoded.contains('%')).then_some(decoded)
}

/// `\u002b`, `%u002B`, `&#43;`, `&#x2b;`: what JSON in JSON, old scripts and templates make of `+`, `/` and `=`.
fn numbers_undone(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '&']) && !text.contains("%u") {
        return text.into();
    }
    let mut undone = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let (character, length) = number(rest).unwrap_or((next, next.len_utf8()));
        undone.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
    undone.into()
}

/// Of a number, with zeros in front and what stands behind it.
const MOST_DIGITS: usize = 9;

/// The character that is written as a number at the beginning of `text`, and how many bytes that takes.
fn number(text: &str) -> Option<(char, usize)> {
    let escaped = text.strip_prefix("\\u").or_else(|| text.strip_prefix("%u"));
    let (code, length) = if let Some(digits) = escaped {
        (u32::from_str_radix(digits.get(..4)?, 16).ok()?, 6)
    } else {
        // Near by, or a text of nothing else would be searched to its end from each place.
        let text = text.strip_prefix("&#")?;
        let end = text
            .bytes()
            .take(MOST_DIGITS)
            .position(|byte| byte == b';')?;
        let digits = text.get(..end)?;
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        (code.ok()?, digits.len() + 3)
    };
    let character = char::from_u32(code)?;
    character.is_ascii().then_some((character, length))
}

/// The text in base64's own alphabet and spaces, without what cannot be a part of it.
fn mended(text: &str) -> String {
    // As a JSON string inside of a string.
    let quotes = |c: char| is_break(c) || "\"'\\".contains(c);
    let text = text.trim_matches(quotes);
    let mut mended = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match (character, rest.peek()) {
            ('-', _) => mended.push('+'),
            ('_', _) => mended.push('/'),
            ('\\', Some('n' | 'r')) => drop(rest.next()),
            ('\\', Some('/')) => {}
            ('\n', Some(' ')) => {
                let indent: String = core::iter::from_fn(|| rest.next_if_eq(&' ')).collect();
                // One alone may have been a plus.
                if indent.len() == 1 {
                    mended.push_str(&indent);
                }
            }
            (other, _) if is_break(other) => {}
            (other, _) => mended.push(other),
        }
    }
    mended
}

/// What editors, line-wrapping encoders and copying add, and base64 does not have.
fn is_break(character: char) -> bool {
    character == '\0' || is_unseen(character) || (character != ' ' && character.is_whitespace())
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
    fn what_clients_do_to_base64_is_undone() {
        for damaged in [
            " /8=",
            "-_8=",
            "+/8",
            "-_8",
            "+/8=\n",
            "+/8= ",
            "+/8=\r\n ",
            "%2B%2F8%3D",
            "%2b%2f8%3d",
            "%252B%252F8%253D",
            "%25252B/8=",
            "%20/8%3D",
            "+/8=%0A",
            "+/8%3D%20",
            "-%5F8",
            "+\\/8=\\n",
            "\"+/8=\"",
            "\u{feff}+/8=",
            "\\u002b\\u002F8\\u003d",
            "%u002B/8%u003D",
            "&#43;/8&#x3D;",
            "'+/8='",
            "\\\"+/8=\\\"",
            "+/8=\u{3000}\0\u{2060}",
            "+/\n    8=",
            "+/\r\n8=",
        ] {
            let decoded = decode(damaged).unwrap_or_else(|| panic!("{damaged:?}"));
            assert_eq!(decoded.bytes, [0xfb, 0xff], "{damaged:?}");
            assert!(decoded.repaired, "{damaged:?}");
        }
    }

    #[test]
    fn a_blank_around_the_text_is_none_of_it_where_the_length_says_so() {
        let three = |length| length == 3;
        for (damaged, expected) in [
            ("+/8A", [0xfb, 0xff, 0x00]),
            ("+/8A ", [0xfb, 0xff, 0x00]),
            (" +/8A", [0xfb, 0xff, 0x00]),
            ("  +/8A\n ", [0xfb, 0xff, 0x00]),
            (" /8A", [0xfb, 0xff, 0x00]),
            ("+/8 ", [0xfb, 0xff, 0x3e]),
        ] {
            let decoded = decode_to(damaged, three).unwrap();
            assert_eq!(decoded.bytes, expected, "{damaged:?}");
        }
        // Without its padding and with a blank: only the length tells.
        assert_eq!(
            decode_to("AAAAAA ", |length| length == 4).unwrap().bytes,
            [0; 4]
        );
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
            "undefined",
            "[object Object]",
            "%",
            "%2",
            "%ZZ",
            "%FF",
            "+/8=%2525252525",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
