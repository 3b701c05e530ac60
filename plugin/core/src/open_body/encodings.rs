//! Encodings in which a name may arrive and which some reader undoes. What is no encoding stays as it is.

use alloc::string::String;
use alloc::vec::Vec;

/// `%44`, and `%u0044` as some servers of Microsoft's read it; `+` is a space. What is no encoding stays.
pub(super) fn percent_decoded(written: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let wide = tail.split_first().filter(|(mark, _)| b"uU".contains(mark));
        let decoded = match (first, wide) {
            (b'%', Some((_, digits))) => number(digits, 4)
                .and_then(char::from_u32)
                .map(|character| (character, 5)),
            _ => None,
        };
        match (first, decoded, number(tail, 2)) {
            (b'%', Some((character, length)), _) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = tail.get(length..).unwrap_or_default();
            }
            (b'%', None, Some(byte)) => {
                bytes.extend(u8::try_from(byte));
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The number of which `digits` begins with so many hexadecimal digits.
fn number(digits: &[u8], length: usize) -> Option<u32> {
    let digits = digits.get(..length)?;
    let digits = core::str::from_utf8(digits).ok()?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| all_digits)
}

/// `\u0044` as in JSON, and a backslash before any other character gone.
pub(super) fn backslashes_undone(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let escaped = after.strip_prefix(['u', 'U']);
        let character = escaped.and_then(|digits| number(digits.as_bytes(), 4));
        match character.and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                rest = after.get(5..).unwrap_or_default();
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

/// `=?utf-8?B?b3BlbkRhdGE=?=` (RFC 2047), which commons-fileupload undoes in names.
pub(super) fn has_encoded_word(body: &[u8]) -> bool {
    let is_word = |after: &[u8]| {
        let mut parts = after.splitn(3, |byte| *byte == b'?');
        let charset = parts.next().unwrap_or_default();
        let coding = parts.next().unwrap_or_default();
        (1..=40).contains(&charset.len())
            && charset.iter().all(u8::is_ascii_graphic)
            && matches!(coding, [b'b' | b'B' | b'q' | b'Q'])
            && parts.next().is_some()
    };
    // No longer than the longest name of a charset, so that this stays linear.
    let after = |at: usize| {
        body.get(at + 2..body.len().min(at + 50))
            .unwrap_or_default()
    };
    let mut places = body.windows(2).enumerate();
    places.any(|(at, two)| two == b"=?" && is_word(after(at)))
}

/// `name*=utf-8''…` and `name*0=…` (RFC 2231), but for those of file names.
pub(super) fn has_extended_name(body: &[u8]) -> bool {
    body.windows(4).enumerate().any(|(at, window)| {
        let before = body.get(at.saturating_sub(4)..at).unwrap_or_default();
        let after = body.get(at + 4..).unwrap_or_default().trim_ascii_start();
        window.eq_ignore_ascii_case(b"name")
            && !before.eq_ignore_ascii_case(b"file")
            && after.starts_with(b"*")
            && is_set_behind_stars(after)
    })
}

fn is_set_behind_stars(text: &[u8]) -> bool {
    let stars = |byte: &&u8| **byte == b'*' || byte.is_ascii_digit();
    let length = text.iter().take_while(stars).count();
    let rest = text.get(length..).unwrap_or_default();
    rest.trim_ascii_start().starts_with(b"=")
}

/// A part whose header says that its text is not as it is read: `Content-Transfer-Encoding: base64`, or another charset.
pub(super) fn has_encoded_part(body: &[u8]) -> bool {
    let lines = body.split(|byte| b"\r\n".contains(byte));
    lines.map(<[u8]>::to_ascii_lowercase).any(|line| {
        let line = String::from_utf8_lossy(&line).into_owned();
        let is_of = |name: &str| line.trim_start().starts_with(name);
        let charset = || {
            let (_, after) = line.split_once("charset")?;
            let value = after.trim_start().strip_prefix('=')?;
            Some(value.trim_matches([' ', '"', '\'']).into())
        };
        let plain = |charset: String| {
            ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|own| charset.starts_with(own))
        };
        (is_of("content-transfer-encoding")
            && (line.contains("base64") || line.contains("quoted-printable")))
            || (is_of("content-type") && charset().is_some_and(|charset| !plain(charset)))
    })
}
