//! One WeChat user on one phone, in one mini program: what `wx.login`, `wx.getUserInfo` and the like give it.
//! It never speaks to the gateway: tests carry its words there.

use super::world::Member;
use super::{FakeWechat, OpenData, OpenDataBuilder, Source};

/// A phone. Two phones of one user share the user's openid and keys.
#[derive(Debug, Clone)]
pub struct Phone {
    wechat: FakeWechat,
    member: Member,
}

/// Under which of the user's session_keys data is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAge {
    /// The key that the newest [`Phone::login`] will put in force, if its code is still to be exchanged; else as `Current`.
    Next,
    /// The newest key that was given out; before the first, as `Next`.
    Current,
    /// The one before.
    Previous,
    /// So many before the current one: `Older(1)` is `Previous`.
    Older(usize),
}

impl Phone {
    pub(super) fn new(wechat: FakeWechat, appid: &str, user: &str) -> Self {
        Self {
            wechat,
            member: (appid.to_owned(), user.to_owned()),
        }
    }

    /// Another user takes the phone.
    pub fn switch_user(&mut self, user: &str) {
        self.member.1 = user.to_owned();
    }

    /// The app's id.
    #[must_use]
    pub fn appid(&self) -> String {
        self.member.0.clone()
    }

    /// The user's openid in this app: 28 characters.
    #[must_use]
    pub fn openid(&self) -> String {
        self.wechat.world().openid(&self.member)
    }

    /// The user's unionid, if bound.
    #[must_use]
    pub fn unionid(&self) -> Option<String> {
        self.wechat.world().unionid(&self.member.1)
    }

    /// wx.login: a fresh js_code, good for one exchange within 300 s. The user's key changes when it is exchanged.
    #[must_use]
    pub fn login(&self) -> String {
        self.wechat.world().make_code(&self.member)
    }

    /// wx.getUserInfo, under the current key.
    #[must_use]
    pub fn user_info(&self) -> OpenData {
        self.open_data(Source::UserInfo).build()
    }

    /// wx.getUserInfo, under a key of another age.
    #[must_use]
    pub fn user_info_under(&self, age: KeyAge) -> OpenData {
        self.open_data(Source::UserInfo).key(age).build()
    }

    /// getPhoneNumber in its encryptedData form.
    #[must_use]
    pub fn phone_number(&self) -> OpenData {
        self.open_data(Source::PhoneNumber).build()
    }

    /// `e.detail.code` of the button: 64 hexadecimal digits, good for one exchange within 300 s.
    #[must_use]
    pub fn phone_code(&self) -> String {
        self.wechat.world().make_phone_code(&self.member)
    }

    /// wx.getShareInfo.
    #[must_use]
    pub fn share_info(&self) -> OpenData {
        self.open_data(Source::ShareInfo).build()
    }

    /// Open data with something particular about it.
    #[must_use]
    pub fn open_data(&self, source: Source) -> OpenDataBuilder {
        OpenDataBuilder::new(self.clone(), source)
    }

    /// Every session_key given out for this user, oldest first: for tests that look for leaks.
    #[must_use]
    pub fn session_keys(&self) -> Vec<String> {
        self.wechat.world().keys(&self.member).to_vec()
    }

    pub(super) fn openid_of(&self, user: &str) -> String {
        self.wechat.world().openid(&(self.appid(), user.to_owned()))
    }

    pub(super) fn now(&self) -> u64 {
        self.wechat.now()
    }

    pub(super) fn draw(&self) -> [u8; 20] {
        self.wechat.world().draw()
    }

    /// # Panics
    /// If the user never had such a key.
    pub(super) fn key(&self, age: KeyAge) -> String {
        let world = self.wechat.world();
        let (given, next) = (world.keys(&self.member), world.next_key(&self.member));
        let back = |n: usize| given.iter().rev().nth(n);
        let key = match age {
            KeyAge::Next => next.or(back(0)),
            KeyAge::Current => back(0).or(next),
            KeyAge::Previous => back(1),
            KeyAge::Older(n) => back(n),
        };
        let user = &self.member.1;
        key.unwrap_or_else(|| {
            panic!(
                "{user} has no key of age {age:?}: {} were given out",
                given.len()
            )
        })
        .clone()
    }
}
