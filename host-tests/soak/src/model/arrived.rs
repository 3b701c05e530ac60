//! What is thought of a request that the app has got.

use serde_json::Value;

use super::judge::text;
use super::{Exchange, User, Violation, Wrong};
use crate::answer::Answer;
use crate::ask::{Ask, Route, Token};
use crate::rules::APPID;
use crate::weather::Weather;

/// A request as the app saw it, as far as anybody looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Whatever an app may read as `X-WX-OPENID`.
    pub(crate) openids: Vec<String>,
    /// And as `X-WX-APPID`.
    pub(crate) appids: Vec<String>,
    /// `X-WX-Auth-Status`.
    pub(crate) status: Option<String>,
    /// A header holds the client's token.
    pub(crate) has_token: bool,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl User {
    pub(super) fn judge_arrived(
        &self,
        exchange: &Exchange,
        arrived: &Arrived,
        weather: &Weather,
    ) -> Vec<Violation> {
        let Ask::App { route, token, body } = &exchange.asked.ask else {
            let said = format!("the app has got: {}", exchange.asked.ask);
            return vec![Wrong::LetThrough.with(said)];
        };
        let mut violations = Vec::new();
        if exchange.arrived > 1 {
            violations.push(Wrong::Twice.with("the app has got it twice"));
        }
        if matches!(exchange.answered, Some((_, Answer::Refused { .. }))) {
            violations.push(Wrong::LetThrough.with("the app has got what was refused"));
        }
        if arrived.has_token {
            violations.push(Wrong::LetThrough.with("the app has got the token"));
        }
        violations.extend(self.judge_identity(exchange, *route, token.as_ref(), arrived, weather));
        match route {
            Route::Profile => violations.extend(self.judge_opened(body, &arrived.body)),
            _ if *body != arrived.body => {
                let (sent, got) = (body.len(), arrived.body.len());
                let said = format!("of {sent} bytes the app has got {got}, or others");
                violations.push(Wrong::Changed.with(said));
            }
            _ => {}
        }
        violations
    }

    fn judge_identity(
        &self,
        exchange: &Exchange,
        route: Route,
        token: Option<&Token>,
        arrived: &Arrived,
        weather: &Weather,
    ) -> Vec<Violation> {
        let is_nobody = arrived.openids.is_empty() && arrived.appids.is_empty();
        let is_right = *arrived.openids == [self.openid.as_str()] && *arrived.appids == [APPID];
        let with = token.filter(|_| route != Route::Public);
        let wrong = |expected: &str| {
            let (openids, appids) = (&arrived.openids, &arrived.appids);
            let said = format!("the app knows {openids:?} of {appids:?}, where it is {expected}");
            vec![Wrong::Identity.with(said)]
        };
        match with {
            None if !is_nobody => wrong("nobody"),
            None if route != Route::Feed && route != Route::Public => {
                vec![Wrong::LetThrough.with("without a token")]
            }
            None => Vec::new(),
            Some(token) if route == Route::Feed && is_nobody => {
                let found = matches!(
                    arrived.status.as_deref(),
                    Some("verified" | "stale" | "missing") | None
                );
                if found {
                    return wrong("somebody, or said to be of no good token");
                }
                let until = exchange.span().until;
                let own = exchange.asked.number;
                if self.may_be_over(token, until, own, weather) {
                    Vec::new()
                } else {
                    vec![self.lost(token, "nobody, on the optional route")]
                }
            }
            Some(_) if !is_right => wrong(&self.openid),
            Some(token) => self.alive(exchange, token, true, weather),
        }
    }

    /// The edge has put what was sealed in the place of it.
    fn judge_opened(&self, sent: &[u8], got: &[u8]) -> Vec<Violation> {
        let read = |bytes| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let (sent, got) = (read(sent), read(got));
        let opened = text(&got, "/openData/openId");
        if opened != Some(self.openid.as_str()) {
            return vec![Wrong::Identity.with(format!("the app has got the data of {opened:?}"))];
        }
        let sealed = got.get("encryptedData").is_some() || got.get("iv").is_some();
        if sealed || got["order"] != sent["order"] {
            return vec![Wrong::Changed.with("the rest of a body that was opened")];
        }
        Vec::new()
    }
}
