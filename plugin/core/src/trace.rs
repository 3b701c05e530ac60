//! The trace that a request belongs to, as far as its head tells of one in well-formed words: it goes on to the store, and
//! its id into log lines. Never goes to WeChat, and never begins a trace.
//! <https://www.w3.org/TR/trace-context/>

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::head::{Head, Header};

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
/// Envoy's, and that of many others.
const REQUEST_ID: &str = "x-request-id";

/// Longer ones may be cut or dropped by whoever is next (3.3.1.5), in bytes.
const MOST_STATE: usize = 512;
/// A UUID has 36, in bytes.
const MOST_REQUEST_ID: usize = 128;

/// What a head says of its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    parent: Option<String>,
    /// Of no use without a parent.
    state: Option<String>,
    request_id: Option<String>,
}

impl Trace {
    /// `None` if it says nothing that can be handed on.
    #[must_use]
    pub fn of(head: &Head) -> Option<Self> {
        let well_formed = |name, is: fn(&str) -> bool| match head.get(name) {
            Header::One(value) if is(value) => Some(String::from(value)),
            _ => None,
        };
        let parent = well_formed(PARENT, is_parent);
        let state = parent.as_ref().and_then(|_| state(head));
        let request_id = well_formed(REQUEST_ID, |id| is_plain(id, MOST_REQUEST_ID));
        let is_empty = parent.is_none() && request_id.is_none();
        (!is_empty).then_some(Self {
            parent,
            state,
            request_id,
        })
    }

    /// The headers that carry it on: names in lower case, and values.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let all = [
            (PARENT, &self.parent),
            (STATE, &self.state),
            (REQUEST_ID, &self.request_id),
        ];
        let there = all.into_iter();
        there
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }

    /// A log line, which is a JSON object with members, with the id of the trace as one more of them: 32 hex digits.
    #[must_use]
    pub fn told(&self, line: &str) -> String {
        let id = self.parent.as_deref().and_then(|parent| parent.get(3..35));
        match (line.strip_suffix('}'), id) {
            (Some(open), Some(id)) => format!(r#"{open},"trace_id":"{id}"}}"#),
            _ => line.into(),
        }
    }
}

/// The id that a proxy has given the request, if it is well formed.
pub(crate) fn request_id(head: &Head) -> Option<String> {
    Trace::of(head)?.request_id
}

/// `00-` 32 hex digits `-` 16 `-` 2, in lower case, none of the ids all zero. Later versions may have more behind it.
fn is_parent(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let version = parts.next().unwrap_or_default();
    is_hex(version, 2)
        && version != "ff"
        && parts.next().is_some_and(|part| is_id(part, 32))
        && parts.next().is_some_and(|part| is_id(part, 16))
        && parts.next().is_some_and(|part| is_hex(part, 2))
        && (version != "00" || parts.next().is_none())
        && is_plain(text, MOST_STATE)
}

/// All of it, in the order in which it came.
fn state(head: &Head) -> Option<String> {
    let own = head.pairs().filter(|(name, _)| *name == STATE.as_bytes());
    let values: Result<Vec<_>, _> = own.map(|(_, value)| core::str::from_utf8(value)).collect();
    let joined = values.ok()?.join(",");
    let is_text = |byte: u8| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t';
    let is_good = !joined.is_empty() && joined.len() <= MOST_STATE && joined.bytes().all(is_text);
    is_good.then_some(joined)
}

fn is_plain(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(pairs: &[(&str, &str)]) -> Option<Trace> {
        Trace::of(&Head::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn what_is_well_formed_goes_on() {
        let trace = of(&[
            (PARENT, GOOD),
            (STATE, "a=1"),
            (STATE, "b=2, c=3"),
            (REQUEST_ID, "0f1e-2d"),
        ]);
        let expected = [
            (PARENT, GOOD.into()),
            (STATE, "a=1,b=2, c=3".into()),
            (REQUEST_ID, "0f1e-2d".into()),
        ];
        assert_eq!(trace.unwrap().headers(), expected);
        assert!(of(&[("x-other", "1")]).is_none());
    }

    #[test]
    fn what_is_not_does_not() {
        let long = "a".repeat(600);
        for parent in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nx: y",
            &long,
        ] {
            assert!(
                of(&[(PARENT, parent), (STATE, "a=1")]).is_none(),
                "{parent}"
            );
        }
        assert!(of(&[(PARENT, GOOD), (PARENT, GOOD)]).is_none());
        for (name, bad) in [(STATE, "a=\u{7f}"), (STATE, &*long), (REQUEST_ID, "a b")] {
            let trace = of(&[(PARENT, GOOD), (name, bad)]).unwrap();
            assert_eq!(trace.headers(), [(PARENT, GOOD.into())], "{name}: {bad}");
        }
    }

    #[test]
    fn a_log_line_has_the_id_of_the_trace() {
        let trace = of(&[(PARENT, GOOD)]).unwrap();
        assert_eq!(
            trace.told(r#"{"event":"refused"}"#),
            r#"{"event":"refused","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#
        );
        assert_eq!(trace.told("words"), "words");
        let other = of(&[(REQUEST_ID, "1")]).unwrap();
        assert_eq!(other.told(r#"{"a":1}"#), r#"{"a":1}"#);
    }
}
