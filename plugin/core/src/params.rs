//! Parameters of the endpoints, in one shape: a body that is JSON or a form, or headers in the place of a body.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use percent_encoding::percent_decode;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use smallvec::{SmallVec, smallvec};

use crate::head::{Head, Header};
use crate::header_names::{is_open_data, parameter_headers};
use crate::host::{BodyError, Request};
use crate::media_type::{self, Kind};
use crate::placeholder::is_placeholder;
use crate::rejection::{Reason, Rejection};

/// Named parameters with all values that stood under each name: where these differ, nobody picks one of them. What clients
/// send where they have no value counts as absent.
#[derive(Default)]
pub(crate) struct Params(BTreeMap<String, SmallVec<[Value; 1]>>);

impl Params {
    /// Reads the body of `request`, at most `limit` bytes; or its headers if it has none, and they carry parameters: where
    /// Envoy may not hold a request, no body is ever seen.
    pub(crate) async fn read(request: &impl Request, limit: usize) -> Result<Self, Rejection> {
        let head = request.head();
        let carries = |own: &Result<Self, _>| own.as_ref().map_or(true, |own| !own.0.is_empty());
        let instead = says_no_body(head).then(|| Self::in_headers(head, limit));
        let instead = instead.filter(carries);
        match instead {
            None => {
                if let Err(rejection) = says_form(head) {
                    return match request.body(0).await {
                        // Many clients name a type on requests that have no body.
                        Ok(_) => Ok(Self::default()),
                        Err(BodyError::TooLarge) => Err(rejection),
                        Err(other) => Err(other.into()),
                    };
                }
            }
            // Its length is said, and holds: where Envoy may not hold a request, its end would never be seen.
            // <https://www.rfc-editor.org/rfc/rfc9113#section-8.1.1>
            Some(instead) if head.text("content-length") == Some("0") => return instead,
            Some(_) => {}
        }
        let body = request.body(limit).await?;
        match instead {
            Some(instead) if body.is_empty() => instead,
            _ => Self::of(head, &written(head, &body)?),
        }
    }

    /// Reads what is written in the body of a request with this head.
    pub(crate) fn of(head: &Head, written: &Written<'_>) -> Result<Self, Rejection> {
        match written {
            Written::Nothing => Ok(Self::default()),
            Written::Form(body) => Ok(from_form(body)),
            Written::Json(body) => from_json(body),
        }
        .map_err(|rejection| cause(head).unwrap_or(rejection))
    }

    /// Reads a query.
    pub(crate) fn of_query(query: &str) -> Self {
        from_form(query.as_bytes())
    }

    /// Those values that go by these names, and no other.
    pub(crate) fn only(&self, goes: impl Fn(&str, &Value) -> bool) -> Self {
        let mut own = Self::default();
        for (name, values) in &self.0 {
            for value in values.iter().filter(|value| goes(name, value)) {
                own.put(name.clone(), value.clone());
            }
        }
        own
    }

    fn put(&mut self, name: String, value: Value) {
        self.0.entry(name).or_default().push(value);
    }

    fn values(&self, name: &str) -> &[Value] {
        self.0.get(name).map_or(&[], |values| values)
    }

    /// The texts under `name`, in their order.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.values(name).iter().filter_map(Value::as_str);
        texts.map(Into::into).collect()
    }

    /// Adds a parameter that stood elsewhere in the request.
    pub(crate) fn insert(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), smallvec![value.into()]);
    }

    /// Reads the headers, of which the values may have `limit` bytes in all. One that is doubled or cannot be read is an
    /// error; of open data it is only noted that it was there, for a login stands without.
    pub(crate) fn in_headers(head: &Head, limit: usize) -> Result<Self, Rejection> {
        let mut params = Self::default();
        let mut bytes = 0_usize;
        for (header, name) in parameter_headers() {
            let value = match once(head, header) {
                Ok(None) => continue,
                Ok(Some(value)) => {
                    bytes = bytes.saturating_add(value.len());
                    value.into()
                }
                Err(_) if is_open_data(header) => Value::Bool(true),
                Err(rejection) => return Err(rejection),
            };
            params.put(name.into(), value);
        }
        if bytes > limit {
            let problem = "the parameters in headers are larger than limits.body_bytes";
            return Err(Reason::BodyTooLarge.with(problem));
        }
        Ok(params)
    }

    /// The text of `name`, if it is there.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Rejection> {
        let mut given = self.values(name).iter().filter(|value| !is_none(value));
        let first = given.next();
        if given.any(|other| Some(other) != first) {
            return Err(twice(name));
        }
        match first {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Reason::InvalidParameter.parameter(name, "must be a string")),
        }
    }

    /// The text of `name` to the letter, if it is there: a program wrote it, and an empty one is one.
    pub(crate) fn verbatim(&self, name: &'static str) -> Result<Option<&str>, Rejection> {
        match self.values(name) {
            [] => Ok(None),
            [first, others @ ..] if others.iter().any(|other| other != first) => Err(twice(name)),
            [Value::String(text), ..] => Ok(Some(text)),
            _ => Err(Reason::InvalidParameter.parameter(name, "must be a string")),
        }
    }

    /// Whether a client has sent a placeholder under `name`: it thought to send something.
    pub(crate) fn has_placeholder(&self, name: &'static str) -> bool {
        let values = self.values(name);
        let is_void = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| is_none(value), is_placeholder)
        };
        let mut texts = values.iter().filter_map(Value::as_str);
        values.iter().all(is_void) && texts.any(|text| !text.is_empty())
    }

    /// The text of `name`, which must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, Rejection> {
        self.text(name)?
            .ok_or_else(|| Reason::MissingParameter.with(name))
    }

    /// Whether `name` is true, in JSON or as form text.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, Rejection> {
        let mut flag = None;
        for value in self.values(name) {
            let own = match value {
                Value::Bool(own) => *own,
                Value::Number(number) if number.as_u64() == Some(1) => true,
                Value::Number(number) if number.as_u64() == Some(0) => false,
                Value::String(text) if text == "1" || text.eq_ignore_ascii_case("true") => true,
                Value::String(text) if text == "0" || text.eq_ignore_ascii_case("false") => false,
                value if is_none(value) => continue,
                _ => {
                    let problem = "must be true or false";
                    return Err(Reason::InvalidParameter.parameter(name, problem));
                }
            };
            if flag.replace(own).is_some_and(|other| other != own) {
                return Err(twice(name));
            }
        }
        Ok(flag.unwrap_or(false))
    }
}

fn twice(name: &str) -> Rejection {
    Reason::InvalidParameter.parameter(name, "must occur once")
}

/// The value of a header that must occur once.
pub(crate) fn once<'a>(head: &'a Head, header: &str) -> Result<Option<&'a str>, Rejection> {
    match head.get(header) {
        Header::Absent => Ok(None),
        Header::One(value) => Ok(Some(value)),
        Header::Ambiguous => Err(Reason::ambiguous(header)),
    }
}

/// The text of a body.
pub(crate) enum Written<'a> {
    Nothing,
    Json(Cow<'a, [u8]>),
    Form(&'a [u8]),
}

/// How a body is to be read. Many clients name the type of forms and send JSON, as it is or encoded, and no form looks like
/// that.
pub(crate) fn written<'a>(head: &Head, body: &'a [u8]) -> Result<Written<'a>, Rejection> {
    let says_form = says_form(head)?;
    // What some editors and libraries write before a text.
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if body.is_empty() {
        return Ok(Written::Nothing);
    }
    if !says_form || is_object(body) {
        return Ok(Written::Json(body.into()));
    }
    let decoded: Vec<u8> = percent_decode(body).collect();
    Ok(if is_object(&decoded) {
        Written::Json(decoded.into())
    } else {
        Written::Form(body)
    })
}

/// Whether a head tells of no body. In HTTP/2 one may come all the same: only its end tells that there is none.
fn says_no_body(head: &Head) -> bool {
    let length = head.get("content-length");
    head.get("transfer-encoding") == Header::Absent
        && matches!(length, Header::Absent | Header::One("0"))
}

/// Whether this is what clients send where they have no value.
fn is_none(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => is_no_text(text),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) => false,
    }
}

/// The same of a text. An empty object may be meant as one.
pub(crate) fn is_no_text(text: &str) -> bool {
    is_placeholder(text) && text != "{}"
}

/// Why a body cannot be read, if its head says so.
fn cause(head: &Head) -> Option<Rejection> {
    let is_coded = match head.get("content-encoding") {
        Header::Absent => false,
        Header::One(coding) => !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"),
        Header::Ambiguous => true,
    };
    if is_coded {
        return Some(Reason::UnsupportedMediaType.with("the body must not be compressed"));
    }
    let is_utf8 = media_type::of(head).is_ok_and(|media_type| media_type.is_utf8());
    (!is_utf8).then(|| Reason::UnsupportedMediaType.with("charset must be utf-8"))
}

/// Whether the body is said to be a form and not JSON. `wx.request` sends `application/json` unless told otherwise; a
/// body without a type is taken for that.
fn says_form(head: &Head) -> Result<bool, Rejection> {
    let media_type = media_type::of(head)?;
    let problem = match media_type.kind() {
        Kind::Json => return Ok(false),
        Kind::Form => return Ok(true),
        Kind::Unsaid if !media_type.is_there() => return Ok(false),
        Kind::Unsaid => "content-type is empty",
        Kind::Malformed => "content-type must be one media type, such as application/json",
        Kind::Multipart | Kind::Other => {
            "content-type must be application/json or application/x-www-form-urlencoded"
        }
    };
    Err(Reason::UnsupportedMediaType.with(problem))
}

/// Whether a body begins as JSON objects do.
fn is_object(body: &[u8]) -> bool {
    let inner = body.trim_ascii_start().strip_prefix(b"{");
    inner.is_some_and(|inner| inner.trim_ascii_start().starts_with(b"\""))
}

fn from_json(body: &[u8]) -> Result<Params, Rejection> {
    let parsed = serde_json::from_slice(body).or_else(|error| match with_whole_characters(body) {
        Some(text) => serde_json::from_str(&text),
        None => Err(error),
    });
    parsed.map_err(|error| {
        Reason::MalformedBody.with(if error.is_data() {
            "the body must be a JSON object"
        } else if error.is_eof() {
            "the JSON body ends too early"
        } else {
            "the body is not valid JSON"
        })
    })
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsParams;
        impl<'de> Visitor<'de> for AsParams {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
                let mut params = Params::default();
                while let Some((name, value)) = map.next_entry()? {
                    params.put(name, value);
                }
                Ok(params)
            }
        }
        deserializer.deserialize_map(AsParams)
    }
}

/// Halves of characters (`\ud83d` alone), which clients make where they cut a nickname, as what stands for a character
/// that is lost. Whatever else stands in the same body can then be read. `None` if there is none.
fn with_whole_characters(body: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(body).ok()?;
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at_checked(at)?;
        whole.push_str(before);
        let follows = escape.get(6..).and_then(unit);
        let length = match (unit(escape), follows) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => 0,
            (Some(_), _) => 6,
            (None, _) => 2,
        };
        if length == 0 {
            whole.push_str("\\ufffd");
            rest = escape.get(6..)?;
        } else {
            whole.push_str(escape.get(..length)?);
            rest = escape.get(length..)?;
        }
    }
    whole.push_str(rest);
    (whole != text).then_some(whole)
}

fn from_form(body: &[u8]) -> Params {
    let mut params = Params::default();
    for (name, value) in form_urlencoded::parse(body) {
        params.put(name.into_owned(), Value::String(value.into_owned()));
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::run;
    use crate::host::BodyError;
    use crate::testing::test;

    struct Sent(Head, Vec<u8>);

    impl Request for Sent {
        fn head(&self) -> &Head {
            &self.0
        }

        fn client_address(&self) -> Option<String> {
            None
        }

        async fn body(&self, _: usize) -> Result<Vec<u8>, BodyError> {
            Ok(self.1.clone())
        }
    }

    #[test]
    fn of_doubled_headers_only_those_of_open_data_are_passed_over() {
        for (header, name) in parameter_headers() {
            let head = Head::from_pairs([(header, "false"), (header, "false")]);
            match Params::in_headers(&head, 100) {
                Ok(params) => {
                    assert!(is_open_data(header), "{header}");
                    assert!(params.text(name).is_err(), "{header}");
                }
                Err(rejection) => {
                    assert!(!is_open_data(header), "{header}");
                    assert_eq!(rejection.reason, Reason::InvalidHeader);
                }
            }
        }
    }

    #[test]
    fn of_two_values_under_one_name_nobody_picks_one() {
        let read = |body: &str| {
            let head = Head::from_pairs([("content-type", "application/x-www-form-urlencoded")]);
            let params = run(Params::read(&Sent(head, body.into()), 100))?;
            params.text("code").map(|text| text.map(String::from))
        };
        for (body, expected) in [
            ("code=a&code=b", None),
            (r#"{"code":"a","code":"b"}"#, None),
            (r#"{"code":"a","code":1}"#, None),
            ("code=a&code=a", Some("a")),
            ("code=a&code=&code=undefined", Some("a")),
            ("code=null&code=a", Some("a")),
            (r#"{"code":null,"code":"a","x":1,"x":2}"#, Some("a")),
        ] {
            let found = read(body).ok().flatten();
            assert_eq!(found.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn of_two_flags_nobody_picks_one_and_a_programs_text_is_given_once() {
        let form = |body: &str| from_form(body.as_bytes());
        for (body, expected) in [
            ("f=false&f=true", None),
            ("f=1&f=0", None),
            ("f=true&f=1", Some(true)),
            ("f=null&f=true", Some(true)),
            ("f=&f=false", Some(false)),
        ] {
            assert_eq!(form(body).flag("f").ok(), expected, "{body}");
        }
        for (body, expected) in [("t=a&t=", None), ("t=", Some("")), ("t=a&t=a", Some("a"))] {
            let params = form(body);
            assert_eq!(params.verbatim("t").ok().flatten(), expected, "{body}");
        }
    }

    /// A body in chunks, or of HTTP/2, that no header tells of.
    #[test]
    fn headers_stand_for_a_body_only_where_none_comes() {
        let code = |length: Option<&str>, body: &str| {
            let length = length.map(|length| ("content-length", length));
            let pairs = [("x-wx-code", "of the header"), ("x-wx-app", "wx")];
            let head = Head::from_pairs(pairs.into_iter().chain(length));
            let request = Sent(head, body.into());
            let params = run(Params::read(&request, 100));
            params.and_then(|params| params.required("code").map(String::from))
        };
        let of = |place: &str| Ok(String::from(place));
        for length in [None, Some("0")] {
            let code = code(length, "").map_err(|rejection| rejection.reason);
            assert_eq!(code, of("of the header"));
        }
        for length in [None, Some("22")] {
            let code = code(length, r#"{"code":"of the body"}"#);
            assert_eq!(
                code.map_err(|rejection| rejection.reason),
                of("of the body")
            );
        }
        // Where it comes, nobody reads them.
        let doubled = [("x-wx-keep", "1"), ("x-wx-keep", "0")];
        for (body, expected) in [
            (r#"{"code":"of the body"}"#, of("of the body")),
            ("", Err(Reason::InvalidHeader)),
        ] {
            let request = Sent(Head::from_pairs(doubled), body.into());
            let params = run(Params::read(&request, 100));
            let code = params.and_then(|params| params.required("code").map(String::from));
            let code = code.map_err(|rejection| rejection.reason);
            assert_eq!(code, expected);
        }
        let refused = code(None, "[]").map_err(|rejection| rejection.reason);
        assert_eq!(refused, Err(Reason::MalformedBody));
    }
}
