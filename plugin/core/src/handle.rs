//! One request from its first byte to its verdict.

use alloc::boxed::Box;
use alloc::rc::Rc;

use crate::access::strip;
use crate::auth_status::AuthStatus;
use crate::config::Config;
use crate::gate::{self, Passage, Terms};
use crate::head::{Head, Header};
use crate::header_names::RELEASE;
use crate::host::{BodyError, Host, Request};
use crate::memory::later::Later;
use crate::metrics::Counter;
use crate::refusal_line::{self, REFUSED};
use crate::rejection::{Reason, Rejection};
use crate::release_rule::{self, Judged};
use crate::reply::{PendingDelivery, Response, Verdict};
use crate::route::{Destination, Method, Routes, Rule};
use crate::upgrade::{self, Upgrade};
use crate::wording::Wordings;
use crate::worker::{Context, Worker};
use crate::{admin, endpoint, method, observe, open_body, pass_through, path, push, quota, taken};

/// Decides about one request. Every path through here ends in exactly one [`Verdict`]; whatever goes wrong on the
/// way is a reply from the rejection table, never a request let through.
pub async fn handle<H: Host, R: Request>(worker: &Worker, host: &H, request: &R) -> Verdict {
    let context = Context { worker, host };
    let served = serve(context, request).await;
    served.unwrap_or_else(|rejection| refuse(context, request.head(), &rejection))
}

/// What could wait until the verdict of [`handle`] was carried out: renewals, and the delivery that the verdict has
/// pending. Never delays a request.
pub async fn finish<H: Host>(worker: &Worker, host: &H, pending: Option<PendingDelivery>) {
    let context = Context { worker, host };
    for later in worker.later.take() {
        match later {
            // Boxed, so that other requests do not carry the room for it.
            Later::AccessToken(number) => Box::pin(renew(context, number)).await,
            Later::Renewal {
                token,
                found,
                seen_at,
            } => context.sessions().renew(&token, &found, seen_at).await,
            Later::Return(ticket) => quota::give_back(context, &ticket).await,
            Later::Disclaim(ticket, own) => quota::disclaim(context, &ticket, &own).await,
        }
    }
    if let Some(pending) = pending {
        Box::pin(push::see_through(context, pending)).await;
    }
}

/// Every request of this worker is to have the token.
async fn renew<H: Host>(context: Context<'_, H>, number: usize) {
    if let Some(app) = context.config().mini_programs.get(number) {
        context.host.outlive_client().await;
        context.access_tokens().renew(app).await;
    }
}

/// The verdict about a request for which there is no room to wait: see [`Crowd`](crate::Crowd).
pub fn crowded<H: Host>(worker: &Worker, host: &H, head: &Head) -> Verdict {
    refuse(Context { worker, host }, head, &Reason::Overloaded.into())
}

/// The reply of an adapter that forwards requests itself, when the app does not answer.
#[must_use]
pub fn upstream_unavailable(worker: &Worker, head: &Head) -> Response {
    Rejection::from(Reason::UpstreamUnavailable).response(wordings(worker, head))
}

/// The reply of such an adapter when a request was to go on with its body, but the body cannot be used.
pub fn body_unusable<H: Host>(
    worker: &Worker,
    host: &H,
    head: &Head,
    error: BodyError,
) -> Response {
    refusal(Context { worker, host }, head, &error.into())
}

/// Whether a request with this head may be asked for its body before it has a verdict, beyond whether it has one. If not,
/// a host may leave the body with the client until then.
#[must_use]
pub fn reads_body(worker: &Worker, head: &Head) -> bool {
    let routes = &worker.config.routes;
    if worker.config.wechat_api.is_some() {
        return false;
    }
    canonical(head).is_ok_and(
        |(method, path)| match routes.find(method::of(method, head), &path) {
            Destination::Endpoint(_) | Destination::Admin(_) | Destination::Push(_) => true,
            Destination::App(_, rule) => rule.is_some_and(Rule::reads_body),
        },
    )
}

async fn serve<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
) -> Result<Verdict, Rejection> {
    let head = request.head();
    let config = context.config();
    if let Some(rules) = &config.wechat_api {
        // Boxed, so that other requests do not carry the room for it.
        return Box::pin(pass_through::admit(context, head, rules)).await;
    }
    let refused = |rejection| {
        context.host.count(Counter::RequestRefused);
        rejection
    };
    let (method, path) = match canonical(head) {
        Ok(found) => found,
        Err(rejection) if goes_on(&rejection, head, &config.routes) => {
            let changes = observe::unrouted(context, head, &rejection)?;
            return Ok(Verdict::forward(changes, AuthStatus::Unrouted.word()));
        }
        Err(rejection) => return Err(refused(rejection)),
    };
    let asked_for = asked_for(&config.routes, method, head);
    let destination = config.routes.find(asked_for, &path);
    if config.routes.cors_preflight
        && !matches!(destination, Destination::Admin(_) | Destination::Push(_))
        && is_preflight(method, head)
        && has_no_body(request).await?
    {
        let mut changes = strip(head, config, &context.worker.keys, false);
        if upgrade::judge(head, None) == Ok(Upgrade::PassedOver) {
            upgrade::pass_over(head, &mut changes);
        }
        return Ok(Verdict::forward(changes, "preflight"));
    }
    match destination {
        // Boxed, so that a request for the app does not carry the room for it.
        Destination::Admin(action) => {
            Ok(Box::pin(admin::answer(context, request, action, method)).await)
        }
        Destination::App(need, rule) => {
            let observed = config.routes.observes(asked_for, &path, rule);
            // Before a code is spent. Whose session it is is known later.
            release_rule::judge(head, config, None, observed)?;
            let mut taken = match rule {
                // Boxed, so that other requests do not carry the room for it.
                Some(rule) if rule.login.is_some() || rule.token_in.is_some() => {
                    Box::pin(taken::take(context, request, rule, observed)).await?
                }
                _ => None,
            };
            if let Some(Rule {
                open_data: Some(rules),
                login: Some(_),
                ..
            }) = rule
            {
                let left = taken.as_ref().and_then(|taken| taken.left());
                Box::pin(open_body::judge(context, request, left, rules)).await?;
            }
            let terms = Terms {
                need,
                rule,
                observed,
            };
            let Passage {
                who,
                holder,
                mut changes,
                would_refuse,
            } = gate::pass(context, request, terms, taken.as_mut()).await?;
            let appid = who.session.as_ref().map(|session| &*session.appid.0);
            let judged = release_rule::judge(head, config, appid, observed)?;
            if let Some(rules) = rule.and_then(|rule| rule.open_data.as_ref()) {
                let opened = open_body::open(context, request, rules, holder, &mut changes);
                Box::pin(opened).await?;
            }
            let unlisted = match judged {
                Judged::Listed => None,
                Judged::Told(release) => {
                    changes.set.push((RELEASE.into(), release.into()));
                    None
                }
                Judged::Refused(rejection) => Some(rejection),
            };
            if observed {
                let would_refuse = unlisted.as_deref().or(would_refuse.as_deref());
                observe::tell(context, head, would_refuse, &mut changes);
            }
            let openid = who.session.map(|session| Rc::clone(&session.openid.0));
            Ok(Verdict::forward(changes, who.auth_status.word()).with_openid(openid))
        }
        // WeChat's pushes name no release, and their errors are never reworded.
        Destination::Push(number) => {
            const METHODS: &[&str] = &["GET", "POST"];
            if !METHODS.contains(&method) {
                return Err(refused(Reason::not_allowed(METHODS)));
            }
            Box::pin(push::answer(context, request, number, method)).await
        }
        Destination::Endpoint(endpoint) => {
            release_rule::judge(head, config, None, false)?;
            let methods = endpoint.methods();
            if !methods.contains(&method) {
                return Err(refused(Reason::not_allowed(methods)));
            }
            // Boxed, so that a request for the app does not carry the room that a login needs.
            let answer = Box::pin(endpoint::answer(context, request, endpoint, method)).await?;
            let wording = &config.answers.of(endpoint).ok;
            let token = answer.token.as_ref().map(|token| token.as_str());
            let body = wording.put(answer.body, "ok", token);
            let mut response = Response::json(200, "none", "none", body);
            let cookie = answer.cookie.map(|cookie| ("set-cookie", cookie));
            response.headers.extend(cookie);
            Ok(Verdict::reply(response, "endpoint").with_openid(answer.openid))
        }
    }
}

/// The method that rules are to go by. Where no rule names methods, nobody looks whether a header names another one.
fn asked_for<'a>(routes: &Routes, method: &'a str, head: &Head) -> Method<'a> {
    if routes.rules.iter().all(|rule| rule.methods.is_empty()) {
        Method::Plain(method)
    } else {
        method::of(method, head)
    }
}

/// Whether a request goes on whose path can be read in two ways: not one that cannot be read at all.
fn goes_on(rejection: &Rejection, head: &Head, routes: &Routes) -> bool {
    routes.tells_paths
        && rejection.reason == Reason::BadPath
        && head.text(":method").is_some()
        && head.text(":path").is_some()
}

fn canonical(head: &Head) -> Result<(&str, alloc::borrow::Cow<'_, str>), Rejection> {
    let Header::One(method) = head.get(":method") else {
        return Err(Reason::BadPath.with("the request has no readable method"));
    };
    if method.len() > 32
        || !method
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
    {
        // Rules name methods in capitals; an app may read "post" as one of them.
        return Err(Reason::InvalidHeader.parameter("method", "must be in capitals"));
    }
    if method == "CONNECT" {
        return Err(Reason::UpgradeRefused.into());
    }
    let path = match head.get(":path") {
        Header::One(target) => target,
        Header::Absent => return Err(Reason::BadPath.with("the request has no path")),
        Header::Ambiguous => return Err(Reason::BadPath.with("the path must be ASCII")),
    };
    let path =
        path::canonical(path).map_err(|problem| Reason::BadPath.parameter("path", problem))?;
    Ok((method, path))
}

/// Whether there is no body. Headers need not tell of one, only its end does: so this waits for it, and fails as every
/// wait for a body does.
async fn has_no_body(request: &impl Request) -> Result<bool, BodyError> {
    match request.body(0).await {
        Ok(_) => Ok(true),
        Err(BodyError::TooLarge) => Ok(false),
        Err(other) => Err(other),
    }
}

/// The head of a preflight as browsers send it, and nothing that only looks like one: no upgrade, no word of a body, no
/// other method.
/// <https://fetch.spec.whatwg.org/#cors-preflight-request>
fn is_preflight(method: &str, head: &Head) -> bool {
    let asks = |name| head.text(name).is_some_and(|value| !value.is_empty());
    let absent = |name| head.get(name) == Header::Absent;
    method == "OPTIONS"
        && asks("origin")
        && asks("access-control-request-method")
        && upgrade::judge(head, None).is_ok()
        && matches!(method::of(method, head), Method::Plain(_))
        && absent("transfer-encoding")
        && matches!(
            head.get("content-length"),
            Header::Absent | Header::One("0")
        )
}

/// A rejection as the verdict.
fn refuse<H: Host>(context: Context<'_, H>, head: &Head, rejection: &Rejection) -> Verdict {
    Verdict::reply(refusal(context, head, rejection), rejection.error())
}

/// The reply of a rejection, and its one log line.
fn refusal<H: Host>(context: Context<'_, H>, head: &Head, rejection: &Rejection) -> Response {
    let Context { worker, host } = context;
    if let Some(counter) = rejection.counter() {
        host.count(counter);
    }
    let mut response = rejection.response(wordings(worker, head));
    if worker.config.wechat_api.is_some() {
        response.headers.push(pass_through::seqid(host, head));
    }
    refusal_line::tell(context, REFUSED, head, rejection, response.status);
    response
}

/// How answers to this request are worded.
fn wordings<'a>(worker: &'a Worker, head: &Head) -> &'a Wordings {
    let Config {
        answers,
        routes,
        push,
        ..
    } = &worker.config;
    let differ = answers.weapp.is_some()
        || push.is_some()
        || routes.rules.iter().any(|rule| rule.answers.is_some());
    if !differ {
        return &answers.all;
    }
    let Ok((method, path)) = canonical(head) else {
        return &answers.all;
    };
    match routes.find(method::of(method, head), &path) {
        Destination::Admin(_) => &answers.all,
        Destination::Endpoint(endpoint) => answers.of(endpoint),
        Destination::Push(_) => &answers.of_push,
        Destination::App(_, rule) => {
            let own = rule.and_then(|rule| rule.answers.as_ref());
            own.unwrap_or(&answers.all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::with;
    use crate::fake_host::{FakeHost, run};
    use crate::reply::Action;
    use crate::testing::test;
    use alloc::string::String;
    use alloc::vec::Vec;

    /// A preflight whose stream stays open.
    struct Unfinished(Head, BodyError);

    impl Request for Unfinished {
        fn head(&self) -> &Head {
            &self.0
        }

        fn client_address(&self) -> Option<String> {
            None
        }

        async fn body(&self, _: usize) -> Result<Vec<u8>, BodyError> {
            Err(self.1)
        }
    }

    /// A host that has given it up has no body to go on with.
    #[test]
    fn a_preflight_that_does_not_end_is_refused_as_any_request_that_is_waited_for() {
        let worker = Worker::new(with(serde_json::json!({
            "cors_preflight": true,
            "routes": [{ "prefix": "/", "session": "public" }],
        })));
        let head = Head::from_pairs([
            (":method", "OPTIONS"),
            (":path", "/api"),
            ("origin", "https://example.com"),
            ("access-control-request-method", "POST"),
        ]);
        for (error, status) in [
            (BodyError::TimedOut(""), 408),
            (BodyError::Crowded, 503),
            (BodyError::Unreadable, 400),
        ] {
            let request = Unfinished(head.clone(), error);
            let verdict = run(handle(&worker, &FakeHost::at(1_000_000), &request));
            let Action::Reply(response) = verdict.action else {
                panic!("{error:?}");
            };
            assert_eq!(response.status, status, "{error:?}");
        }
        let with_body = Unfinished(head, BodyError::TooLarge);
        let verdict = run(handle(&worker, &FakeHost::at(1_000_000), &with_body));
        assert!(matches!(verdict.action, Action::Forward(_)));
    }
}
