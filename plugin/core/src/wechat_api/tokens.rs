//! The one owner of the access_token of each app. In the worker's memory, in the store for all others, and else asked of
//! WeChat by one request for all that wait; in its last five minutes renewed behind a request. A store that fails costs
//! no more than another question: WeChat gives the same token again.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::config::MiniProgram;
use crate::host::{Host, Level};
use crate::limits::circuit_breaker::{CircuitBreaker, OPEN_FOR, Trouble};
use crate::memory::later::Later;
use crate::metrics::Counter;
use crate::platform::Question;
use crate::platform_call::{NoAnswer, call};
use crate::records::kinds::ACCESS_TOKEN;
use crate::records::record::access_token_key;
use crate::rejection::{Reason, Rejection};
use crate::seal::{Read, Record, Scope, as_written};
use crate::single_flight::Turn;
use crate::store::{Form, Life, Store, StoreError};
use crate::wechat::access_token::{self, AccessToken};
use crate::worker::{Context, TokenOutcome};

/// So many may wait for a token that is asked for.
const FOLLOWERS: u16 = 1024;

/// How long it is remembered that WeChat refuses.
const TROUBLE_LASTS: Duration = Duration::from_secs(60);

/// What all workers know of the token of an app. The fields and their order are the stored form.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct TokenRecord {
    pub(crate) token: Option<AccessToken>,
    pub(crate) breaker: CircuitBreaker,
}

impl Record for TokenRecord {
    const FORM: &'static Form = &ACCESS_TOKEN.form;
    const READ: &'static [Read<Self>] = &[as_written];
}

/// The access_tokens of one worker.
pub(crate) struct AccessTokens<'a, H> {
    context: Context<'a, H>,
}

impl<'a, H: Host> Context<'a, H> {
    pub(crate) fn access_tokens(self) -> AccessTokens<'a, H> {
        AccessTokens { context: self }
    }
}

impl<H: Host> AccessTokens<'_, H> {
    /// The token of an app of WeChat's. Waits only where nobody knows one.
    pub(crate) async fn get(&self, app: &MiniProgram) -> TokenOutcome {
        let Context { worker, host } = self.context;
        if let Some(token) = self.known(app) {
            return Ok(token);
        }
        match worker.token_flights.join(host, &app.appid, FOLLOWERS).await {
            Turn::Lead(lead) => {
                let outcome = Box::pin(self.find(app)).await;
                lead.land(&outcome);
                outcome
            }
            Turn::Followed(outcome) => outcome,
            Turn::Crowded => Err(Reason::Overloaded.into()),
        }
    }

    /// WeChat has rejected `used`. The store keeps it until there is another one, which this worker asks for as soon as
    /// it has a turn: there may be no other call to ask for it. Tells whether `used` is given up.
    pub(crate) fn mark_dead(&self, app: &MiniProgram, used: &str) -> bool {
        let Context { worker, host } = self.context;
        host.count(Counter::TokenDead);
        let now = host.now();
        let is_given_up = worker.token_of(app, |known| known.mark_dead(used, now));
        if is_given_up {
            self.renew_later(app);
        }
        is_given_up
    }

    /// WeChat has rejected the next one, too.
    pub(crate) fn doubt(&self, app: &MiniProgram) {
        let Context { worker, host } = self.context;
        host.count(Counter::TokenDead);
        let now = host.now();
        worker.token_of(app, |known| known.doubt(now));
    }

    /// Gets the next token when the old one is about to end, or was rejected.
    pub(crate) async fn renew(&self, app: &MiniProgram) {
        let Context { worker, host } = self.context;
        let has_next = || worker.token_of(app, |known| known.has_next(host.now()));
        // A call may have had it meanwhile.
        if has_next() {
            return;
        }
        if worker
            .token_of(app, |known| known.get(host.now()))
            .is_none()
        {
            // Whoever calls now waits for the same one.
            let _ = self.get(app).await;
            return;
        }
        self.learn_stored(app).await;
        if !has_next() {
            // Whoever uses the old one goes on with it.
            let _ = self.ask(app).await;
        }
    }

    fn renew_later(&self, app: &MiniProgram) {
        let worker = self.context.worker;
        let number = worker.config.number(app);
        let is_this = |later: &Later| matches!(later, Later::AccessToken(own) if *own == number);
        let mut later = worker.later.borrow_mut();
        if !later.iter().any(is_this) {
            later.push(Later::AccessToken(number));
        }
    }

    fn known(&self, app: &MiniProgram) -> Option<Rc<AccessToken>> {
        let Context { worker, .. } = self.context;
        let now = self.context.now();
        worker.token_of(app, |known| {
            let token = known.get(now)?;
            if known.claim_renewal(now) {
                self.renew_later(app);
            }
            Some(token)
        })
    }

    async fn find(&self, app: &MiniProgram) -> TokenOutcome {
        self.learn_stored(app).await;
        if let Some(token) = self.known(app) {
            self.context.host.count(Counter::TokenFound);
            return Ok(token);
        }
        self.ask(app).await
    }

    /// Takes over what others have written down, as far as it is of use here.
    async fn learn_stored(&self, app: &MiniProgram) {
        let Context { worker, host } = self.context;
        let Some(TokenRecord { token, breaker }) = self.stored(app).await else {
            return;
        };
        let now = host.now();
        worker.token_of(app, |known| {
            known.breaker.learn(breaker);
            if let Some(token) = token.filter(|token| known.takes(token, now)) {
                known.learn(&Rc::new(token));
            }
        });
    }

    /// Asks WeChat, unless that is of no use now.
    async fn ask(&self, app: &MiniProgram) -> TokenOutcome {
        let Context { worker, host } = self.context;
        let asked = host.now();
        if let Err(trouble) = worker.token_of(app, |known| known.breaker.try_acquire(asked)) {
            host.count(Counter::TokenBreaker);
            let rejection = Failure::from(trouble).rejection();
            return self.fall_back(app, rejection.retry_after(OPEN_FOR));
        }
        let question = Question {
            method: "POST",
            path: access_token::PATH.into(),
            content_type: Some("application/json"),
            body: access_token::body(&app.appid, app.secret.expose()),
        };
        let answer = call(self.context, &app.api, question, app.api.timeout, false).await;
        let token = answer
            .map_err(Failure::from)
            .and_then(|body| Ok(access_token::read(&body, asked)?));
        let outcome = match token {
            Ok(token) => {
                host.count(Counter::TokenFetched);
                let token = Rc::new(token);
                worker.token_of(app, |known| {
                    known.learn(&token);
                    known.breaker.record_success();
                });
                Ok(token)
            }
            Err(failure) => {
                // Others may have had one meanwhile, which is not to be written over.
                self.learn_stored(app).await;
                let rejection = self.failed(app, failure);
                self.fall_back(app, rejection)
            }
        };
        self.write_down(app).await;
        outcome
    }

    /// What there is where WeChat gives none.
    fn fall_back(&self, app: &MiniProgram, rejection: Rejection) -> TokenOutcome {
        let Context { worker, host } = self.context;
        let now = host.now();
        let known = worker.token_of(app, |known| known.fall_back(now));
        known.ok_or(rejection)
    }

    /// Notes what went wrong, and tells the operator once.
    fn failed(&self, app: &MiniProgram, failure: Failure) -> Rejection {
        let Context { worker, host } = self.context;
        let now = host.now();
        host.count(match &failure {
            Failure::Said(..) => Counter::TokenRefused,
            _ => Counter::TokenUnavailable,
        });
        match &failure {
            Failure::Said(errcode, rid) => {
                let (errcode, rid) = (*errcode, rid.clone());
                let trouble = Trouble::Said {
                    errcode,
                    rid: rid.clone(),
                };
                let was_known = worker.token_of(app, |known| match errcode {
                    // Busy: that passes by itself.
                    -1 => {
                        known.breaker.record_failure(trouble, now);
                        true
                    }
                    _ => known.breaker.open(trouble, now),
                });
                if !was_known {
                    const EVENT: &str = "access_token_refused";
                    let (appid, rid) = (&app.appid, rid.unwrap_or_default());
                    let line = || {
                        format!(
                            r#"{{"event":"{EVENT}","appid":"{appid}","errcode":{errcode},"rid":"{rid}"}}"#
                        )
                    };
                    self.context.log(Level::Error, (EVENT, ""), line);
                }
            }
            Failure::NoAnswer(NoAnswer::Timeout) => {
                worker.token_of(app, |known| {
                    known.breaker.record_failure(Trouble::Timeout, now)
                });
            }
            Failure::NoAnswer(NoAnswer::Unavailable | NoAnswer::Unreadable(_)) => {
                worker.token_of(app, |known| {
                    known.breaker.record_failure(Trouble::Unavailable, now);
                });
            }
            Failure::NoAnswer(NoAnswer::NotSent | NoAnswer::Forbidden) | Failure::NoToken(_) => {}
        }
        failure.rejection()
    }

    /// What others have written down. Nothing if the store fails: then WeChat is asked.
    async fn stored(&self, app: &MiniProgram) -> Option<TokenRecord> {
        let Context { worker, host } = self.context;
        let key = access_token_key(&app.appid);
        let found = self.context.store().get_latest(&key, host.now()).await;
        let is_newer = matches!(found, Err(StoreError::Newer(_)));
        // A store that does not answer says nothing of it.
        if is_newer || found.is_ok() {
            worker.token_of(app, |known| known.is_kept_elsewhere = is_newer);
        }
        let sealed = found.ok().flatten()?;
        self.context.open(&scope(&app.appid, &key.name), &sealed)
    }

    /// Writes down what is known, for all others. If that fails, they ask WeChat themselves.
    async fn write_down(&self, app: &MiniProgram) {
        let Context { worker, host } = self.context;
        let now = host.now();
        let record = worker.token_of(app, |known| {
            (!known.is_kept_elsewhere).then(|| TokenRecord {
                token: known.token().cloned(),
                breaker: known.breaker.clone(),
            })
        });
        let Some(record) = record else { return };
        let key = access_token_key(&app.appid);
        let ends = record.token.as_ref().map(|token| token.expires_at);
        let life = Life {
            now,
            expires_at: ends.unwrap_or_default().max(now.after(TROUBLE_LASTS)),
        };
        let sealed = worker
            .keys
            .seal(host, &scope(&app.appid, &key.name), &record);
        if let Ok(sealed) = sealed {
            let _ = self.context.store().put(&key, &sealed, life).await;
        }
    }
}

/// What the record is bound to.
pub(crate) fn scope<'a>(appid: &'a str, name: &'a str) -> Scope<'a> {
    Scope {
        owner: [appid.as_bytes(), b""],
        name,
    }
}

#[cfg(test)]
mod tests;
