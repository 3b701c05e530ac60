//! One of those who use the mini program: logs in, calls the app, submits open data, logs out, and does what it should not.
//! What it does is random, by its dice; what it gets it tells the ledger, and judges nothing itself.

mod asks;
mod mind;
mod requests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::fakes::wechat::Phone;

use crate::answer::{Answer, Broken};
use crate::ask::{Ask, Protocol, Route, Token};
use crate::client::{Client, Request};
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::weather::EdgeName;

use mind::{MINDS, Mind};

/// A user shows so many tokens again whose sessions were ended.
const OVER: usize = 12;
/// Between two things that a user does.
const PAUSE: Duration = Duration::from_millis(60);
/// After no answer.
const LONG_PAUSE: Duration = Duration::from_millis(300);

/// A user on one phone.
pub(crate) struct User<'a> {
    number: usize,
    dice: Dice,
    phone: Phone,
    client: Client,
    ledger: &'a Ledger,
    sessions: Vec<Token>,
    over: VecDeque<Token>,
    /// The code of the newest login, and what it gave.
    newest: Option<(String, Token, Instant)>,
}

impl<'a> User<'a> {
    /// Of this number in the ledger.
    pub(crate) fn new(
        number: usize,
        dice: Dice,
        phone: Phone,
        client: Client,
        ledger: &'a Ledger,
    ) -> Self {
        Self {
            number,
            dice,
            phone,
            client,
            ledger,
            sessions: Vec::new(),
            over: VecDeque::new(),
            newest: None,
        }
    }

    /// Does one thing after the other until it is told to stop.
    pub(crate) fn live(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let answered = self.step();
            let pause = if answered { PAUSE } else { LONG_PAUSE };
            std::thread::sleep(self.dice.between(Duration::ZERO, pause));
        }
    }

    /// One thing; whether there was an answer.
    fn step(&mut self) -> bool {
        let mind = self.dice.weighed(&MINDS);
        let edge = *self.dice.among(&EdgeName::ALL);
        let protocol = *self.dice.among(&[Protocol::Http1, Protocol::Http2]);
        let session = self.any_session();
        let asks = match (mind, session) {
            (Mind::Refused, session) => self.refused(session),
            (Mind::Call(route @ (Route::Feed | Route::Public)), session) => {
                let token = session.filter(|_| self.dice.percent(70));
                vec![self.call(route, token)]
            }
            (_, None) | (Mind::Login, _) => vec![self.login()],
            (Mind::Call(route), session) => vec![self.call(route, session)],
            (Mind::CallMany, session) => {
                let count = 2 + self.dice.below(4);
                (0..count)
                    .map(|_| self.call(Route::Orders, session.clone()))
                    .collect()
            }
            (Mind::LookAtOld, _) => self.look_at_old().into_iter().collect(),
            (Mind::Session, Some(token)) => {
                vec![(
                    Ask::Session { token },
                    requests::plain("GET", "/wx/session"),
                )]
            }
            (Mind::Decrypt, Some(token)) => vec![self.decrypt(token, true)],
            (Mind::DecryptBad, Some(token)) => vec![self.decrypt(token, false)],
            (Mind::LoginAgain, _) => self.login_again().into_iter().collect(),
            (Mind::Logout, Some(token)) => vec![self.logout(token, false)],
            (Mind::LogoutEverywhere, Some(token)) => vec![self.logout(token, true)],
        };
        self.send(edge, protocol, asks)
    }

    pub(super) fn any_session(&mut self) -> Option<Token> {
        let count = self.sessions.len();
        (count > 0).then(|| self.sessions[self.dice.below(count)].clone())
    }

    fn send(&mut self, edge: EdgeName, protocol: Protocol, asks: Vec<(Ask, Request)>) -> bool {
        let (ledger, number) = (self.ledger, self.number);
        let mut numbers = Vec::new();
        let mut requests = Vec::new();
        // Over HTTP/1.1 one waits for the other: each is asked for when it is sent.
        let at_once = match protocol {
            Protocol::Http2 => asks.len(),
            Protocol::Http1 => 1,
        };
        let mut all = true;
        for asks in asks.chunks(at_once.max(1)) {
            numbers.clear();
            requests.clear();
            for (ask, request) in asks {
                let asked = ledger.asks(number, edge, protocol, ask);
                numbers.push(asked);
                requests.push(self.named(request.clone(), asked, ask));
            }
            let mut got: Vec<(usize, Answer, Option<Token>)> = Vec::new();
            self.client.ask(edge, protocol, &requests, |place, answer| {
                let (ask, _) = &asks[place];
                let token = ledger.is_answered(number, numbers[place], (protocol, ask), &answer);
                got.push((place, answer, token));
            });
            for (place, answer, token) in got {
                let (ask, request) = &asks[place];
                all &= !matches!(answer, Answer::None(_));
                self.note(ask, request, &answer, token);
            }
        }
        all
    }

    /// What is known from now on.
    fn note(&mut self, ask: &Ask, request: &Request, answer: &Answer, token: Option<Token>) {
        let refused = matches!(answer, Answer::Refused { status: 401, .. });
        let gone = match ask {
            Ask::Logout {
                everywhere: true, ..
            } => self.sessions.drain(..).collect(),
            Ask::Logout { token, .. } => vec![token.clone()],
            Ask::Login { old: Some(old) } => vec![old.clone()],
            ask if refused => ask.token().cloned().into_iter().collect(),
            _ => Vec::new(),
        };
        for token in gone {
            self.sessions.retain(|own| *own != token);
            if !self.over.contains(&token) {
                self.over.push_back(token);
            }
            if self.over.len() > OVER {
                self.over.pop_front();
            }
        }
        if let Some(token) = token
            && !self.sessions.contains(&token)
            && !self.over.contains(&token)
        {
            if matches!(ask, Ask::Login { .. }) {
                let code = requests::code_of(request);
                self.newest = code.map(|code| (code, token.clone(), Instant::now()));
            }
            self.sessions.push(token);
        }
        if matches!(answer, Answer::None(Broken::Left)) {
            // What it has begun may yet happen.
            self.newest = None;
        }
    }

    /// With its name, its token, and what nobody may believe.
    fn named(&mut self, mut request: Request, number: u64, ask: &Ask) -> Request {
        let id = self.ledger.id(self.number, number);
        requests::name(&mut request, id);
        let token = match ask {
            // A login has the old one in its body.
            Ask::Login { .. } | Ask::Again { .. } => None,
            ask => ask.token(),
        };
        if let Some(token) = token {
            requests::show(&mut request, token, &mut self.dice);
        }
        request
    }
}
