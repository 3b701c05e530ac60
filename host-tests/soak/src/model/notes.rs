//! Takes note of what a user has asked for and what was answered: which sessions there are, what ends them, who uses them.
//! Judges nothing.

use crate::answer::Answer;
use crate::ask::{Ask, Route, Token};
use crate::rules::ABSOLUTE;
use crate::weather::{EdgeName, Moment, Span};

use super::sessions::{Attempt, End, Session, Use};
use super::{Exchange, User};

/// Newest uses that are looked through for one that surely counted.
const USES: usize = 32;

impl User {
    /// Takes note of what is about to be sent.
    pub(super) fn note_asked(&mut self, number: u64, edge: EdgeName, at: Moment, ask: &Ask) {
        if let Some(session) = ask.token().cloned().and_then(|own| self.session_mut(&own)) {
            session.under_way += 1;
            session.last_use = session.last_use.max(at);
        }
        let end = End {
            exchange: number,
            edge,
            asked: at,
            answered: None,
            done: false,
        };
        match ask {
            Ask::Login { old } => {
                self.attempts.push(Attempt {
                    exchange: number,
                    asked: at,
                    answered: None,
                    done: false,
                });
                if let Some(session) = old.as_ref().and_then(|old| self.session_mut(old)) {
                    session.ends.push(end);
                }
            }
            Ask::Logout { token, everywhere } => {
                if let Some(session) = self.session_mut(token) {
                    session.ends.push(end);
                }
                if *everywhere {
                    self.everywhere.push(end);
                }
            }
            Ask::Decrypt { token, good: false } => {
                if let Some(session) = self.session_mut(token) {
                    session.failures += 1;
                }
            }
            _ => {}
        }
    }

    /// Takes note of an answer. The session that it has made, if it has made one.
    pub(super) fn note_answered(&mut self, exchange: &Exchange, answer: &Answer) -> Option<Token> {
        let asked = &exchange.asked;
        let span = exchange.span();
        let done = matches!(answer, Answer::Good(_));
        if let Some(own) = asked.ask.token().cloned()
            && let Some(session) = self.session_mut(&own)
        {
            session.note_used(asked.edge, span, &asked.ask, answer);
        }
        for attempt in self.attempts.iter_mut().rev() {
            if attempt.exchange == asked.number {
                attempt.answered = Some(span.until);
                attempt.done = done;
            }
        }
        // Of what was there no session, none was ended.
        let ended = |data: &serde_json::Value| data["ended"].as_u64().unwrap_or_default() > 0;
        let is_login = matches!(asked.ask, Ask::Login { .. });
        let ended = matches!(answer, Answer::Good(data) if is_login || ended(data));
        let all = self.sessions.iter_mut().flat_map(|own| &mut own.ends);
        for end in all.chain(&mut self.everywhere) {
            if end.exchange == asked.number {
                end.answered = Some(span.until);
                end.done = ended;
            }
        }
        match (&asked.ask, answer) {
            (Ask::Login { .. } | Ask::Again { .. }, Answer::Good(data)) => {
                self.session_made(asked.edge, span, data["token"].as_str()?)
            }
            _ => None,
        }
    }

    fn session_made(&mut self, edge: EdgeName, login: Span, text: &str) -> Option<Token> {
        let known = self
            .sessions
            .iter()
            .find(|session| *session.token.text == *text);
        if let Some(known) = known {
            return Some(known.token.clone());
        }
        let number = self.sessions.last().map_or(0, |last| last.token.number) + 1;
        let token = Token {
            text: text.into(),
            number,
        };
        self.sessions.push(Session {
            token: token.clone(),
            edge,
            login,
            ends: Vec::new(),
            uses: Vec::new(),
            last_use: login.until,
            under_way: 0,
            failures: 0,
        });
        self.forget_the_old(login.until);
        Some(token)
    }

    /// Nobody asks for them any more.
    fn forget_the_old(&mut self, now: Moment) {
        let old = |at: Moment| at + 2 * ABSOLUTE < now;
        self.sessions.retain(|session| !old(session.login.until));
        self.attempts.retain(|attempt| !old(attempt.asked));
        self.everywhere.retain(|end| !old(end.asked));
    }
}

impl Session {
    fn note_used(&mut self, edge: EdgeName, span: Span, ask: &Ask, answer: &Answer) {
        self.under_way = self.under_way.saturating_sub(1);
        self.last_use = self.last_use.max(span.until);
        match (ask, answer) {
            (
                Ask::App {
                    route: Route::Orders,
                    ..
                },
                Answer::App { .. },
            ) => {
                if self.uses.len() == USES {
                    self.uses.remove(0);
                }
                self.uses.push(Use { edge, span });
            }
            (
                Ask::Decrypt { good: true, .. }
                | Ask::App {
                    route: Route::Profile,
                    ..
                },
                Answer::Good(_) | Answer::App { .. },
            ) => {}
            (
                Ask::Decrypt { good: true, .. }
                | Ask::App {
                    route: Route::Profile,
                    ..
                },
                _,
            ) => self.failures += 1,
            _ => {}
        }
    }
}
