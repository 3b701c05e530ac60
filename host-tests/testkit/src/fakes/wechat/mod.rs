//! WeChat as a mini program's server meets it: `GET /sns/jscode2session`, with its strictness, oddities and faults.
//! It never speaks to the real one, and knows nothing of the plugin.

mod code2session;
mod fault;
mod open_data;
mod phone;
mod seal;
mod server;
mod world;

pub use fault::{Fault, Transport, WechatAnswer};
pub use open_data::{Nickname, OpenData, OpenDataBuilder, Source};
pub use phone::{KeyAge, Phone};
pub use seal::{decrypt, encrypt, sign};
pub use server::WechatServer;
pub use world::SeenRequest;

use crate::listener::locked;
use std::sync::{Arc, Mutex, MutexGuard};
use world::WechatState;

/// WeChat, with its users, codes and keys. Clones share everything.
#[derive(Debug, Clone)]
pub struct FakeWechat {
    world: Arc<Mutex<WechatState>>,
}

impl FakeWechat {
    /// A WeChat with one app. Users get openids of their own in each `FakeWechat`, so that tests can share a store.
    #[must_use]
    pub fn new(appid: &str, secret: &str) -> Self {
        Self::seeded(appid, secret, &world::fresh_seed())
    }

    /// As [`FakeWechat::new`], but every openid, code, key and iv follows from `seed`: the same calls give the same values.
    #[must_use]
    pub fn seeded(appid: &str, secret: &str, seed: &[u8]) -> Self {
        let wechat = Self {
            world: Arc::new(Mutex::new(WechatState::new(seed))),
        };
        wechat.add_app(appid, secret);
        wechat
    }

    /// Registers one more app, or gives an app a new secret.
    pub fn add_app(&self, appid: &str, secret: &str) {
        self.world().add_app(appid, secret);
    }

    /// Stops the clock at this time (Unix seconds); `None`: real time again.
    pub fn set_time(&self, unix_seconds: Option<u64>) {
        self.world().clock = unix_seconds;
    }

    /// WeChat's time, Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.world().now()
    }

    /// Whether the apps are bound to an Open Platform account: then answers and user data have a unionid. Off at first.
    pub fn bind(&self, bound: bool) {
        self.world().bound = bound;
    }

    /// The same for one user, before the general setting.
    pub fn bind_user(&self, user: &str, bound: bool) {
        self.world().bound_users.insert(user.to_owned(), bound);
    }

    /// Whether errors say `"errcode":"40029"` instead of `"errcode":40029`. Off at first.
    pub fn string_errcodes(&self, on: bool) {
        self.world().string_errcodes = on;
    }

    /// Whether successes carry `"errcode":0`. Off at first.
    pub fn zero_errcode(&self, on: bool) {
        self.world().zero_errcode = on;
    }

    /// Queues faults; each request takes the next one. An empty queue means no fault.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.world().script.extend(faults);
    }

    /// Drops the queued faults: from now on all is well.
    pub fn calm(&self) {
        self.world().script.clear();
    }

    /// How many queued faults no request has taken yet.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.world().script.len()
    }

    /// The phone of a user of the first app. The same name is the same user, with the same openid and keys.
    #[must_use]
    pub fn phone(&self, user: &str) -> Phone {
        let appid = self.world().first_appid();
        self.phone_in(&appid, user)
    }

    /// The phone of a user of some app.
    #[must_use]
    pub fn phone_in(&self, appid: &str, user: &str) -> Phone {
        Phone::new(self.clone(), appid, user)
    }

    /// Answers a request without a network, as the server would: takes the next fault, spends the code, records.
    #[must_use]
    pub fn answer(&self, method: &str, path_and_query: &str) -> WechatAnswer {
        self.answer_to(method, path_and_query, None, None)
    }

    /// As [`FakeWechat::answer`], with the authority (Host) and the TLS server name to record.
    #[must_use]
    pub fn answer_to(
        &self,
        method: &str,
        path_and_query: &str,
        host: Option<&str>,
        sni: Option<&str>,
    ) -> WechatAnswer {
        code2session::answer(&mut self.world(), method, path_and_query, host, sni)
    }

    /// Every request received, in order; not those that were refused.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.world().seen.clone()
    }

    /// How many requests carried this js_code.
    #[must_use]
    pub fn code_requests(&self, code: &str) -> usize {
        self.world()
            .seen
            .iter()
            .filter(|request| request.param("js_code") == Some(code))
            .count()
    }

    /// How many times [`Fault::Refused`] was played.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.world().refusals
    }

    /// Serves HTTPS on a free loopback port, with a certificate for `api.weixin.qq.com` from a new CA.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn serve(&self) -> WechatServer {
        WechatServer::https(self.clone())
    }

    /// Serves plain HTTP on a free loopback port.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn serve_plain(&self) -> WechatServer {
        WechatServer::plain(self.clone())
    }

    fn world(&self) -> MutexGuard<'_, WechatState> {
        locked(&self.world)
    }
}
