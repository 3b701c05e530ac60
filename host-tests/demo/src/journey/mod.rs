//! One phone's journey through an edge, or through two that share a Redis: the steps in order, and what each must
//! bring about.
//! Never knows how an edge was started, so that any host can be put to the same journey.

mod backend;
mod calls;
mod open_data;
mod sessions;
mod story;
mod two_edges;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, PushAccount};

pub(super) use calls::Call;
pub use calls::Exchange;
use story::Story;
pub use story::{Check, Event, Scene};

/// Where clients reach the plugin, whatever runs it.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Which of two it is; empty if there is one.
    pub name: &'static str,
    /// Plain HTTP/1.1.
    pub base: SocketAddr,
}

/// What a backend uses of an edge.
#[derive(Debug)]
pub struct Backend {
    /// Where WeChat's API is to be had without a token.
    pub api: SocketAddr,
    /// Message push, as it is set at WeChat and at the edge.
    pub push: PushAccount,
}

/// Two edges that share a Redis, as far as the journey acts on them.
pub trait Servers {
    /// A and B. Where they are does not change.
    fn edges(&self) -> [Edge; 2];

    /// Ends the process of A and starts another. Says what was done.
    ///
    /// # Errors
    /// When it does not start.
    fn restart_a(&mut self) -> Result<String>;

    /// Ends Redis, so that nothing listens on its port. Says what was done.
    ///
    /// # Errors
    /// When it cannot be ended.
    fn stop_redis(&mut self) -> Result<String>;

    /// Starts it again, with what it held, and waits until the edges reach it. Says what was done.
    ///
    /// # Errors
    /// When it does not start.
    fn start_redis(&mut self) -> Result<String>;

    /// Everything that Redis holds, in the order of the names.
    ///
    /// # Errors
    /// When it does not answer.
    fn entries(&self) -> Result<Vec<Entry>>;
}

/// An entry in Redis.
#[derive(Clone, Debug)]
pub struct Entry {
    /// With the prefix.
    pub name: String,
    /// None: it stays for ever.
    pub expires_in: Option<Duration>,
    /// As GET gives it.
    pub value: String,
}

/// The `session.cache_ttl_s` that the edges of the journey through two must have, for its reader waits that long.
pub const CACHE_TTL_S: u64 = 1;

/// The phone's owner, and who logs in on it later.
pub const USERS: [&str; 2] = ["ming", "hong"];

/// One step: what happens, in words for a reader who has not seen the code, and the requests that make it happen.
struct Step {
    title: &'static str,
    play: fn(&mut Story<'_>) -> Result<()>,
}

/// The journey. A step may build on those before it: the phone keeps its token from one to the next.
#[rustfmt::skip]
const STEPS: &[Step] = &[
    Step { title: "Log in with the code of wx.login",                    play: sessions::first_login },
    Step { title: "Call the app with the token",                         play: sessions::call_with_token },
    Step { title: "The same call without a token stops at the edge",     play: sessions::call_without_token },
    Step { title: "A forged identity does not reach the app",            play: sessions::forged_identity },
    Step { title: "A public route needs no token",                       play: sessions::public_route },
    Step { title: "Verify the signature of rawData",                     play: open_data::verify },
    Step { title: "Decrypt the user's data",                             play: open_data::decrypt },
    Step { title: "Data made just before the next wx.login still opens", play: open_data::decrypt_after_relogin },
    Step { title: "Register: the profile is stored, once",               play: open_data::register },
    Step { title: "Ask who I am",                                        play: open_data::user },
    Step { title: "Log in again on this phone, with the old token",      play: sessions::relogin },
    Step { title: "The same code again (a second tap): the same login",  play: sessions::same_code_again },
    Step { title: "The old token is worth nothing any more",             play: sessions::old_token },
    Step { title: "A wrong code: the answer says what to do",            play: sessions::wrong_code },
    Step { title: "Get the phone number for a code of the button",       play: backend::phone_number },
    Step { title: "Another account logs in on this phone",               play: sessions::another_account },
    Step { title: "WeChat is busy twice: the login takes longer",        play: sessions::wechat_busy },
    Step { title: "Log out",                                             play: sessions::logout },
    Step { title: "After that the token is refused",                     play: sessions::after_logout },
];

/// What follows where the journey goes behind the edge.
#[rustfmt::skip]
const BEHIND: &[Step] = &[
    Step { title: "The backend calls WeChat's API, without a token",     play: backend::api },
    Step { title: "WeChat sends a message: the app gets it open, once",  play: backend::push },
];

/// The journey through two edges.
#[rustfmt::skip]
const TWO_EDGES: &[Step] = &[
    Step { title: "Log in at A with the code of wx.login",                        play: two_edges::login_at_a },
    Step { title: "Use the token at B",                                           play: two_edges::use_at_b },
    Step { title: "Decrypt at B, with the session_key of the login at A",         play: open_data::decrypt },
    Step { title: "What Redis holds: sealed entries, each with an expiry",        play: two_edges::what_redis_holds },
    Step { title: "Log out at B, while A has the session in its cache",           play: two_edges::logout_at_b },
    Step { title: "B refuses the token at once",                                  play: sessions::after_logout },
    Step { title: "A refuses it too, when session.cache_ttl_s is over",           play: two_edges::refused_at_a },
    Step { title: "Log in again at A",                                            play: two_edges::login_again_at_a },
    Step { title: "Restart A: still logged in",                                   play: two_edges::restart_a },
    Step { title: "Redis stops: 503, not 401, and no code of wx.login is spent",  play: two_edges::redis_stops },
    Step { title: "Redis is back: the same token and the same code are good",     play: two_edges::redis_is_back },
];

/// Plays every step in order, also after one that was not as expected, and shows each when it is over.
///
/// `edge` must ask `wechat` for its first app, forward to `app`, require a session except under `/public`, and run
/// one worker: others may accept an ended session for the seconds of `cache_ttl_s`.
pub fn play(
    edge: Edge,
    wechat: &FakeWechat,
    app: &FakeApp,
    show: impl FnMut(&Scene),
) -> Vec<Scene> {
    play_steps(STEPS, Story::new(edge, wechat, app), show)
}

/// The same, and what a backend does behind the edge.
pub fn play_behind(
    edge: Edge,
    backend: &Backend,
    wechat: &FakeWechat,
    app: &FakeApp,
    show: impl FnMut(&Scene),
) -> Vec<Scene> {
    let story = Story::new(edge, wechat, app).with_backend(backend);
    play_steps(STEPS.iter().chain(BEHIND), story, show)
}

/// The same with the journey through two edges, which must be as for [`play`], and have [`CACHE_TTL_S`].
pub fn play_two_edges(
    servers: &mut dyn Servers,
    wechat: &FakeWechat,
    app: &FakeApp,
    show: impl FnMut(&Scene),
) -> Vec<Scene> {
    let story = Story::with_servers(servers, wechat, app);
    play_steps(TWO_EDGES, story, show)
}

fn play_steps<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
    mut story: Story<'_>,
    mut show: impl FnMut(&Scene),
) -> Vec<Scene> {
    (1..)
        .zip(steps)
        .map(|(number, step)| {
            let outcome = (step.play)(&mut story);
            let scene = story.end_scene(number, step.title, outcome);
            show(&scene);
            scene
        })
        .collect()
}
