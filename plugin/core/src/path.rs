//! The canonical path of a request, or a refusal. What two programs could read as two different paths never gets
//! past here: route rules match what the app will serve.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::fold::{folded, is_dot, is_like_a_percent_sign, is_like_a_slash, is_unseen};

/// The decoded path of `target` (`:path`, query included) without its query.
///
/// # Errors
/// Says what is not canonical: encoded or doubled slashes, dot segments, segments that end in a dot, in a space or in
/// nothing that can be seen, `;`, `\`, `#`, `|`, control characters, double encoding, bytes that are not UTF-8.
pub(crate) fn canonical(target: &str) -> Result<Cow<'_, str>, &'static str> {
    let end = target.bytes().position(|byte| byte == b'?');
    let raw = target
        .get(..end.unwrap_or(target.len()))
        .unwrap_or_default();
    if is_plain(raw.as_bytes()) {
        return Ok(Cow::Borrowed(raw));
    }
    if !raw.is_ascii() {
        return Err("must be percent-encoded ASCII");
    }
    let path = if raw.contains('%') {
        Cow::Owned(decode(raw.as_bytes())?)
    } else {
        Cow::Borrowed(raw)
    };
    unambiguous(&path)?;
    Ok(path)
}

/// What nearly every path is: letters, digits, `-`, `_`, `~` and single slashes, with dots inside of segments only. All
/// of that [`unambiguous`] lets pass; it is asked about in one go because every request asks.
fn is_plain(raw: &[u8]) -> bool {
    let mut before = 0;
    raw.first() == Some(&b'/')
        && raw.iter().all(|byte| {
            let good = match byte {
                b'-' | b'_' | b'~' => true,
                b'/' => before != b'/' && before != b'.',
                b'.' => before != b'/',
                _ => byte.is_ascii_alphanumeric(),
            };
            before = *byte;
            good
        })
        && before != b'.'
}

/// Whether a decoded path has one reading only, as route rules must too.
///
/// # Errors
/// As [`canonical`].
pub(crate) fn unambiguous(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("must begin with /");
    }
    // The bar is a slash to ThinkPHP's router.
    if path.contains([';', '\\', '#', '?', '|']) || path.contains(char::is_control) {
        return Err("must not contain ; \\ # ? | or control characters, encoded or not");
    }
    if path.contains(is_like_a_slash) {
        return Err("must not contain characters that may be read as slashes");
    }
    if path.split(is_like_a_percent_sign).skip(1).any(is_encoded) {
        return Err("is percent-encoded twice");
    }
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if segment == "." || segment == ".." || (segment.is_empty() && segments.peek().is_some()) {
            return Err("must not contain //, /./ or /../");
        }
        if ends_loosely(segment) {
            return Err("no segment may end in a dot, a space or a character that is not seen");
        }
    }
    Ok(())
}

/// Whether some app takes a segment for a shorter one: file systems and routers drop what it ends in. What chooses the
/// look of the character before it, as behind a heart, is part of that.
fn ends_loosely(segment: &str) -> bool {
    let segment = segment.trim_end_matches(|c| ('\u{fe00}'..='\u{fe0f}').contains(&c));
    let end = segment.chars().next_back();
    end.is_some_and(|end| is_dot(end) || end.is_whitespace() || is_unseen(end))
}

/// Whether what follows a percent sign makes an encoding of it.
fn is_encoded(after: &str) -> bool {
    let mut after = folded(after);
    let mut is_digit = || after.next().is_some_and(|digit| digit.is_ascii_hexdigit());
    is_digit() && is_digit()
}

fn decode(raw: &[u8]) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let pair = rest.split_first_chunk::<2>();
        let (&[high, low], tail) = pair.ok_or("ends in an incomplete percent-encoding")?;
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err("has an invalid percent-encoding");
        };
        match high << 4 | low {
            b'/' | b'\\' => return Err("must not contain an encoded slash"),
            byte => bytes.push(byte),
        }
        rest = tail;
    }
    let doubly = bytes.windows(3).any(|window| {
        matches!(window, [b'%', high, low] if digit(*high).is_some() && digit(*low).is_some())
    });
    if doubly {
        return Err("is percent-encoded twice");
    }
    String::from_utf8(bytes).map_err(|_| "must be UTF-8 when decoded")
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn ordinary_paths_pass_without_their_query() {
        for (target, path) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("/a?x=//..;%2f", "/a"),
            ("/%E7%94%A8%e6%88%b7", "/用户"),
            ("/%61dmin", "/admin"),
            ("/a.b/..c/c.json", "/a.b/..c/c.json"),
            ("/.well-known/x..y", "/.well-known/x..y"),
            ("/100%25", "/100%"),
            ("/file%20v2/a%20b", "/file v2/a b"),
            ("/%E2%9D%A4%EF%B8%8F", "/\u{2764}\u{fe0f}"),
            ("/%EF%BC%95%EF%BC%90%EF%BC%85", "/５０％"),
        ] {
            assert_eq!(canonical(target).as_deref(), Ok(path), "{target}");
        }
    }

    #[test]
    fn whatever_can_be_read_in_two_ways_is_refused() {
        for target in [
            "",
            "a",
            "*",
            "http://x/a",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/./a",
            "/a/.",
            "/a/..",
            "/a/../b",
            "/%2e%2e/a",
            "/a/%2E/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a;b",
            "/a%3bb",
            "/a|b",
            "/a%7Cb",
            "/a#b",
            "/a%23",
            "/a%3fb",
            "/a%00",
            "/a%0d%0a",
            "/a\u{7f}",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a%252fb",
            "/a%2561",
            "/用户",
            "/%ff",
            "/a%C0%AFb",
            "/a./b",
            "/a.",
            "/...",
            "/a%2e/b",
            "/a%20",
            "/a%20/b",
            "/..%20/b",
            "/%20../b",
            "/%20/b",
            "/a%C2%A0/b",
            "/a%E3%80%80/b",
            "/%EF%BC%8E%EF%BC%8E/b",
            "/.%EF%BC%8E/b",
            "/%E2%80%A5/b",
            "/a%E3%80%82/b",
            "/a%E2%80%8B/b",
            "/..%E2%80%8B/b",
            "/..%EF%B8%8F/b",
            "/a%EF%BB%BF",
            "/a%EF%BC%8Fb",
            "/a%E2%88%95b",
            "/a%EF%BC%BCb",
            "/%E2%84%80",
            "/%EF%BC%852e/b",
            "/%EF%BC%85%EF%BC%92e/b",
            "/a%C2%85b",
        ] {
            assert!(canonical(target).is_err(), "{target}");
        }
        assert!(canonical("/\u{ff}").is_err());
    }
}
