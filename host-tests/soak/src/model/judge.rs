//! What is thought of an answer, for each kind of request.

use serde_json::Value;

use super::{Exchange, User, Verdict, Violation, Wrong};
use crate::answer::Answer;
use crate::ask::{Ask, Refusal, Route, Token};
use crate::weather::Weather;

impl User {
    pub(super) fn judge(&self, exchange: &Exchange, answer: &Answer, weather: &Weather) -> Verdict {
        let judged = match &exchange.asked.ask {
            Ask::Login { .. } => self.judge_login(exchange, answer, weather),
            Ask::Again { first } => self.judge_again(exchange, first, answer, weather),
            Ask::App { route, token, .. } => {
                self.judge_app(exchange, *route, token.as_ref(), answer, weather)
            }
            Ask::Session { token } => self.judge_session(exchange, token, answer, weather),
            Ask::Decrypt { token, good } => {
                self.judge_decrypt(exchange, token, *good, answer, weather)
            }
            Ask::Logout { token, everywhere } => {
                self.judge_logout(exchange, token, *everywhere, answer, weather)
            }
            Ask::Refused { why, token } => match (answer, token) {
                (Answer::Refused { error, .. }, Some(token)) if error == "invalid_token" => {
                    Some(self.refused_session(exchange, token, answer, weather))
                }
                _ => judge_refusal(*why, answer),
            },
        };
        match judged {
            Some(violations) => Verdict {
                violations,
                ..Verdict::default()
            },
            None => self.judge_outage(exchange, answer, weather),
        }
    }

    fn judge_login(
        &self,
        exchange: &Exchange,
        answer: &Answer,
        weather: &Weather,
    ) -> Option<Vec<Violation>> {
        let Answer::Good(data) = answer else {
            return None;
        };
        let mut violations = Vec::new();
        let text = data["token"].as_str().unwrap_or_default();
        let known = self.sessions.iter();
        if text.len() != 43 || known.into_iter().any(|own| *own.token.text == *text) {
            violations.push(Wrong::Unpromised.with("a login without a token of its own"));
        }
        if data["event"] == "new" && self.is_surely_known(exchange.asked.at, weather) {
            violations.push(Wrong::Lost.with("a user who has logged in before is taken for new"));
        }
        Some(violations)
    }

    fn judge_again(
        &self,
        exchange: &Exchange,
        first: &Token,
        answer: &Answer,
        weather: &Weather,
    ) -> Option<Vec<Violation>> {
        let until = exchange.span().until;
        let must = self.may_be_repeated(first, until)
            && !self.may_be_over(first, until, exchange.asked.number, weather);
        match answer {
            Answer::Good(data) => {
                let same = data["token"].as_str() == Some(&*first.text);
                let over = self.must_be_over(exchange, first, false, weather);
                match over {
                    Some(why) if same => Some(vec![Wrong::Alive.with(why)]),
                    _ if must && !same => Some(vec![
                        self.lost(first, "the same code gives another session"),
                    ]),
                    _ => Some(Vec::new()),
                }
            }
            Answer::Refused { error, .. } if error == "code_used" || error == "invalid_code" => {
                let lost = must.then(|| self.lost(first, "the same code is refused"));
                Some(lost.into_iter().collect())
            }
            _ => None,
        }
    }

    fn judge_app(
        &self,
        exchange: &Exchange,
        route: Route,
        token: Option<&Token>,
        answer: &Answer,
        weather: &Weather,
    ) -> Option<Vec<Violation>> {
        match answer {
            Answer::App { status: 200, id } => {
                let own = self.id(exchange.asked.number);
                let other = || Wrong::Identity.with(format!("the answer to {id}, not to {own}"));
                Some((*id != own).then(other).into_iter().collect())
            }
            Answer::Refused { error, .. } => match (error.as_str(), token) {
                ("invalid_token" | "session_expired", Some(token)) if route != Route::Public => {
                    Some(self.refused_session(exchange, token, answer, weather))
                }
                ("session_key_stale", Some(_)) if route == Route::Profile => {
                    Some(self.refused_data(exchange, weather))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn judge_session(
        &self,
        exchange: &Exchange,
        token: &Token,
        answer: &Answer,
        weather: &Weather,
    ) -> Option<Vec<Violation>> {
        let Answer::Good(data) = answer else {
            return None;
        };
        if data["hasSession"] != true || data["expired"] == true {
            return Some(self.refused_session(exchange, token, answer, weather));
        }
        Some(self.alive(exchange, token, false, weather))
    }

    fn judge_decrypt(
        &self,
        exchange: &Exchange,
        token: &Token,
        good: bool,
        answer: &Answer,
        weather: &Weather,
    ) -> Option<Vec<Violation>> {
        match answer {
            Answer::Good(_) if !good => Some(vec![
                Wrong::Unpromised.with("what cannot be opened was opened"),
            ]),
            Answer::Good(data) => {
                let mut violations = self.alive(exchange, token, true, weather);
                if data["openId"] != self.openid.as_str() {
                    violations.push(Wrong::Identity.with("opened to somebody else's data"));
                }
                Some(violations)
            }
            Answer::Refused { error, .. } => match error.as_str() {
                "invalid_token" | "session_expired" => {
                    Some(self.refused_session(exchange, token, answer, weather))
                }
                "session_key_stale" if good => Some(self.refused_data(exchange, weather)),
                "session_key_stale" => Some(Vec::new()),
                _ => None,
            },
            _ => None,
        }
    }

    fn judge_logout(
        &self,
        exchange: &Exchange,
        token: &Token,
        everywhere: bool,
        answer: &Answer,
        weather: &Weather,
    ) -> Option<Vec<Violation>> {
        let Answer::Good(data) = answer else {
            return None;
        };
        let ended = data["ended"].as_u64().unwrap_or(u64::MAX);
        if ended > 0 {
            let mut violations = self.alive(exchange, token, false, weather);
            let own = exchange.asked.number;
            let alive = self.surely_alive(exchange.span(), own, weather);
            let fewer = usize::try_from(ended).is_ok_and(|ended| ended < alive);
            if everywhere && fewer {
                let said = format!("{ended} were ended everywhere, where there were {alive}");
                violations.push(Wrong::Lost.with(said));
            }
            return Some(violations);
        }
        Some(self.refused_session(exchange, token, answer, weather))
    }

    /// The edge has found a session.
    pub(super) fn alive(
        &self,
        exchange: &Exchange,
        token: &Token,
        cached: bool,
        weather: &Weather,
    ) -> Vec<Violation> {
        let over = self.must_be_over(exchange, token, cached, weather);
        over.map(|why| Wrong::Alive.with(why)).into_iter().collect()
    }

    /// The edge has found none.
    fn refused_session(
        &self,
        exchange: &Exchange,
        token: &Token,
        answer: &Answer,
        weather: &Weather,
    ) -> Vec<Violation> {
        let (until, own) = (exchange.span().until, exchange.asked.number);
        if self.may_be_over(token, until, own, weather) {
            return Vec::new();
        }
        vec![self.lost(token, &answer.to_string())]
    }

    /// No key has opened what the phone has sealed.
    fn refused_data(&self, exchange: &Exchange, weather: &Weather) -> Vec<Violation> {
        if exchange.had_key && !self.newest_key_may_be_forgotten(weather) {
            return vec![Wrong::Lost.with("the user's newest key is not known")];
        }
        Vec::new()
    }
}

/// Whatever else may be: what is wrong with a request stays wrong.
fn judge_refusal(why: Refusal, answer: &Answer) -> Option<Vec<Violation>> {
    let as_it_must = match (why.expected(), answer) {
        ((status, Some(name)), Answer::Refused { status: own, error }) => {
            status == *own && name == error
        }
        ((status, None), Answer::Strange { status: own, .. }) => status == *own,
        _ => false,
    };
    if as_it_must {
        return Some(Vec::new());
    }
    match answer {
        Answer::App { .. } | Answer::Good(_) => {
            Some(vec![Wrong::LetThrough.with(format!("{why:?}: {answer}"))])
        }
        _ => None,
    }
}

/// The member of a JSON object that is a text.
pub(super) fn text<'a>(json: &'a Value, place: &str) -> Option<&'a str> {
    json.pointer(place)?.as_str()
}
