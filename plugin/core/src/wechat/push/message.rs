//! What stands in a push, sealed or not: JSON or XML, whichever the operator chose. Only what is looked at here is taken
//! out; the message itself goes on as WeChat wrote it.

use alloc::borrow::Cow;
use alloc::string::String;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::xml;
use crate::json_text::escape_control_characters;

/// How a push is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"ToUserName":…}`
    Json,
    /// `<xml><ToUserName>…</ToUserName></xml>`
    Xml,
}

impl Format {
    /// The content type of an answer or of a message in it.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Xml => "text/xml; charset=utf-8",
        }
    }
}

/// What is looked at of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Of a probe by Cloud Run, which is no push.
    pub action: Option<String>,
    /// The sealed message.
    pub encrypt: Option<String>,
    /// The user's openid, mostly.
    pub from_user_name: Option<String>,
    /// The message's id, as it is written: it has up to 64 bits. Events have none. (The `MsgID` of some is that of a
    /// message which they tell of, perhaps one of several such events.)
    pub msg_id: Option<String>,
    /// When it was made, in seconds since the epoch.
    pub create_time: Option<u64>,
}

/// Reads a body. `None` if it is neither an object of JSON nor a document of XML, or not readable in one way.
#[must_use]
pub fn read(body: &[u8]) -> Option<(Format, Fields)> {
    let text = core::str::from_utf8(body).ok()?;
    let begin = text.trim_start().chars().next()?;
    match begin {
        '{' => Some((Format::Json, json(text)?)),
        '<' => Some((Format::Xml, of_xml(text.trim_start())?)),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow, rename = "Encrypt")]
    encrypt: Option<&'a RawValue>,
    #[serde(borrow, rename = "FromUserName")]
    from_user_name: Option<&'a RawValue>,
    #[serde(borrow, rename = "MsgId")]
    msg_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "CreateTime")]
    create_time: Option<&'a RawValue>,
}

/// WeChat's own go two or three deep. What goes deeper is no message, and readers that recurse fall over it.
const DEEPEST: usize = 32;

fn json(text: &str) -> Option<Fields> {
    is_shallow(text).then_some(())?;
    let text = escape_control_characters(text);
    let raw: Raw<'_> = serde_json::from_str(&text).ok()?;
    Some(Fields {
        action: raw.action.and_then(word),
        encrypt: raw.encrypt.and_then(word),
        from_user_name: raw.from_user_name.and_then(word),
        msg_id: raw.msg_id.and_then(word).filter(is_id),
        create_time: raw.create_time.and_then(|own| seconds(own.get())),
    })
}

/// Zero and nothing tell no message from another.
#[allow(clippy::ptr_arg, reason = "as an option's filter has it")]
fn is_id(id: &String) -> bool {
    id.bytes().any(|byte| byte != b'0')
}

/// A moment in seconds. What has more digits than these is in another unit, and tells nothing, as zero does.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim_matches(['"', ' ', '\n']);
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 10;
    text.parse()
        .ok()
        .filter(|seconds| is_number && *seconds != 0)
}

fn is_shallow(text: &str) -> bool {
    let (mut depth, mut in_string, mut after_backslash) = (0_usize, false, false);
    text.bytes().all(|byte| {
        match byte {
            b'"' if !after_backslash => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        after_backslash = byte == b'\\' && !after_backslash;
        depth <= DEEPEST
    })
}

/// A text or a number, the latter digit by digit. Nothing else is a word.
fn word(value: &RawValue) -> Option<String> {
    let text = value.get();
    match text.bytes().next()? {
        b'"' => serde_json::from_str::<Cow<'_, str>>(text)
            .ok()
            .map(Cow::into_owned),
        b'0'..=b'9' => Some(text.into()),
        _ => None,
    }
}

fn of_xml(text: &str) -> Option<Fields> {
    let names = ["action", "Encrypt", "FromUserName", "MsgId", "CreateTime"];
    let [action, encrypt, from_user_name, msg_id, create_time] = xml::texts(text, names)?;
    Some(Fields {
        action,
        encrypt,
        from_user_name,
        msg_id: msg_id.filter(is_id),
        create_time: create_time.as_deref().and_then(seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    #[test]
    fn the_same_is_read_of_both_formats() {
        let expected = Fields {
            from_user_name: Some("oUser".into()),
            msg_id: Some("18446744073709551615".into()),
            ..Fields::default()
        };
        for (body, format) in [
            (
                r#" {"FromUserName":"oUser","MsgId":18446744073709551615,"Content":"a"}"#,
                Format::Json,
            ),
            (
                r#"{"FromUserName":"oUser","MsgId":"18446744073709551615","Content":{"x":[1]}}"#,
                Format::Json,
            ),
            (
                "{\"FromUserName\":\"oUser\",\"MsgId\":18446744073709551615,\"MsgID\":1,\"Content\":\"a\u{14}\"}",
                Format::Json,
            ),
            (
                "<xml><FromUserName><![CDATA[oUser]]></FromUserName><MsgId>18446744073709551615</MsgId></xml>",
                Format::Xml,
            ),
        ] {
            let (read_format, fields) = read(body.as_bytes()).unwrap();
            assert_eq!((read_format, &fields), (format, &expected), "{body}");
        }
    }

    #[test]
    fn what_can_be_read_in_no_way_or_in_two_is_refused() {
        for body in [
            "",
            "  ",
            "success",
            "[1]",
            "\"a\"",
            r#"{"Encrypt":"a""#,
            r#"{"Encrypt":"a"}x"#,
            r#"{"Encrypt":"a","Encrypt":"b"}"#,
            "<xml><Encrypt>a</Encrypt>",
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn what_goes_deep_is_refused_and_brackets_in_texts_are_none() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            alloc::format!(r#"{{"a":{open}{close},"b":"\"[[[["}}"#)
        };
        assert!(read(nested(DEEPEST - 1).as_bytes()).is_some());
        assert!(read(nested(DEEPEST).as_bytes()).is_none());
        let text = alloc::format!(r#"{{"a":"{}\\"}}"#, "[".repeat(99));
        assert!(read(text.as_bytes()).is_some());
    }

    #[test]
    fn what_is_no_word_is_none() {
        for body in [
            r#"{"FromUserName":null,"MsgId":{"a":1},"Encrypt":-1}"#,
            r#"{"MsgId":0,"CreateTime":0}"#,
            r#"{"CreateTime":"00"}"#,
            "<xml><MsgId></MsgId><CreateTime>0</CreateTime></xml>",
        ] {
            let (_, fields) = read(body.as_bytes()).unwrap();
            assert_eq!(fields, Fields::default(), "{body}");
        }
    }
}
