//! What tests in another process may ask and order: codes and open data of a phone, WeChat's faults, and what WeChat and
//! the app have seen. The same of other platforms.
//! Never passes a request on to the edge: the tests speak to it themselves.

use std::net::SocketAddr;

use serde_json::json;

use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, Fault};
use testkit::listener::Listener;
use testkit::phone_server::{self, Page};

/// More requests than any test makes while WeChat is down.
const DOWN: usize = 1000;

/// Answers on a free loopback port until it is dropped:
///
/// | Path | Answer |
/// |---|---|
/// | `/edge` | where Envoy listens |
/// | `/phone/…?user=name` | as the demo's phone |
/// | `/wechat/codes` | the code of every code2Session request, in order |
/// | `/wechat/refusals` | how many connections or requests WeChat has refused |
/// | `/wechat/next?fault,fault` | the next requests get these: `busy`, `high_risk`, `rate_limited` |
/// | `/wechat/down`, `/wechat/up` | from now on |
/// | `/app/requests` | `METHOD path` of every request that reached the app, in order |
/// | `/douyin/…` | the same with that platform in WeChat's place; so for each of `others` |
pub(super) fn serve(
    edge: SocketAddr,
    wechat: FakeWechat,
    others: Vec<FakeWechat>,
    app: FakeApp,
) -> Listener {
    phone_server::serve_pages(move |target| {
        let of_other = others.iter().find_map(|other| {
            let own = target.strip_prefix('/')?;
            let rest = own.strip_prefix(other.platform().name())?;
            rest.starts_with('/').then_some((other, rest))
        });
        let (server, target) = of_other.unwrap_or((&wechat, target));
        answer(edge, server, &app, target)
            .map_or_else(|| phone_server::page(server, target), |json| ok(&json))
    })
}

fn answer(
    edge: SocketAddr,
    wechat: &FakeWechat,
    app: &FakeApp,
    target: &str,
) -> Option<serde_json::Value> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let done = json!(null);
    match path {
        "/edge" => Some(json!(format!("http://{edge}"))),
        "/wechat/codes" => {
            let requests = wechat.requests();
            Some(requests.iter().map(|seen| json!(seen.code())).collect())
        }
        "/wechat/refusals" => Some(json!(wechat.refusals())),
        "/wechat/next" => {
            let faults: Option<Vec<_>> = query.split(',').map(fault).collect();
            wechat.script(faults?);
            Some(done)
        }
        "/wechat/down" => {
            wechat.script(std::iter::repeat_n(Fault::Refused, DOWN));
            Some(done)
        }
        "/wechat/up" => {
            wechat.calm();
            Some(done)
        }
        "/app/requests" => {
            let requests = app.requests();
            let lines = requests
                .iter()
                .map(|seen| format!("{} {}", seen.method, seen.path));
            Some(lines.collect())
        }
        _ => None,
    }
}

fn fault(name: &str) -> Option<Fault> {
    match name {
        "busy" => Some(Fault::Busy),
        "high_risk" => Some(Fault::HighRisk),
        "rate_limited" => Some(Fault::RateLimited),
        _ => None,
    }
}

fn ok(json: &serde_json::Value) -> Page {
    ("200 OK", "application/json", json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use testkit::client::{Request, send};
    use testkit::fakes::wechat::{Asked, Platform};

    #[test]
    fn tests_elsewhere_see_what_wechat_saw_and_say_how_it_is() {
        let wechat = FakeWechat::new("wx1", "secret");
        let edge = SocketAddr::from(([127, 0, 0, 1], 1));
        let douyin = wechat.beside(Platform::Douyin, "tt1", "secret");
        let others = vec![douyin.clone()];
        let control = serve(edge, wechat.clone(), others, FakeApp::start());
        let get = |path: &str| {
            let answer = send(control.addr(), &Request::get(path), Duration::from_secs(5)).unwrap();
            assert_eq!(answer.status, 200, "{path}");
            answer
        };
        let code = get("/phone/login?user=ming").text();
        let target = format!("/sns/jscode2session?js_code={code}");
        get("/wechat/down");
        let _ = wechat.answer("GET", &target);
        assert_eq!(get("/wechat/refusals").json().unwrap(), json!(1));
        assert_eq!(get("/wechat/codes").json().unwrap(), json!([]));
        get("/wechat/up");
        get("/wechat/next?busy,high_risk");
        assert_eq!(wechat.faults_left(), 2);
        let _ = wechat.answer("GET", &target);
        assert_eq!(get("/wechat/codes").json().unwrap(), json!([code]));
        let code = get("/douyin/phone/login?user=ming").text();
        let body = json!({ "appid": "tt1", "secret": "secret", "code": code }).to_string();
        let _ = douyin.answer_asked(&Asked {
            method: "POST",
            target: "/api/apps/v2/jscode2session",
            content_type: Some("application/json"),
            body: body.as_bytes(),
            ..Asked::default()
        });
        assert_eq!(get("/douyin/wechat/codes").json().unwrap(), json!([code]));
        assert_eq!(get("/app/requests").json().unwrap(), json!([]));
        assert_eq!(get("/edge").json().unwrap(), json!("http://127.0.0.1:1"));
    }
}
