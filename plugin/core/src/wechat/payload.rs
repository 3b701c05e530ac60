//! What WeChat puts into `encryptedData`: the shapes of its payloads, and what is none of them.
//!
//! CBC has no MAC. Who knows a plaintext, and everybody knows their own, can cut blocks off the front and choose the
//! iv so that the first block left says whatever they like; what follows must be theirs already, such as a nickname. So
//! a user's own data becomes clean JSON that begins with `{"phoneNumber":"` in one try. It then ends as the data did
//! from which it was cut: what says two things, or one with the wrong neighbours, is forged.
//! <https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html>

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::json_text::{self, Member, escape_control_characters};
use crate::spelling::{same_name, says};

/// What a payload is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `wx.getUserInfo` and `wx.getUserProfile`, with nothing else in it.
    UserInfo,
    /// `getPhoneNumber`, whole.
    PhoneNumber,
    /// Steps, groups, and what is not known here. Never a part of a profile.
    Other,
}

/// What the edge reads of a payload.
pub(super) struct Payload {
    pub(super) shape: Shape,
    pub(super) watermark: Watermark,
    /// Whose it is, where it says so.
    pub(super) openid: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Watermark {
    pub(super) appid: String,
    pub(super) timestamp: u64,
}

/// The sources that have fields of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    UserInfo,
    PhoneNumber,
    Steps,
    Group,
    /// All of them.
    Any,
}

/// Every field that WeChat writes, and whose it is.
#[rustfmt::skip]
const FIELDS: [(&str, Source); 19] = [
    ("watermark",          Source::Any),
    ("openId",             Source::UserInfo),
    ("nickName",           Source::UserInfo),
    ("gender",             Source::UserInfo),
    ("language",           Source::UserInfo),
    ("city",               Source::UserInfo),
    ("province",           Source::UserInfo),
    ("country",            Source::UserInfo),
    ("avatarUrl",          Source::UserInfo),
    ("unionId",            Source::UserInfo),
    ("is_demote",          Source::UserInfo),
    ("phoneNumber",        Source::PhoneNumber),
    ("purePhoneNumber",    Source::PhoneNumber),
    ("countryCode",        Source::PhoneNumber),
    ("stepInfoList",       Source::Steps),
    ("openGId",            Source::Group),
    ("opengid",            Source::Group),
    ("open_single_roomid", Source::Group),
    ("group_openid",       Source::Group),
];

/// Beside a group; a word that others may use as well.
const CHAT_TYPE: &str = "chat_type";

/// Reads a payload. `None` if it is not one that WeChat makes: no JSON object, no watermark, a field twice, fields of
/// two sources, a phone number that is not whole, the rest of a profile without its beginning.
pub(super) fn read(json: &str) -> Option<Payload> {
    let members = json_text::members(json);
    let fields = Fields::of(&members)?;
    let shape = fields.shape()?;
    let openid = match fields.get("openId") {
        Some(member) if member.value != "null" => Some(member.text()?.into()),
        _ => None,
    };
    let watermark = serde_json::from_str(fields.get("watermark")?.value).ok()?;
    Some(Payload {
        shape,
        watermark,
        openid,
    })
}

/// `raw_data`, which has no watermark, as clean JSON, if it holds user info and nothing else.
pub(crate) fn user_info(raw_data: &str) -> Option<Zeroizing<String>> {
    let json = Zeroizing::new(escape_control_characters(raw_data));
    let shape = Fields::of(&json_text::members(&json))?.shape();
    (shape == Some(Shape::UserInfo)).then_some(json)
}

/// The members of a payload with what their keys say, none of them twice.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a Member<'a>)>);

impl<'a> Fields<'a> {
    fn of(members: &'a [Member<'a>]) -> Option<Self> {
        let mut fields = Self(Vec::with_capacity(members.len()));
        for member in members {
            let key = member.key()?;
            if fields.get(&key).is_some() {
                return None;
            }
            fields.0.push((key, member));
        }
        Some(fields)
    }

    fn get(&self, name: &str) -> Option<&'a Member<'a>> {
        let own = self.0.iter().find(|(key, _)| key == name);
        own.map(|(_, member)| *member)
    }

    fn shape(&self) -> Option<Shape> {
        let mut source = Source::Any;
        let mut all_known = true;
        for (key, member) in &self.0 {
            match source_of(key, member)? {
                Some(Source::Any) => {}
                Some(own) if source == Source::Any || source == own => source = own,
                Some(_) => return None,
                None => all_known &= key == CHAT_TYPE,
            }
        }
        if let Some(mark) = self.get("watermark") {
            let own = |key: &str| ["appid", "timestamp"].contains(&key);
            all_known &= json_text::keys(mark.value)
                .all(|key| json_text::unescaped(key).is_some_and(|key| own(&key)));
        }
        match source {
            Source::UserInfo => self.user_info(all_known),
            Source::PhoneNumber => self.phone_number(all_known),
            Source::Steps | Source::Group | Source::Any => Some(Shape::Other),
        }
    }

    fn user_info(&self, all_known: bool) -> Option<Shape> {
        let goes_on = [
            "gender",
            "language",
            "city",
            "province",
            "country",
            "avatarUrl",
            "is_demote",
        ];
        let begins = self.get("nickName").is_some();
        if !begins && goes_on.iter().any(|name| self.get(name).is_some()) {
            return None;
        }
        let is_whole = all_known
            && self
                .0
                .iter()
                .all(|(key, member)| is_well_typed(key, member));
        Some(if is_whole {
            Shape::UserInfo
        } else {
            Shape::Other
        })
    }

    fn phone_number(&self, all_known: bool) -> Option<Shape> {
        let digits = |name, most| digits(self.get(name)?, most);
        let [whole, pure] = [digits("phoneNumber", 20)?, digits("purePhoneNumber", 20)?];
        let code = digits("countryCode", 6)?;
        let abroad = alloc::format!("{code}{pure}");
        let is_whole = !code.is_empty() && !pure.is_empty() && [&pure, &abroad].contains(&&whole);
        (all_known && is_whole).then_some(Shape::PhoneNumber)
    }
}

/// Whose field it is. `Some(None)` if it is not known; `None` if it is a known one in another spelling, which a lenient
/// reader would take for it, or hides the name of a phone number.
#[allow(
    clippy::option_option,
    reason = "refused, unknown and known are three things"
)]
fn source_of(key: &str, member: &Member<'_>) -> Option<Option<Source>> {
    if let Some((_, source)) = FIELDS.iter().find(|(name, _)| *name == key) {
        return Some(Some(*source));
    }
    let phone = || {
        let fields = FIELDS
            .iter()
            .filter(|(_, source)| *source == Source::PhoneNumber);
        fields.map(|(name, _)| *name)
    };
    let hidden = |key: &str| phone().any(|name| says(key, name));
    let inside = json_text::keys(member.value)
        .any(|key| json_text::unescaped(key).is_none_or(|key| hidden(&key)));
    let disguised = FIELDS.iter().any(|(name, _)| same_name(name, key));
    (!disguised && !hidden(key) && !inside).then_some(None)
}

/// Texts, and a number or two; none of it says more than it is.
fn is_well_typed(key: &str, member: &Member<'_>) -> bool {
    let value = member.value;
    let is_number = || !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_text = || member.text().is_some();
    value == "null"
        || match key {
            "watermark" => true,
            "gender" => is_number() || is_text(),
            "is_demote" => ["true", "false"].contains(&value),
            _ => is_text(),
        }
}

/// The digits of a number as text or of a number; `None` if there is something else in it.
fn digits(member: &Member<'_>, most: usize) -> Option<String> {
    let text = match member.text() {
        Some(text) => text,
        None => member.value.into(),
    };
    let is_right = text.len() <= most
        && text
            .strip_prefix('+')
            .unwrap_or(&text)
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"- ".contains(&byte));
    is_right.then(|| text.chars().filter(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::format;

    const MARK: &str = r#""watermark":{"timestamp":1,"appid":"wx1"}"#;

    fn shape_of(fields: &str) -> Option<Shape> {
        read(&format!("{{{fields},{MARK}}}")).map(|payload| payload.shape)
    }

    const INFO: &str = r#""openId":"o","nickName":"n","gender":1,"language":"zh_CN","city":"c","province":"p","country":"C","avatarUrl":"u""#;
    const PHONE: &str =
        r#""phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86""#;

    #[test]
    fn every_shape_that_wechat_writes_is_known() {
        for (fields, shape) in [
            (INFO, Shape::UserInfo),
            (&format!(r#"{INFO},"unionId":"u""#), Shape::UserInfo),
            (
                &INFO.replace(r#""openId":"o","#, r#""is_demote":true,"#),
                Shape::UserInfo,
            ),
            (r#""nickName":"","gender":0,"city":null"#, Shape::UserInfo),
            (PHONE, Shape::PhoneNumber),
            (
                r#""phoneNumber":"+85255556666","purePhoneNumber":"55556666","countryCode":852"#,
                Shape::PhoneNumber,
            ),
            (
                r#""stepInfoList":[{"timestamp":1,"step":100}]"#,
                Shape::Other,
            ),
            (r#""openGId":"g""#, Shape::Other),
            (
                r#""opengid":"g","open_single_roomid":"r","group_openid":"o","chat_type":1"#,
                Shape::Other,
            ),
            (r#""something":{"new":[1]}"#, Shape::Other),
            (&format!(r#"{INFO},"new":1"#), Shape::Other),
            (&INFO.replace(r#""n""#, "{}"), Shape::Other),
        ] {
            assert_eq!(shape_of(fields), Some(shape), "{fields}");
        }
    }

    #[test]
    fn what_is_put_together_from_two_or_cut_out_of_one_is_none() {
        let rest = INFO.split_once(r#","gender""#).unwrap().1;
        for fields in [
            &format!("{INFO},{PHONE}"),
            &format!(r#""phoneNumber":"138","gender"{rest}"#),
            // As above, for an app that ignores case, and for one that splits names.
            &format!(r#""phonenumber":"138","gender"{rest}"#),
            &format!(r#""phone_number":"138","gender"{rest}"#),
            &format!(r#""x.phoneNumber":"138","nickName":"n","gender"{rest}"#),
            &format!(r#""mobile":"138","gender"{rest}"#),
            &format!(r#""openGId":"g","gender"{rest}"#),
            &format!(r#""stepInfoList":[],{INFO}"#),
            &PHONE.replace("countryCode", "countrycode"),
            &PHONE.replace(r#","countryCode":"86""#, ""),
            &PHONE.replace(r#""13580006666","pure"#, r#""1380","pure"#),
            &PHONE.replace(r#""13580006666","pure"#, r#"["13580006666"],"pure"#),
            &PHONE.replace("86", ""),
            &PHONE.replace("13580006666", ""),
            &PHONE.replace("13580006666", "-"),
            &PHONE.replace(r#""phoneNumber":"1358"#, r#""phoneNumber":"991358"#),
            &format!(r#"{PHONE},"new":1"#),
            &format!(r#"{PHONE},"phoneNumber":"13580006666""#),
            &format!(r#"{INFO},"nickName":"m""#),
            &format!(r#"{INFO},"nick\u004eame":"m""#),
            &format!(r#"{INFO},"NickName":"m""#),
            r#""new":{"deep":[{"phoneNumber":"1"}]}"#,
            r#""new":1,"new":2"#,
            r#""openId":1"#,
        ] {
            assert_eq!(shape_of(fields), None, "{fields}");
        }
        for text in [
            "[]",
            "{}",
            r#"{"watermark":1}"#,
            &format!("{{{MARK},{MARK}}}"),
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn raw_data_is_user_info_or_nothing() {
        assert!(user_info(&format!("{{{INFO}}}")).is_some());
        // As WeChat writes nicknames.
        let raw = INFO.replace(r#""n""#, "\"n\u{14}\"");
        let json = user_info(&format!("{{{raw}}}")).unwrap();
        assert!(json_text::check(&json).is_ok(), "{raw}");
        for other in [
            format!("{{{PHONE}}}"),
            "{}".into(),
            "[]".into(),
            format!(r#"{{{INFO},"a":1}}"#),
        ] {
            assert!(user_info(&other).is_none(), "{other}");
        }
    }
}
