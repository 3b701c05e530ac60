//! The plugin's configuration as Envoy hands it over, as JSON text. Never judges what the document says.
//!
//! A `google.protobuf.StringValue` arrives as its text. A `google.protobuf.Struct` (YAML in Envoy's file) arrives in
//! protobuf's wire format, not as JSON: seen on Envoy 1.40.

use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value};

/// The document as JSON text. A Struct may look like JSON at first: it begins with a newline, and its first entry with a
/// brace if that has 123 bytes. What is neither is given as it came where it looks like JSON, so that whoever parses it
/// says what is wrong and where.
pub(crate) fn document(bytes: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.trim_start().starts_with('{'));
    if let Some(text) = text
        && serde_json::from_str::<serde_json::Value>(text).is_ok()
    {
        return Ok(text.to_owned());
    }
    match (Struct::decode(bytes), text) {
        (Ok(message), _) => Ok(object(message).to_string()),
        (Err(_), Some(text)) => Ok(text.to_owned()),
        (Err(_), None) => Err("is neither JSON nor a Struct"),
    }
}

fn object(message: Struct) -> serde_json::Value {
    let fields = message.fields.into_iter();
    serde_json::Value::Object(fields.map(|(name, value)| (name, json(value))).collect())
}

fn json(value: Value) -> serde_json::Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::NumberValue(number)) => whole(number).map_or_else(|| number.into(), Into::into),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::StructValue(message)) => object(message),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json).collect(),
    }
}

/// A Struct knows only doubles: whole numbers become what was written again.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the range is checked: a whole double below 2^53 is an i64"
)]
fn whole(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    is_whole.then_some(number as i64)
}
