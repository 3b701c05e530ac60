//! Made-up histories. Each thing that must never be is found in one, and is not found in its neighbour, where it is allowed.

mod answers;
mod app;
mod sessions;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::ask::{Protocol, Route};
use crate::rules::APPID;
use crate::weather::Fault;

const OPENID: &str = "o-of-this-user";

fn seconds(seconds: f64) -> Moment {
    Duration::from_secs_f64(seconds)
}

/// A user and a sky, and what was found.
struct History {
    user: User,
    weather: Weather,
    found: Vec<Wrong>,
    unexplained: usize,
    now: f64,
}

impl History {
    fn new() -> Self {
        Self {
            user: User::new(0, OPENID, Duration::from_secs(10)),
            weather: Weather::default(),
            found: Vec::new(),
            unexplained: 0,
            now: 1.0,
        }
    }

    fn wait(&mut self, seconds: f64) -> &mut Self {
        self.now += seconds;
        self
    }

    fn wait_for(&mut self, span: Duration) -> &mut Self {
        self.wait(span.as_secs_f64())
    }

    /// From now for so long.
    fn fault(&mut self, fault: Fault, lasts: f64) -> &mut Self {
        self.weather.begins(fault, seconds(self.now));
        self.now += lasts;
        self.weather.passes(seconds(self.now));
        self
    }

    fn begin(&mut self, edge: EdgeName, ask: Ask) -> u64 {
        self.now += 0.01;
        let at = seconds(self.now);
        self.user.asks(edge, Protocol::Http1, at, ask)
    }

    fn end(&mut self, number: u64, answer: Answer) -> Option<Token> {
        self.now += 0.01;
        let at = seconds(self.now);
        let verdict = self.user.is_answered(number, at, &answer, &self.weather);
        self.found
            .extend(verdict.violations.iter().map(|own| own.wrong));
        self.unexplained += usize::from(verdict.is_unexplained);
        verdict.token
    }

    fn arrive(&mut self, number: u64, arrived: &Arrived) {
        let verdict = self.user.has_arrived(number, arrived, &self.weather);
        self.found
            .extend(verdict.violations.iter().map(|own| own.wrong));
    }

    fn ask(&mut self, edge: EdgeName, ask: Ask, answer: Answer) -> Option<Token> {
        let number = self.begin(edge, ask);
        self.end(number, answer)
    }

    fn login(&mut self, edge: EdgeName) -> Token {
        self.login_instead(edge, None)
    }

    fn login_instead(&mut self, edge: EdgeName, old: Option<&Token>) -> Token {
        let old = old.cloned();
        let answer = self.login_answer();
        self.ask(edge, Ask::Login { old }, answer).expect("a token")
    }

    fn login_answer(&self) -> Answer {
        let text = format!("{:0>43}", self.user.asked);
        good(json!({ "token": text, "event": "returning" }))
    }

    /// The app gets it, and answers.
    fn pass(&mut self, edge: EdgeName, route: Route, token: &Token) -> &mut Self {
        let number = self.begin(edge, app(route, token));
        self.arrive(number, &own(&[]));
        let id = self.user.id(number);
        self.end(number, Answer::App { status: 200, id });
        self
    }

    fn refuse(&mut self, edge: EdgeName, route: Route, token: &Token) -> &mut Self {
        self.ask(edge, app(route, token), refused(401, "invalid_token"));
        self
    }

    fn logout(&mut self, edge: EdgeName, token: &Token, everywhere: bool, answer: Answer) {
        let token = token.clone();
        self.ask(edge, Ask::Logout { token, everywhere }, answer);
    }

    #[track_caller]
    fn assert_found(&self, expected: &[Wrong]) {
        assert_eq!(self.found, expected, "{:#?}", self.user.history(30));
    }
}

fn app(route: Route, token: &Token) -> Ask {
    Ask::App {
        route,
        token: Some(token.clone()),
        body: Vec::new(),
    }
}

fn good(data: Value) -> Answer {
    Answer::Good(data)
}

fn ended(count: usize) -> Answer {
    good(json!({ "ended": count }))
}

fn refused(status: u16, error: &str) -> Answer {
    let error = error.to_owned();
    Answer::Refused { status, error }
}

/// As the app sees this user.
fn own(body: &[u8]) -> Arrived {
    Arrived {
        openids: vec![OPENID.to_owned()],
        appids: vec![APPID.to_owned()],
        body: body.to_vec(),
        ..Arrived::default()
    }
}
