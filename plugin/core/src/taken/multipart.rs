//! The parts of a multipart body, by RFC 2046 (5.1.1) and RFC 7578: where each stands, its name and its value. Takes apart
//! and decodes nothing.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::media_type::parameters;

/// One part.
pub(super) struct Part<'a> {
    /// From the delimiter before it to the next.
    span: Range<usize>,
    name: String,
    pub(super) value: &'a [u8],
}

impl Part<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

/// The parts in their order. `None` if it is not such a body, or not a whole one.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let mut parts = Vec::new();
    let mut begins = delimiter_from(body, 0, &delimiter)?;
    loop {
        let after = begins + delimiter.len();
        if body.get(after..)?.starts_with(b"--") {
            return Some(parts);
        }
        let head = after + find(body.get(after..)?, b"\r\n")?;
        let next = delimiter_from(body, head, &delimiter)?;
        let part = body.get(head..next)?;
        let split = find(part, b"\r\n\r\n")?;
        let value = part.get(split + 4..)?;
        parts.push(Part {
            span: begins..next,
            name: name(part.get(..split)?)?,
            value: value.strip_suffix(b"\r\n").unwrap_or(value),
        });
        begins = next;
    }
}

/// The body without the parts whose names `goes` names. `None` if none goes.
pub(super) fn without(
    body: &[u8],
    parts: &[Part<'_>],
    goes: impl Fn(&str) -> bool,
) -> Option<Vec<u8>> {
    let goes = |part: &&Part<'_>| goes(&part.name);
    let mut rest = Vec::with_capacity(body.len());
    let mut copied = 0;
    for part in parts.iter().filter(goes) {
        rest.extend_from_slice(body.get(copied..part.span.start)?);
        copied = part.span.end;
    }
    rest.extend_from_slice(body.get(copied..)?);
    (copied > 0).then_some(rest)
}

/// Where the next delimiter stands at the beginning of a line.
fn delimiter_from(body: &[u8], from: usize, delimiter: &[u8]) -> Option<usize> {
    let mut at = from;
    loop {
        at += find(body.get(at..)?, delimiter)?;
        let begins_line = at == 0 || body.get(..at)?.ends_with(b"\r\n");
        if begins_line {
            return Some(at);
        }
        at += 1;
    }
}

/// The name of a part, from its head. What a file is called is no name, whatever is written in it.
fn name(head: &[u8]) -> Option<String> {
    let disposition = head.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (own, value) = line.split_at_checked(colon)?;
        own.trim_ascii()
            .eq_ignore_ascii_case(b"content-disposition")
            .then_some(value)
    })?;
    let disposition = String::from_utf8_lossy(disposition);
    let begins = disposition.find(';')?;
    let mut parameters = parameters(disposition.get(begins..)?.trim_end()).flatten();
    let (_, name) = parameters.find(|(own, _)| own.eq_ignore_ascii_case("name"))?;
    Some(name.trim_matches('"').into())
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    const BODY: &str = "--b\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\nTOKEN\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a--b.png\"\r\nContent-Type: image/png\r\n\r\n\
        \x01\r\n--c\r\n--b--\r\n";

    #[test]
    fn each_part_has_its_name_and_value_and_what_goes_goes_whole() {
        let parts = parts(BODY.as_bytes(), "b").unwrap();
        assert_eq!(parts.len(), 2);
        assert!(parts[0].is("session") && parts[0].value == b"TOKEN");
        assert!(parts[1].is("file") && parts[1].value == b"\x01\r\n--c");
        let rest = without(BODY.as_bytes(), &parts, |name| name == "session").unwrap();
        let begins = BODY
            .find("--b\r\nContent-Disposition: form-data; name=\"file\"")
            .unwrap();
        assert_eq!(rest, &BODY.as_bytes()[begins..]);
        assert!(without(BODY.as_bytes(), &parts, |_| false).is_none());
    }

    #[test]
    fn a_part_goes_by_its_name_however_that_is_written_and_not_by_that_of_its_file() {
        for (disposition, name) in [
            ("form-data; name=session", "session"),
            ("form-data; NAME=\"session\" ;", "session"),
            (
                "form-data; filename=\"a; name=session; b\"; name=\"file\"",
                "file",
            ),
            (
                "form-data; filename=\"a\\\"; name=session; b\"; name=\"file\"",
                "file",
            ),
            ("form-data; filename=a b; name=\"file\"", "file"),
            ("form-data; name*=UTF-8''session; name=file", "file"),
        ] {
            let body =
                alloc::format!("--b\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--b--");
            let parts = parts(body.as_bytes(), "b").unwrap();
            assert!(parts[0].is(name), "{disposition}: {}", parts[0].name);
        }
    }

    #[test]
    fn a_body_that_is_cut_off_is_none() {
        for end in 1..BODY.len() - "--\r\n".len() {
            assert!(parts(&BODY.as_bytes()[..end], "b").is_none(), "{end}");
        }
        assert!(parts(b"", "b").is_none());
    }
}
