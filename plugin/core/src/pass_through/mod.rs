//! WeChat's API for the backend, as WeChat Cloud Run has it: plain HTTP, path and body as WeChat has them, no token. Lets
//! nothing through that is not listed, and never what gives a token away. The token is added on the way and seen by nobody.
//! <https://developers.weixin.qq.com/miniprogram/dev/wxcloudservice/wxcloudrun/src/guide/weixin/open.html>

mod answer;
mod query;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;

use smallvec::SmallVec;
use zeroize::Zeroizing;

pub use self::answer::{mark_if_dead, once_more, unanswered};
use self::query::Query;
use crate::config::{ApiRules, Config, MiniProgram};
use crate::head::{Head, Header};
use crate::hex::hex;
use crate::host::Host;
use crate::metrics::Counter;
use crate::platform::Platform;
use crate::rejection::{Reason, Rejection};
use crate::release::SITE;
use crate::reply::{Changes, OfResponse, ToWechat, Verdict};
use crate::trace::request_id;
use crate::wechat::api_path::{is_plain, is_refused};
use crate::worker::Context;

/// Cloud Run's name for the id of a call.
const SEQID: &str = "x-openapi-seqid";

/// All that WeChat's API has.
const METHODS: &[&str] = &["GET", "POST"];

/// What of a request's headers WeChat gets.
const PASSED: [&str; 7] = [
    "accept",
    "content-encoding",
    "content-length",
    "content-type",
    "transfer-encoding",
    "user-agent",
    // Envoy finds no route without it.
    "x-forwarded-proto",
];

/// A request of the backend's for WeChat's API.
pub(crate) async fn admit<H: Host>(
    context: Context<'_, H>,
    head: &Head,
    rules: &ApiRules,
) -> Result<Verdict, Rejection> {
    let host = context.host;
    let refused = |rejection| {
        host.count(Counter::ApiRefused);
        rejection
    };
    not_from_a_page(head).map_err(refused)?;
    if !head
        .text(":method")
        .is_some_and(|own| METHODS.contains(&own))
    {
        return Err(refused(Reason::not_allowed(METHODS)));
    }
    let Header::One(target) = head.get(":path") else {
        return Err(refused(
            Reason::BadPath.with("the request has no readable path"),
        ));
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !is_plain(path) {
        let problem = "must be one of WeChat's: letters, digits, _ and - between single slashes";
        return Err(refused(Reason::BadPath.parameter("path", problem)));
    }
    if is_refused(path) {
        let problem = "is never passed on: tokens and logins are the edge's";
        return Err(refused(Reason::ApiRefused.parameter(path, problem)));
    }
    if !rules.allow(path) {
        return Err(refused(
            Reason::ApiRefused.parameter(path, "is not in wechat_api.allow"),
        ));
    }
    let query = Query::read(query);
    let app = app(context.config(), query.from_appid.as_deref())?;
    let token = context.access_tokens().get(app).await?;
    host.count(Counter::ApiForwarded);
    let (name, id) = seqid(host, head);
    let passed = |name: &&str| !name.starts_with(':') && !PASSED.contains(name);
    let remove: SmallVec<_> = head.names().filter(passed).map(Into::into).collect();
    let changes = Changes {
        remove,
        response: Some(Box::new(OfResponse {
            set: vec![(name.into(), id.into())],
            to_wechat: Some(Box::new(ToWechat {
                target: app.api.target.clone(),
                authority: app.api.authority.clone(),
                most_kept: context.config().body_bytes,
                timeout: app.api.timeout,
                appid: app.appid.clone(),
                token: Zeroizing::new(token.expose().into()),
                path: path.into(),
                query: query.rest,
                is_repeated: false,
            })),
            ..OfResponse::default()
        })),
        ..Changes::default()
    };
    Ok(Verdict::forward(changes, "wechat_api"))
}

/// Refuses browser pages and mini programs, in case this listener is ever exposed to them: Origin, Sec-Fetch-Site or a
/// Referer of WeChat's shows them, and a backend sends none of these.
fn not_from_a_page(head: &Head) -> Result<(), Rejection> {
    let is_mini_program = match head.get("referer") {
        Header::Absent => false,
        Header::One(referer) => referer.starts_with(SITE),
        Header::Ambiguous => true,
    };
    let is_page = ["origin", "sec-fetch-site"]
        .iter()
        .any(|name| head.get(name) != Header::Absent);
    if is_page || is_mini_program {
        let problem = "WeChat's API is for the backend, and not for pages or mini programs";
        return Err(Reason::ApiRefused.with(problem));
    }
    Ok(())
}

/// Who calls: as the query says, or the only app of WeChat's.
fn app<'a>(config: &'a Config, named: Option<&str>) -> Result<&'a MiniProgram, Rejection> {
    const FROM: &str = "from_appid";
    let is_wechats = |app: &&MiniProgram| app.platform == Platform::Wechat;
    let mut all = config.mini_programs.iter().filter(is_wechats);
    let Some(appid) = named else {
        return match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Reason::MissingParameter.with(FROM)),
        };
    };
    let app = config.mini_program(appid).ok_or(Reason::UnknownApp)?;
    if is_wechats(&app) {
        Ok(app)
    } else {
        let problem = "is of another platform, and has no WeChat API";
        Err(Reason::InvalidParameter.parameter(FROM, problem))
    }
}

/// The header that names a call: by the id of its request, if it has a proper one.
pub(crate) fn seqid<H: Host>(host: &H, head: &Head) -> (&'static str, String) {
    let id = request_id(head).unwrap_or_else(|| {
        let mut bytes = [0; 16];
        // Without randomness they are all alike: a name, and no secret.
        let _ = host.random(&mut bytes);
        hex(&bytes)
    });
    (SEQID, id)
}
