//! The profile that a user record keeps, and the user as clients see it.

use alloc::string::String;

use serde_json::{Map, Value};

use crate::session::record::UserRecord;

/// Fields of wx.getUserInfo, wx.getUserProfile and getPhoneNumber that are kept.
const FIELDS: [&str; 10] = [
    "nickName",
    "avatarUrl",
    "gender",
    "language",
    "country",
    "province",
    "city",
    "phoneNumber",
    "purePhoneNumber",
    "countryCode",
];

/// Largest profile, in bytes of JSON: real ones have 400.
const MAX_BYTES: usize = 1536;

/// The fields of `payload` over those of `profile`.
///
/// # Errors
/// Says why nothing can be kept: `payload` has none of the fields, or they are too large.
pub(super) fn merge(profile: &str, payload: &str) -> Result<String, &'static str> {
    let mut merged = object(profile).unwrap_or_default();
    let mut payload = object(payload).unwrap_or_default();
    let mut found = false;
    for field in FIELDS {
        if let Some(value @ (Value::String(_) | Value::Number(_))) = payload.remove(field) {
            merged.insert(field.into(), value);
            found = true;
        }
    }
    let text = crate::reply::to_json(&merged);
    match text.len() {
        _ if !found => Err("holds no field of a profile"),
        0..=MAX_BYTES => Ok(text),
        _ => Err("the profile is too large"),
    }
}

/// The user without ids and keys: `registered`, `createdAt` (seconds) and the profile's fields.
pub(super) fn view(user: &UserRecord) -> Value {
    let mut view = object(&user.profile).unwrap_or_default();
    view.insert("registered".into(), user.registered.into());
    view.insert("createdAt".into(), user.created_at.seconds().into());
    Value::Object(view)
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}
