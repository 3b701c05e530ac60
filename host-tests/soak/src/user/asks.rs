//! What a user asks for, with all that is random about it.

use std::time::Duration;

use testkit::fakes::wechat::{KeyAge, OpenData, Source};

use super::User;
use super::mind::Mind;
use super::requests;
use crate::ask::{Ask, Refusal, Route, Token};
use crate::client::{Pace, Request};
use crate::rules::REMEMBER;

/// A user has so many sessions at most that nothing was meant to end.
const SESSIONS: usize = 4;
/// The longest before each piece of what a slow client sends.
const SLOW: Duration = Duration::from_millis(500);

impl User<'_> {
    pub(super) fn login(&mut self) -> (Ask, Request) {
        let full = self.sessions.len() >= SESSIONS;
        let old = self.any_session();
        let old = old.filter(|_| full || self.dice.percent(40));
        let code = self.phone.login();
        let request = self.paced(requests::login(&code, old.as_ref()));
        (Ask::Login { old }, request)
    }

    pub(super) fn login_again(&mut self) -> Option<(Ask, Request)> {
        let (code, token, at) = self.newest.clone()?;
        if at.elapsed() > REMEMBER / 2 || !self.sessions.contains(&token) {
            return None;
        }
        let request = requests::login(&code, None);
        Some((Ask::Again { first: token }, request))
    }

    pub(super) fn call(&mut self, route: Route, token: Option<Token>) -> (Ask, Request) {
        let body = match route {
            Route::Upload => self.random_body(),
            Route::Profile => self.profile_body(),
            _ => Vec::new(),
        };
        let request = self.paced(requests::call(route, &body));
        (Ask::App { route, token, body }, request)
    }

    pub(super) fn look_at_old(&mut self) -> Option<(Ask, Request)> {
        let count = self.over.len();
        if count == 0 {
            return None;
        }
        let token = self.over[self.dice.below(count)].clone();
        let looks = [
            Mind::Call(Route::Orders),
            Mind::Call(Route::Feed),
            Mind::Session,
        ];
        Some(match self.dice.among(&looks) {
            Mind::Call(route) => self.call(*route, Some(token)),
            _ => (
                Ask::Session { token },
                requests::plain("GET", "/wx/session"),
            ),
        })
    }

    pub(super) fn decrypt(&mut self, token: Token, good: bool) -> (Ask, Request) {
        let data = self.open_data(good);
        let request = self.paced(requests::decrypt(&data));
        (Ask::Decrypt { token, good }, request)
    }

    pub(super) fn logout(&mut self, token: Token, everywhere: bool) -> (Ask, Request) {
        let request = requests::logout(everywhere);
        (Ask::Logout { token, everywhere }, request)
    }

    pub(super) fn refused(&mut self, session: Option<Token>) -> Vec<(Ask, Request)> {
        let why = *self.dice.among(&Refusal::ALL);
        let token = session.filter(|_| matches!(why, Refusal::OwnName));
        if why == Refusal::OwnName && token.is_none() {
            return Vec::new();
        }
        let request = requests::refused(why, &mut self.dice);
        vec![(Ask::Refused { why, token }, request)]
    }

    /// Under the newest key that WeChat has given out for this user, or with a wrong end.
    fn open_data(&mut self, good: bool) -> OpenData {
        let data = self.phone.open_data(Source::UserInfo).key(KeyAge::Current);
        if good {
            data.build()
        } else {
            data.bad_padding().build()
        }
    }

    fn profile_body(&mut self) -> Vec<u8> {
        let mut body = self.open_data(true).to_json();
        body["order"] = self.dice.draw().into();
        body.to_string().into_bytes()
    }

    fn random_body(&mut self) -> Vec<u8> {
        let size = *self.dice.among(&[1, 900, 16_384, 40_000, 150_000]);
        let first = self.dice.draw().to_be_bytes();
        first.into_iter().cycle().take(size).collect()
    }

    /// Some are slow, and some leave.
    fn paced(&mut self, request: Request) -> Request {
        let pace = match self.dice.below(100) {
            0..3 => Pace::Leaves,
            3..10 if !request.body.is_empty() => {
                let pause = self.dice.between(SLOW / 5, SLOW);
                Pace::InPieces(2 + self.dice.below(4), pause)
            }
            _ => Pace::AtOnce,
        };
        Request { pace, ..request }
    }
}
