//! The profile that a user record keeps, and the user as clients see it.

use alloc::string::String;

use serde_json::{Map, Value};

use crate::fold::is_unseen;
use crate::json_text::to_json;
use crate::records::record::UserRecord;
use crate::wechat::payload::Shape;

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

/// What WeChat's anonymous profile has for a name, since 2022, in the languages of WeChat.
const NOBODY: [&str; 3] = ["微信用户", "微信用戶", "WeChat User"];
/// Its picture, whatever host and size the address has.
const NOBODYS_PICTURE: &str =
    "POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg";

/// What a payload made of a profile.
pub(crate) enum Merged {
    Profile(String),
    /// It says nothing about the user: WeChat's anonymous profile, or empty fields.
    Unchanged,
}

/// The fields of `payload` over those of `profile`. What means "not given" replaces nothing.
///
/// # Errors
/// Says why nothing can be kept: `payload` is no profile, or too large.
pub(crate) fn merge(profile: &str, payload: &str, shape: Shape) -> Result<Merged, &'static str> {
    let mut payload = object(payload).unwrap_or_default();
    let is_one = shape != Shape::Other && FIELDS.iter().any(|field| payload.contains_key(*field));
    if !is_one {
        return Err("holds no field of a profile");
    }
    let is_nobody = payload.get("is_demote") == Some(&Value::Bool(true))
        || payload
            .get("nickName")
            .and_then(Value::as_str)
            .is_some_and(|name| NOBODY.contains(&seen(name)));
    let mut merged = object(profile).unwrap_or_default();
    let mut found = false;
    for field in FIELDS {
        if let Some(value) = payload.remove(field).filter(|value| is_given(field, value))
            && !(is_nobody && OF_NOBODY.contains(&field))
        {
            merged.insert(field.into(), value);
            // Everybody has one, the anonymous profile too.
            found |= field != "language";
        }
    }
    if !found {
        return Ok(Merged::Unchanged);
    }
    let text = to_json(&merged);
    if text.len() > MAX_BYTES {
        return Err("the profile is too large");
    }
    Ok(Merged::Profile(text))
}

/// Fields that are nobody's in an anonymous profile, whatever they hold.
const OF_NOBODY: [&str; 2] = ["nickName", "avatarUrl"];

/// Whether the value of a field says something. Gender 0 is "unknown".
fn is_given(field: &str, value: &Value) -> bool {
    match value {
        Value::Number(number) => field != "gender" || number.as_u64() != Some(0),
        Value::String(text) => {
            let text = seen(text);
            !text.is_empty() && !text.contains(NOBODYS_PICTURE) && (field, text) != ("gender", "0")
        }
        _ => false,
    }
}

/// A text without blanks and invisible characters around it.
fn seen(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_unseen(c))
}

/// The user without ids and keys: `registered`, `createdAt` (seconds) and the profile's fields.
pub(crate) fn view(user: &UserRecord) -> Value {
    let mut view = object(&user.profile).unwrap_or_default();
    view.insert("registered".into(), user.registered.into());
    view.insert("createdAt".into(), user.created_at.seconds().into());
    Value::Object(view)
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;

    const REAL: &str = r#"{"nickName":"小明","avatarUrl":"https://wx.qlogo.cn/x/132","gender":1,"city":"Guangzhou"}"#;

    fn after(payload: &str) -> Option<Value> {
        match merge(REAL, payload, Shape::UserInfo).unwrap() {
            Merged::Profile(text) => object(&text).map(Value::Object),
            Merged::Unchanged => None,
        }
    }

    #[test]
    fn what_was_not_given_replaces_nothing() {
        let picture = alloc::format!(
            r#"{{"nickName":"微信用户","avatarUrl":"https://thirdwx.qlogo.cn/mmopen/vi_32/{NOBODYS_PICTURE}/132","gender":0,"language":"zh_CN","city":""}}"#
        );
        for nothing in [
            &*picture,
            r#"{"nickName":"微信用户","avatarUrl":"https://thirdwx.qlogo.cn/another/132"}"#,
            "{\"nickName\":\" 微信用戶\u{200b}\",\"avatarUrl\":\"x\"}",
            r#"{"nickName":"WeChat User","avatarUrl":"x","gender":0,"is_demote":true}"#,
            r#"{"nickName":"","avatarUrl":null,"gender":"0","province":"  ","country":""}"#,
        ] {
            assert_eq!(after(nothing), None, "{nothing}");
        }
        let some = after(r#"{"nickName":"","gender":2,"city":"","country":"CN"}"#).unwrap();
        assert_eq!(some["nickName"], "小明");
        assert_eq!(
            (&some["gender"], &some["city"]),
            (&2.into(), &"Guangzhou".into())
        );
        assert_eq!(some["country"], "CN");
    }

    #[test]
    fn what_is_no_profile_is_not_merged() {
        for (payload, shape) in [(REAL, Shape::Other), (r#"{"openId":"o"}"#, Shape::UserInfo)] {
            assert!(merge("{}", payload, shape).is_err(), "{payload}");
        }
    }
}
