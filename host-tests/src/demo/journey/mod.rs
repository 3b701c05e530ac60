//! One phone's journey through an edge: the steps in order, and what each must bring about.
//! Never knows how the edge was started, so that any host can be put to the same journey.

mod calls;
mod open_data;
mod sessions;
mod story;

use std::net::SocketAddr;

use anyhow::Result;

use crate::fakes::app::FakeApp;
use crate::fakes::wechat::FakeWechat;

pub(super) use calls::Call;
pub use calls::Exchange;
use story::Story;
pub use story::{Check, Scene};

/// Where clients reach the plugin, whatever runs it.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Plain HTTP/1.1.
    pub base: SocketAddr,
}

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
    Step { title: "Another account logs in on this phone",               play: sessions::another_account },
    Step { title: "WeChat is busy twice: the login takes longer",        play: sessions::wechat_busy },
    Step { title: "Log out",                                             play: sessions::logout },
    Step { title: "After that the token is refused",                     play: sessions::after_logout },
];

/// Plays every step in order, also after one that was not as expected, and shows each when it is over.
///
/// `edge` must ask `wechat` for its first app, forward to `app`, require a session except under `/public`, and run
/// one worker: others may accept an ended session for the seconds of `cache_ttl_s`.
pub fn play(
    edge: Edge,
    wechat: &FakeWechat,
    app: &FakeApp,
    mut show: impl FnMut(&Scene),
) -> Vec<Scene> {
    let mut story = Story::new(edge, wechat, app);
    (1..)
        .zip(STEPS)
        .map(|(number, step)| {
            let outcome = (step.play)(&mut story);
            let scene = story.end_scene(number, step.title, outcome);
            show(&scene);
            scene
        })
        .collect()
}
