//! One of those who use the mini program: logs in, calls the app, submits open data, logs out, and does what it should not.
//! What it does is random, by its dice; what it gets it tells the ledger, and judges nothing itself.

mod requests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::fakes::wechat::{KeyAge, OpenData, Phone, Source};

use crate::answer::{Answer, Broken};
use crate::ask::{Ask, Protocol, Refusal, Route, Token};
use crate::client::{Client, Pace, Request};
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::rules::REMEMBER;
use crate::weather::EdgeName;

/// A user has so many sessions at most that nothing was meant to end.
const SESSIONS: usize = 4;
/// And shows so many again that were ended.
const OVER: usize = 12;
/// Between two things that a user does.
const PAUSE: Duration = Duration::from_millis(60);
/// The longest before each piece of what a slow client sends.
const SLOW: Duration = Duration::from_millis(500);
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

/// What a user may have a mind to.
#[derive(Clone, Copy)]
enum Mind {
    Call(Route),
    CallMany,
    LookAtOld,
    Session,
    Decrypt,
    DecryptBad,
    Login,
    LoginAgain,
    Logout,
    LogoutEverywhere,
    Refused,
}

const MINDS: [(usize, Mind); 16] = [
    (30, Mind::Call(Route::Orders)),
    (6, Mind::Call(Route::Catalog)),
    (8, Mind::Call(Route::Feed)),
    (4, Mind::Call(Route::Public)),
    (6, Mind::Call(Route::Upload)),
    (6, Mind::Call(Route::Profile)),
    (6, Mind::CallMany),
    (8, Mind::LookAtOld),
    (4, Mind::Session),
    (6, Mind::Decrypt),
    (1, Mind::DecryptBad),
    (4, Mind::Login),
    (2, Mind::LoginAgain),
    (3, Mind::Logout),
    (1, Mind::LogoutEverywhere),
    (8, Mind::Refused),
];

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
                vec![(Ask::Session { token }, self.plain("GET", "/wx/session"))]
            }
            (Mind::Decrypt, Some(token)) => vec![self.decrypt(token, true)],
            (Mind::DecryptBad, Some(token)) => vec![self.decrypt(token, false)],
            (Mind::LoginAgain, _) => self.login_again().into_iter().collect(),
            (Mind::Logout, Some(token)) => vec![self.logout(token, false)],
            (Mind::LogoutEverywhere, Some(token)) => vec![self.logout(token, true)],
        };
        self.send(edge, protocol, asks)
    }

    fn any_session(&mut self) -> Option<Token> {
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

    fn login(&mut self) -> (Ask, Request) {
        let full = self.sessions.len() >= SESSIONS;
        let old = self.any_session();
        let old = old.filter(|_| full || self.dice.percent(40));
        let code = self.phone.login();
        let request = self.paced(requests::login(&code, old.as_ref()));
        (Ask::Login { old }, request)
    }

    fn login_again(&mut self) -> Option<(Ask, Request)> {
        let (code, token, at) = self.newest.clone()?;
        if at.elapsed() > REMEMBER / 2 || !self.sessions.contains(&token) {
            return None;
        }
        let request = requests::login(&code, None);
        Some((Ask::Again { first: token }, request))
    }

    fn call(&mut self, route: Route, token: Option<Token>) -> (Ask, Request) {
        let body = match route {
            Route::Upload => self.random_body(),
            Route::Profile => self.profile_body(),
            _ => Vec::new(),
        };
        let request = self.paced(requests::call(route, &body));
        (Ask::App { route, token, body }, request)
    }

    fn look_at_old(&mut self) -> Option<(Ask, Request)> {
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
            _ => (Ask::Session { token }, self.plain("GET", "/wx/session")),
        })
    }

    fn decrypt(&mut self, token: Token, good: bool) -> (Ask, Request) {
        let data = self.open_data(good);
        let request = self.paced(requests::decrypt(&data));
        (Ask::Decrypt { token, good }, request)
    }

    fn logout(&mut self, token: Token, everywhere: bool) -> (Ask, Request) {
        let request = requests::logout(everywhere);
        (Ask::Logout { token, everywhere }, request)
    }

    fn refused(&mut self, session: Option<Token>) -> Vec<(Ask, Request)> {
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

    fn plain(&self, method: &'static str, path: &str) -> Request {
        requests::plain(method, path)
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
