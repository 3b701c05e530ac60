//! The media type of a body, by the grammar of RFC 9110 (8.3.1): what it says in its essence counts, and nothing that
//! it says elsewhere. Apps that look for a word in the whole header would read it otherwise, so types that say two
//! things can be told from those that say one.

use crate::head::Head;
use crate::placeholder::is_placeholder;
use crate::rejection::{Reason, Rejection};

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No type, or an empty one.
    Unsaid,
    /// `application/json`, `text/json`, `application/vnd.api+json` …
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/form-data` and its like.
    Multipart,
    Other,
    /// No `type/subtype`.
    Malformed,
}

/// The header of one body.
pub(crate) struct MediaType<'a> {
    /// `type/subtype`, without blanks around it.
    essence: &'a str,
    /// What stands behind it, from the first `;` on.
    parameters: &'a str,
    /// The same value came several times, or joined by a proxy: whoever reads on should find it once.
    pub(crate) doubled: Option<&'a str>,
    is_there: bool,
}

/// Reads `content-type`. Values that say the same count as one.
///
/// # Errors
/// There are several that differ, or one that is not text.
pub(crate) fn of(head: &Head) -> Result<MediaType<'_>, Rejection> {
    let several = || Reason::InvalidHeader.parameter("content-type", "must occur once");
    let mut found: Option<&str> = None;
    let mut times = 0;
    let values = head.pairs().filter(|(name, _)| *name == b"content-type");
    for (_, value) in values {
        let value = core::str::from_utf8(value)
            .map_err(|_| Reason::InvalidHeader.parameter("content-type", "must be ASCII"))?;
        for value in joined(value) {
            times += 1;
            found = match found {
                None => Some(value),
                Some(first) => Some(agreed(first, value).ok_or_else(several)?),
            };
        }
    }
    // Some clients write what their language makes of nothing.
    let found = found.filter(|value| value.is_empty() || !is_placeholder(value));
    let (essence, parameters) = parted(found.unwrap_or_default());
    // What proxies join is a list, and no type is one.
    if essence.contains(',') {
        return Err(several());
    }
    Ok(MediaType {
        essence,
        parameters,
        doubled: found.filter(|_| times > 1),
        is_there: found.is_some(),
    })
}

const OWS: [char; 2] = [' ', '\t'];

/// Essence, and parameters from their first `;` on.
fn parted(value: &str) -> (&str, &str) {
    let (essence, parameters) = value.split_at(value.find(';').unwrap_or(value.len()));
    (essence.trim_matches(OWS), parameters)
}

/// The fuller one of two values that say the same, one of them perhaps without parameters.
fn agreed<'a>(one: &'a str, other: &'a str) -> Option<&'a str> {
    let (own, others) = (parted(one), parted(other));
    if one.eq_ignore_ascii_case(other) {
        return Some(one);
    }
    if own.0.is_empty() || !own.0.eq_ignore_ascii_case(others.0) {
        return None;
    }
    match (own.1, others.1) {
        (_, "") => Some(one),
        ("", _) => Some(other),
        _ => None,
    }
}

/// The values that a proxy has joined with commas, if they say the same; else the one that it is.
fn joined(value: &str) -> impl Iterator<Item = &str> {
    let parts = || value.split(',').map(|part| part.trim_matches(OWS));
    let first = parts().next().unwrap_or_default();
    let fullest = parts().try_fold(first, agreed);
    let times = if fullest.is_some() {
        parts().count()
    } else {
        1
    };
    core::iter::repeat_n(fullest.unwrap_or(value.trim_matches(OWS)), times)
}

impl MediaType<'_> {
    pub(crate) fn kind(&self) -> Kind {
        if self.essence.is_empty() {
            return Kind::Unsaid;
        }
        let Some((main, sub)) = self.essence.split_once('/') else {
            return Kind::Malformed;
        };
        if !is_token(main) || !is_token(sub) {
            return Kind::Malformed;
        }
        let ends_in_json = sub.len() >= 5
            && sub
                .get(sub.len() - 5..)
                .is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"));
        if sub.eq_ignore_ascii_case("json") || ends_in_json {
            Kind::Json
        } else if self
            .essence
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        {
            Kind::Form
        } else if main.eq_ignore_ascii_case("multipart") {
            Kind::Multipart
        } else {
            Kind::Other
        }
    }

    /// The value of a parameter, without its quotes. `None` if it is not there exactly once.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut own = parameters(self.parameters)
            .flatten()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let (_, value) = own.next()?;
        own.next().is_none().then(|| value.trim_matches('"'))
    }

    pub(crate) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Whether every reader must come to this kind: the parameters are well formed, and no word stands anywhere by
    /// which careless readers know another kind. Parsers of forms have been seen to look for `urlencoded` or
    /// `multipart` in the whole header.
    pub(crate) fn is_unambiguous(&self) -> bool {
        let kind = self.kind();
        let words: [(&str, &[Kind]); 5] = [
            ("json", &[Kind::Json]),
            ("urlencoded", &[Kind::Form]),
            ("multipart", &[Kind::Multipart]),
            ("form-data", &[Kind::Multipart]),
            ("boundary", &[Kind::Multipart]),
        ];
        // A boundary is made at random, and who reads a multipart body looks for its names anyway.
        let is_random =
            |name: &str| kind == Kind::Multipart && name.eq_ignore_ascii_case("boundary");
        let says = |word: &str| {
            contains(self.essence, word)
                || parameters(self.parameters).flatten().any(|(name, value)| {
                    contains(name, word) || (!is_random(name) && contains(value, word))
                })
        };
        kind != Kind::Malformed
            && parameters(self.parameters).all(|parameter| parameter.is_some())
            && words
                .iter()
                .all(|(word, kinds)| kinds.contains(&kind) || !says(word))
    }

    /// Whether all that is said of the charset is UTF-8. All of it: readers differ in which of two they take, and in
    /// another charset they could read other names.
    pub(crate) fn is_utf8(&self) -> bool {
        parameters(self.parameters)
            .flatten()
            .filter(|(name, _)| name.trim_end_matches('*').eq_ignore_ascii_case("charset"))
            .all(|(_, value)| {
                let value = value.trim_matches(['"', '\'']);
                // Of which ASCII is a part.
                ["utf-8", "utf8", "us-ascii"]
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(value))
            })
    }
}

/// Names and values of the parameters of a header, from their first `;` on, values with their quotes; `None` for what is
/// no parameter.
pub(crate) fn parameters(text: &str) -> impl Iterator<Item = Option<(&str, &str)>> {
    let mut rest = text;
    core::iter::from_fn(move || {
        loop {
            let parameter = rest.strip_prefix(';')?.trim_start_matches(OWS);
            let end = end_of_parameter(parameter);
            let (own, after) = parameter.split_at(end);
            rest = after;
            let own = own.trim_end_matches(OWS);
            // Many clients end the header in a semicolon.
            if own.is_empty() {
                continue;
            }
            let pair = own
                .split_once('=')
                .filter(|(name, value)| is_token(name) && (is_token(value) || is_quoted(value)));
            return Some(pair);
        }
    })
}

/// Where the next `;` is that stands outside of quotes.
fn end_of_parameter(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b';' if !quoted => return at,
            b'"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && byte == b'\\' && !escaped;
    }
    text.len()
}

fn is_quoted(value: &str) -> bool {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner
        .is_some_and(|inner| !inner.contains(['"', '\\']) && inner.chars().all(|c| !c.is_control()))
}

fn is_token(text: &str) -> bool {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(tchar)
}

fn contains(text: &str, word: &str) -> bool {
    text.as_bytes()
        .windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    fn read(values: &[&str]) -> Option<(Kind, bool, bool)> {
        let head = Head::from_pairs(values.iter().map(|value| ("content-type", value)));
        let found = of(&head).ok()?;
        Some((found.kind(), found.is_unambiguous(), found.is_utf8()))
    }

    #[test]
    fn a_type_is_what_its_essence_says() {
        for (value, kind) in [
            ("application/json", Kind::Json),
            (" Application/JSON ;", Kind::Json),
            ("text/json;charset=utf-8", Kind::Json),
            (
                "application/vnd.api+json; charset=\"UTF-8\"; v=1",
                Kind::Json,
            ),
            ("application/json;odata=verbose", Kind::Json),
            (
                "application/x-www-form-urlencoded; charset=UTF-8",
                Kind::Form,
            ),
            (
                "multipart/form-data; boundary=----WebKitFormBoundaryX",
                Kind::Multipart,
            ),
            ("image/png", Kind::Other),
            ("", Kind::Unsaid),
            (" ; ", Kind::Unsaid),
        ] {
            assert_eq!(read(&[value]), Some((kind, true, true)), "{value}");
        }
        assert_eq!(read(&[]), Some((Kind::Unsaid, true, true)));
    }

    #[test]
    fn a_type_that_says_two_things_or_is_none_is_not_unambiguous() {
        for value in [
            "application/x-www-form-urlencoded; x=json",
            "application/json; x=urlencoded",
            "application/json; boundary=x",
            "text/plain; x=\"a;json\"",
            "application/x-www-form-urlencoded+json",
            "multipart/form-data+json; boundary=x",
            "application/jsonp",
            "application/x-ndjson",
            "json",
            "json/",
            "/json",
            "application/ json",
            "application/json x",
            "application/json; charset",
            "application/json; charset = utf-8",
            "application/json; charset=\"utf-8",
            "application/json; =utf-8",
            "application/json\u{7f}",
            "application/jsön",
        ] {
            let found = read(&[value]).unwrap();
            assert!(!found.1, "{value}: {found:?}");
        }
    }

    #[test]
    fn only_utf8_is_utf8() {
        for value in [
            "charset=gbk",
            "charset=utf-8; charset=utf-7",
            "charset*=utf-7''x",
            "charset=\"\"",
        ] {
            let value = alloc::format!("application/json; {value}");
            assert!(!read(&[&value]).unwrap().2, "{value}");
        }
    }

    #[test]
    fn the_same_value_twice_is_one_and_two_that_differ_are_none() {
        let json = Some((Kind::Json, true, true));
        for same in [
            &["application/json", "application/JSON"][..],
            &["application/json,application/json"],
            &["application/json; charset=utf-8, application/json; charset=utf-8"],
        ] {
            assert_eq!(read(same), json, "{same:?}");
            let head = Head::from_pairs(same.iter().map(|value| ("content-type", value)));
            assert!(of(&head).is_ok_and(|found| found.doubled.is_some()));
        }
        for different in [
            &["application/json", "text/plain"][..],
            &["application/json, text/plain"],
            &["application/json,"],
            &["application/json", ""],
        ] {
            assert_eq!(read(different), None, "{different:?}");
        }
    }
}
