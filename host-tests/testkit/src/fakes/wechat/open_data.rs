//! Open data as a phone gets it: `rawData`, `signature`, `encryptedData`, `iv`, right or wrong in one chosen way.
//! It never checks anything: a builder told to be wrong is wrong.

use super::{KeyAge, Phone, seal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What a phone hands to its server. `raw_data` and `signature` are empty where WeChat gives none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenData {
    /// Compact JSON, exactly as signed.
    pub raw_data: String,
    /// 40 hex digits.
    pub signature: String,
    /// Base64.
    pub encrypted_data: String,
    /// Base64 of 16 bytes.
    pub iv: String,
}

impl OpenData {
    /// The fields under the names that mini programs send, without the empty ones.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = json!({ "encryptedData": self.encrypted_data, "iv": self.iv });
        if !self.raw_data.is_empty() {
            fields["rawData"] = self.raw_data.clone().into();
            fields["signature"] = self.signature.clone().into();
        }
        fields
    }
}

/// Which call made the data; WeChat's documentation has a page on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// wx.getUserInfo: with openId, and unionId if bound.
    UserInfo,
    /// wx.getUserProfile: the same without both.
    UserProfile,
    /// getPhoneNumber: no raw data, no openId.
    PhoneNumber,
    /// wx.getShareInfo: no raw data, no openId.
    ShareInfo,
}

/// The user's nickname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nickname {
    /// With characters outside the basic plane.
    Emoji,
    /// With U+0014 and U+0008, raw inside the JSON string as WeChat sends them: not strict JSON.
    RawControls,
    /// This one; quotes and backslashes are escaped, nothing else.
    Text(String),
}

impl Nickname {
    /// The nickname itself.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Emoji => "小明🎉👨‍👩‍👧",
            Self::RawControls => "An\u{14}n\u{8}🎈",
            Self::Text(text) => text,
        }
    }
}

/// Open data under construction; without further words it is right, new, and under the current key.
#[derive(Debug, Clone)]
pub struct OpenDataBuilder {
    phone: Phone,
    source: Source,
    age: KeyAge,
    appid: String,
    open_id: String,
    seconds_old: u64,
    nickname: Nickname,
    plaintext: Option<Vec<u8>>,
    bad_padding: bool,
}

impl OpenDataBuilder {
    pub(super) fn new(phone: Phone, source: Source) -> Self {
        Self {
            source,
            age: KeyAge::Current,
            appid: phone.appid(),
            open_id: phone.openid(),
            seconds_old: 0,
            nickname: Nickname::Emoji,
            plaintext: None,
            bad_padding: false,
            phone,
        }
    }

    /// Under a key of this age.
    #[must_use]
    pub fn key(mut self, age: KeyAge) -> Self {
        self.age = age;
        self
    }

    /// With this app's id in the watermark.
    #[must_use]
    pub fn watermark_appid(mut self, appid: &str) -> Self {
        self.appid = appid.to_owned();
        self
    }

    /// With another user's openId in it (sealed under this user's key all the same).
    #[must_use]
    pub fn open_id_of(mut self, user: &str) -> Self {
        self.open_id = self.phone.openid_of(user);
        self
    }

    /// Made so many seconds ago, by its watermark.
    #[must_use]
    pub fn seconds_old(mut self, seconds: u64) -> Self {
        self.seconds_old = seconds;
        self
    }

    /// With this nickname.
    #[must_use]
    pub fn nickname(mut self, nickname: Nickname) -> Self {
        self.nickname = nickname;
        self
    }

    /// These bytes sealed instead of the user's data, rightly padded.
    #[must_use]
    pub fn plaintext(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.plaintext = Some(bytes.as_ref().to_vec());
        self
    }

    /// With a last byte of 0, which no right padding ends with.
    #[must_use]
    pub fn bad_padding(mut self) -> Self {
        self.bad_padding = true;
        self
    }

    /// The data.
    ///
    /// # Panics
    /// If the user never had a key of the chosen age.
    #[must_use]
    pub fn build(self) -> OpenData {
        let key = self.phone.key(self.age);
        let iv = STANDARD.encode(&self.phone.draw()[..16]);
        let mut blocks = seal::padded(
            &self
                .plaintext
                .clone()
                .unwrap_or_else(|| self.payload().into_bytes()),
        );
        if let Some(last) = blocks.last_mut().filter(|_| self.bad_padding) {
            *last = 0;
        }
        let encrypted_data =
            seal::encrypt_blocks(blocks, &key, &iv).expect("the fake's own keys are well formed");
        let raw_data = match self.source {
            Source::UserInfo | Source::UserProfile => format!("{{{}}}", self.profile()),
            Source::PhoneNumber | Source::ShareInfo => String::new(),
        };
        let signature = if raw_data.is_empty() {
            String::new()
        } else {
            seal::sign(&raw_data, &key)
        };
        OpenData {
            raw_data,
            signature,
            encrypted_data,
            iv,
        }
    }

    fn payload(&self) -> String {
        let body = match self.source {
            Source::UserInfo => {
                let unionid = self
                    .phone
                    .unionid()
                    .map(|id| format!(",\"unionId\":{}", quoted(&id)))
                    .unwrap_or_default();
                format!(
                    "\"openId\":{},{}{unionid}",
                    quoted(&self.open_id),
                    self.profile()
                )
            }
            Source::UserProfile => self.profile(),
            Source::PhoneNumber => {
                r#""phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86""#
                    .to_owned()
            }
            Source::ShareInfo => r#""openGId":"tGPKf4zxUKPTmKGCGFjGhkbUcdCo""#.to_owned(),
        };
        let timestamp = self.phone.now().saturating_sub(self.seconds_old);
        format!(
            "{{{body},\"watermark\":{{\"timestamp\":{timestamp},\"appid\":{}}}}}",
            quoted(&self.appid)
        )
    }

    fn profile(&self) -> String {
        let nickname = quoted(self.nickname.text());
        format!(
            "\"nickName\":{nickname},\"gender\":1,\"language\":\"zh_CN\",\"city\":\"Guangzhou\",\"province\":\"Guangdong\",\
             \"country\":\"CN\",\"avatarUrl\":\"https://wx.qlogo.cn/mmopen/vi_32/fake/132\""
        )
    }
}

/// A JSON string the way WeChat writes it here: control characters stay raw.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
