//! What WeChat answers to a call that was passed on: looked at only to learn whether its token was rejected; if so, the
//! call is sent once more where its host still has it. Never changes an answer.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::host::{CallError, Host, Level};
use crate::log_lines::call_failed;
use crate::metrics::Counter;
use crate::rejection::{Reason, Rejection};
use crate::reply::{Response, ToWechat};
use crate::wechat::access_token::{authorised, is_dead};
use crate::wechat::answer::{json_of, number};
use crate::worker::{Context, Worker};

/// An errcode comes in less, in bytes.
const SMALL: usize = 2048;

impl ToWechat {
    /// Path and query with the token: for the call itself, and for nothing else.
    #[must_use]
    pub fn path_with_token(&self) -> String {
        authorised(&self.path, &self.token, &self.query)
    }

    /// How much of an answer with these headers is worth a look, in bytes; 0 for none of it.
    #[must_use]
    pub fn to_be_seen(content_type: Option<&str>, content_length: Option<&str>) -> usize {
        // WeChat names text for JSON, too.
        let is_text = content_type.is_none_or(|own| {
            let own = own.to_ascii_lowercase();
            ["application/json", "text/"]
                .iter()
                .any(|text| own.starts_with(text))
        });
        let length = content_length.map(str::parse::<usize>);
        let is_small = length.is_none_or(|length| length.is_ok_and(|length| length <= SMALL));
        if is_text && is_small { SMALL } else { 0 }
    }
}

#[derive(Deserialize)]
struct Reply {
    errcode: Option<Value>,
}

/// Takes note of an answer that rejects the token of its call. Tells whether the token is given up for that: then
/// whoever comes next gets another one.
pub fn mark_if_dead<H: Host>(worker: &Worker, host: &H, call: &ToWechat, answer: &[u8]) -> bool {
    let context = Context { worker, host };
    let reply: Option<Reply> = json_of(answer).ok();
    let errcode = reply.and_then(|reply| number(reply.errcode.as_ref()));
    if !errcode.is_some_and(is_dead) {
        return false;
    }
    let Some(app) = worker.config.mini_program(&call.appid) else {
        return false;
    };
    let tokens = context.access_tokens();
    if call.is_repeated {
        tokens.doubt(app);
        return false;
    }
    tokens.mark_dead(app, &call.token)
}

/// The same call with another token, once. `None` if there is none, or it is the second time: then the answer that there
/// is goes on.
pub async fn once_more<H: Host>(
    worker: &Worker,
    host: &H,
    call: &ToWechat,
) -> Option<Box<ToWechat>> {
    let context = Context { worker, host };
    if call.is_repeated {
        return None;
    }
    let app = worker.config.mini_program(&call.appid)?;
    let token = Box::pin(context.access_tokens().get(app)).await.ok()?;
    host.count(Counter::ApiRepeated);
    Some(Box::new(ToWechat {
        token: Zeroizing::new(token.expose().into()),
        is_repeated: true,
        ..call.clone()
    }))
}

/// What the backend is told of a call that has no answer; the operator is told, too. `None`: it is the second time, and
/// WeChat has seen the call once only, so that its first answer holds. Otherwise nobody knows whether it was done.
pub fn unanswered<H: Host>(
    worker: &Worker,
    host: &H,
    call: &ToWechat,
    error: &CallError,
) -> Option<Response> {
    const EVENT: &str = "wechat_failed";
    let problem = error.to_string();
    let line = || call_failed(EVENT, &call.target, &problem);
    Context { worker, host }.log(Level::Error, (EVENT, ""), line);
    if call.is_repeated && !error.may_be_received() {
        return None;
    }
    let rejection: Rejection = match error {
        CallError::Forbidden(_) => Reason::Internal.into(),
        _ => Reason::WechatUnavailable.with(problem),
    };
    Some(rejection.response(&worker.config.answers.all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::minimal_on_spin;
    use crate::fake_host::{FakeHost, answering, run};
    use crate::testing::test;
    use alloc::format;
    use core::time::Duration;
    use serde_json::json;

    const DEAD: &[u8] = br#"{"errcode":40001,"errmsg":"invalid credential"}"#;

    fn worker() -> Worker {
        Worker::new(minimal_on_spin(json!({ "kind": "spin_kv" })))
    }

    fn token(worker: &Worker, host: &FakeHost) -> Option<String> {
        let app = &worker.config.mini_programs[0];
        let token = run(Context { worker, host }.access_tokens().get(app));
        token.ok().map(|token| token.expose().into())
    }

    fn call(worker: &Worker, token: &str, is_repeated: bool) -> ToWechat {
        let app = &worker.config.mini_programs[0];
        ToWechat {
            target: app.api.target.clone(),
            authority: app.api.authority.clone(),
            most_kept: 0,
            timeout: Duration::from_secs(1),
            appid: app.appid.clone(),
            token: Zeroizing::new(token.into()),
            path: "/wxa/x".into(),
            query: String::new(),
            is_repeated,
        }
    }

    /// Where workers come and go with their calls.
    #[test]
    fn a_worker_that_sees_no_other_call_has_the_next_token_ready_for_the_others() {
        let host = FakeHost::at(1_700_000_000_000);
        let asked = answering(&host, None);
        let one = worker();
        assert_eq!(token(&one, &host).unwrap(), "t1");
        assert!(mark_if_dead(&one, &host, &call(&one, "t1", false), DEAD));
        run(crate::finish(&one, &host, None));
        assert_eq!(token(&worker(), &host).unwrap(), "t2");
        assert_eq!(asked.get(), 2);
        // A call that had another one meanwhile costs no more.
        run(crate::finish(&one, &host, None));
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn what_the_host_does_not_allow_is_no_outage() {
        let worker = worker();
        let host = FakeHost::at(1_700_000_000_000);
        let call = call(&worker, "t", false);
        for (error, status) in [
            (CallError::Forbidden("by the manifest".into()), 500),
            (CallError::Unreachable("refused".into()), 503),
            (CallError::TimedOut, 503),
        ] {
            let response = unanswered(&worker, &host, &call, &error).unwrap();
            assert_eq!(response.status, status, "{error}");
        }
    }

    /// An API that says so of every token takes it away from nobody else.
    #[test]
    fn a_token_that_is_dead_for_the_repetition_too_is_kept() {
        let host = FakeHost::at(1_700_000_000_000);
        let asked = answering(&host, None);
        let one = worker();
        for (number, is_repeated) in [(1, false), (2, true), (2, false)] {
            let used = token(&one, &host).unwrap();
            assert_eq!(used, format!("t{number}"));
            let call = call(&one, &used, is_repeated);
            let is_given_up = number == 1;
            assert_eq!(mark_if_dead(&one, &host, &call, DEAD), is_given_up);
            run(crate::finish(&one, &host, None));
        }
        for worker in [one, worker()] {
            assert_eq!(token(&worker, &host).unwrap(), "t2");
        }
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn an_answer_is_looked_at_however_its_type_is_written_and_whatever_stands_before_it() {
        let host = FakeHost::at(1_700_000_000_000);
        let one = worker();
        for (answer, is_dead) in [
            (DEAD, true),
            ("\u{feff}{\"errcode\":\"42001\"}".as_bytes(), true),
            (br#"{"errcode":0}"#, false),
            (br#"{"errcode":45009}"#, false),
            (b"", false),
        ] {
            let call = call(&one, "t1", false);
            assert_eq!(mark_if_dead(&one, &host, &call, answer), is_dead);
        }
        for (content_type, is_seen) in [
            (None, true),
            (Some("application/json; encoding=utf-8"), true),
            (Some("Application/JSON"), true),
            (Some("TEXT/plain"), true),
            (Some("image/jpeg"), false),
        ] {
            let seen = ToWechat::to_be_seen(content_type, Some("60"));
            assert_eq!(seen > 0, is_seen, "{content_type:?}");
        }
        assert_eq!(ToWechat::to_be_seen(None, Some("2049")), 0);
    }
}
