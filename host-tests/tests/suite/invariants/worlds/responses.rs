//! What an app's answer means, what of it must not reach the client, and how everything must turn out in the end.

use super::errand::{Kind, Login, Place};
use super::open::Words;
use super::step::Draw;
use super::world::World;
use crate::rig::edge::Answer;

impl World {
    /// What an app has said of the session of a request; unheard, if the host has failed just then.
    pub(super) fn app_says(&mut self, at: usize, words: Words, is_heard: bool) {
        self.open[at].is_unheard = !is_heard;
        let open = &self.open[at];
        let Some(number) = open.session else {
            // Of a login on the way nobody knows the token yet.
            if open.login() == Login::OnTheWay
                && let Some(code) = open.errand.brings
            {
                let (user, now) = (self.means.codes[code].user, self.next_turn());
                match words {
                    Words::EndAll | Words::EndThis if self.setting.hears() => {
                        self.ledger.doubt_all(user);
                        self.ledger.is_swept(user, now, self.uptime);
                    }
                    _ => {}
                }
            }
            return;
        };
        let is_login = open.login() == Login::ThroughApp;
        let hears = self.setting.hears();
        let now = self.next_turn();
        let how = self.ending(at, true);
        if !is_heard {
            let owner = self.ledger.known[number].owner;
            self.ledger.doubt_all(owner);
            self.ledger.is_swept(owner, now, self.uptime);
            return;
        }
        match words {
            Words::EndAll if hears => {
                self.ledger.app_sweeps(number, now, how);
            }
            Words::EndThis if hears || is_login => self.ledger.end(number, now, how),
            Words::Refused | Words::EndAll if is_login => self.ledger.end(number, now, how),
            _ => {}
        }
    }

    /// What the client has of the app's answer.
    pub(super) fn check_response(&mut self, at: usize, answer: &Answer) {
        let story = self.story(at);
        self.history.note(|| {
            format!(
                "  {story} has its answer {} {:?}",
                answer.status, answer.headers
            )
        });
        self.check_told(answer, &story);
        for name in ["x-wx-session-end", "x-wx-session-attributes"] {
            // Where nobody listens, and of a preflight, another filter takes them off.
            let open = &self.open[at];
            let listens =
                self.setting.hears() && open.errand.kind != Kind::Preflight && !open.is_unheard;
            assert!(
                !listens || answer.header(name).is_none(),
                "{story}: the client has {name}"
            );
        }
        let errand = &self.open[at].errand;
        if errand.place == Place::Door {
            return self.check_backend(at, answer, &story);
        }
        if errand.login() != Login::OnTheWay {
            let told = answer.header("x-wx-skey");
            assert_eq!(told, None, "{story}: a token without a login");
            return;
        }
        let words = self.open[at].words;
        let token = answer.header("x-wx-skey").map(str::to_owned);
        if let Some(token) = token {
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{story}");
            let number = self.learn(at, &token, &story);
            // The app has spoken of it before the client had it.
            match words {
                Some(Words::EndThis | Words::EndAll) => {
                    panic!("{story}: a token that has ended is given out")
                }
                _ => self.open[at].session = Some(number),
            }
        }
    }

    /// Everything turns out as it is known, on the first worker and on another that knows nothing.
    pub(super) fn check_all(&mut self) {
        self.check_stores();
        let count = self.ledger.known.len();
        for number in 0..count.min(8) {
            // Half of them where nobody has seen them before.
            let station = number % 2;
            if number == 1 {
                self.restart(1);
            }
            let check = Draw {
                kind: Kind::Check,
                user: 0,
                token: u8::try_from(number).unwrap(),
                twist: 7,
            };
            self.ask_now(station, check);
        }
        let login = Draw {
            kind: Kind::Login,
            user: 1,
            token: 0,
            twist: 3,
        };
        self.ask_now(0, login);
        if self.ledger.known.len() > count {
            let check = Draw {
                kind: Kind::Enforced,
                user: 1,
                token: u8::try_from(count).unwrap(),
                twist: 7,
            };
            self.ask_now(0, check);
        }
        self.check_stores();
    }
}
