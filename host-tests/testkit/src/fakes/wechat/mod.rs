//! WeChat as a mini program's server meets it: `GET /sns/jscode2session`, access tokens and some of what they are for,
//! with its strictness, oddities and faults.
//! It never speaks to the real one, and knows nothing of the plugin.

mod answer;
mod api;
mod code2session;
mod douyin;
mod fault;
mod kuaishou;
mod language;
mod open_data;
mod parameters;
mod phone;
mod phone_codes;
mod platform;
mod push;
mod push_seal;
mod seal;
mod server;
mod tokens;
mod world;

pub use fault::{Fault, Transport, WechatAnswer};
pub use open_data::{Nickname, OpenData, OpenDataBuilder, Source};
pub(crate) use parameters::parameters;
pub use phone::{KeyAge, Phone};
pub use platform::Platform;
pub use push::{Heard, Message, Mode, Push, PushAccount, PushFormat};
pub use seal::{decrypt, encrypt, sign};
pub use server::WechatServer;
pub use world::SeenRequest;

use crate::listener::{FREE_PORT, locked};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use world::WechatState;

/// WeChat, with its users, codes and keys. Clones share everything.
#[derive(Debug, Clone)]
pub struct FakeWechat {
    world: Arc<Mutex<WechatState>>,
    /// Other platforms, which the same server answers for by the name of the host.
    others: Arc<Mutex<Vec<FakeWechat>>>,
}

/// A request, as far as a platform looks at it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// As written.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The authority (Host).
    pub host: Option<&'a str>,
    /// The TLS server name.
    pub sni: Option<&'a str>,
    /// The content type.
    pub content_type: Option<&'a str>,
    /// The whole body.
    pub body: &'a [u8],
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
            others: Arc::default(),
        };
        wechat.add_app(appid, secret);
        wechat
    }

    /// Another platform beside it, with one app. What asks this one for that host, by whatever way, is answered by that.
    #[must_use]
    pub fn beside(&self, platform: Platform, appid: &str, secret: &str) -> Self {
        let seed = self.world().draw();
        let other = Self::seeded(appid, secret, &seed);
        {
            let mut world = other.world();
            world.platform = platform;
            world.clock = self.world().clock;
        }
        locked(&self.others).push(other.clone());
        other
    }

    /// Whose server it is.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.world().platform
    }

    /// Registers one more app, or gives an app a new secret.
    pub fn add_app(&self, appid: &str, secret: &str) {
        self.world().add_app(appid, secret);
    }

    /// Stops the clock at this time (Unix seconds); `None`: real time again.
    pub fn set_time(&self, unix_seconds: Option<u64>) {
        self.world().clock = unix_seconds;
        for other in locked(&self.others).iter() {
            other.set_time(unix_seconds);
        }
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
        self.answer_asked(&Asked {
            method,
            target: path_and_query,
            host,
            sni,
            ..Asked::default()
        })
    }

    /// The same of a whole request, which may be for another platform.
    #[must_use]
    pub fn answer_asked(&self, asked: &Asked<'_>) -> WechatAnswer {
        let other = {
            let others = locked(&self.others);
            let asked_for = |other: &&Self| asked.host == Some(other.platform().host());
            others.iter().find(asked_for).cloned()
        };
        let answering = other.as_ref().unwrap_or(self);
        answer::answer(&mut answering.world(), asked)
    }

    /// Every request received, in order; not those that were refused.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.world().seen.clone()
    }

    /// Forgets them: a long run would hold all.
    pub fn forget_requests(&self) {
        self.world().seen.clear();
        for other in locked(&self.others).iter() {
            other.forget_requests();
        }
    }

    /// How many requests asked for this path.
    #[must_use]
    pub fn requests_for(&self, path: &str) -> usize {
        let seen = &self.world().seen;
        seen.iter().filter(|request| request.path == path).count()
    }

    /// Has phone numbers say that they are of this app, whose ever they are.
    pub fn number_says_app(&self, appid: Option<&str>) {
        self.world().watermark_appid = appid.map(str::to_owned);
    }

    /// Every access token of an app is dead from now on (40001): somebody has asked for a new one by force.
    pub fn kill_tokens(&self, appid: &str) {
        self.world().kill_tokens(appid);
    }

    /// Every access token given out, oldest first: for tests that look for leaks.
    #[must_use]
    pub fn access_tokens(&self) -> Vec<String> {
        let tokens = &self.world().tokens;
        tokens.iter().map(|token| token.text.clone()).collect()
    }

    /// How many requests carried this js_code.
    #[must_use]
    pub fn code_requests(&self, code: &str) -> usize {
        self.world()
            .seen
            .iter()
            .filter(|request| request.code().as_deref() == Some(code))
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
        self.serve_at(FREE_PORT).expect("a free loopback port")
    }

    /// The same at this address.
    ///
    /// # Errors
    /// If nothing can listen there.
    pub fn serve_at(&self, addr: SocketAddr) -> io::Result<WechatServer> {
        WechatServer::https(self.clone(), addr)
    }

    /// Serves plain HTTP on a free loopback port.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn serve_plain(&self) -> WechatServer {
        self.serve_plain_at(FREE_PORT)
            .expect("a free loopback port")
    }

    /// The same at this address.
    ///
    /// # Errors
    /// If nothing can listen there.
    pub fn serve_plain_at(&self, addr: SocketAddr) -> io::Result<WechatServer> {
        WechatServer::plain(self.clone(), addr)
    }

    fn world(&self) -> MutexGuard<'_, WechatState> {
        locked(&self.world)
    }
}
