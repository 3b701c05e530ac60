//! One arm's Envoy, alone on its core but for the other arms' idle ones, and its proof that the filter runs.
//! Never measures anything.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::PATIENCE;
use super::arms::{Arm, Credential, JWT, LOOK_ALIKE, Proof, Sends};
use super::cores::Cores;
use super::fresh::{Maker, SESSIONS, Sent};
use super::surroundings::{ENVIRONMENT, Surroundings};
use testkit::client::{self, Request};
use testkit::envoy::Envoy;
use testkit::fakes::wechat::Phone;

/// What a mini program sends with every request, besides `host` and what proves who it is. A backend sends the same, but
/// for the referer.
pub(super) const HEADERS: [(&str, &str); 5] = [
    (
        "user-agent",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.60 NetType/WIFI Language/zh_CN",
    ),
    (
        "referer",
        "https://servicewechat.com/wx0123456789abcdef/12/page-frame.html",
    ),
    ("accept-encoding", "gzip,compress,br,deflate"),
    ("content-type", "application/json"),
    ("connection", "keep-alive"),
];

const POLL: Duration = Duration::from_millis(20);

/// An arm that runs.
pub(super) struct RunningArm {
    pub(super) arm: &'static Arm,
    pub(super) envoy: Envoy,
    /// All of a request's headers but `host`.
    pub(super) headers: Vec<(&'static str, String)>,
    maker: Maker,
}

impl RunningArm {
    /// Starts Envoy on its core, and logs in through it if the arm needs a session.
    pub(super) fn start(arm: &'static Arm, stage: &Surroundings, cores: &Cores) -> Result<Self> {
        let edge = Self::free(arm, stage, 1)?;
        cores.keep_for_envoy(edge.envoy.pid())?;
        Ok(edge)
    }

    /// The same on whichever cores there are.
    pub(super) fn free(arm: &'static Arm, stage: &Surroundings, workers: u32) -> Result<Self> {
        let config = (arm.filters)(stage.config()?, stage).workers(workers);
        let envoy = Envoy::start(&config, &ENVIRONMENT)?;
        let credential = match arm.credential {
            Credential::Nothing => None,
            Credential::Session => {
                let token = log_in(envoy.addr(), &stage.wechat.phone("bench"))?;
                Some(("x-wx-skey", token))
            }
            Credential::ItsOwn => None,
            Credential::LookAlike => Some(("x-wx-skey", LOOK_ALIKE.to_owned())),
            Credential::Jwt => Some(("authorization", format!("Bearer {JWT}"))),
        };
        // A door to WeChat's API refuses what names a mini program.
        let is_backend = matches!(arm.sends, Sends::Call | Sends::CallWithToken);
        let headers = HEADERS
            .into_iter()
            .filter(|(name, _)| !is_backend || *name != "referer");
        let headers = headers.map(|(name, value)| (name, value.to_owned()));
        let edge = Self {
            arm,
            envoy,
            headers: headers.chain(credential).collect(),
            maker: Maker::new(&stage.wechat),
        };
        let edge = edge.with_sessions()?;
        let sent = edge.make(1)?;
        let request = sent
            .first()
            .map_or_else(|| edge.request(), |sent| edge.of(sent));
        let answer = client::send(edge.envoy.addr(), &request, PATIENCE)?;
        ensure!(
            answer.status == arm.status && answer.text().contains(arm.says),
            "answered {} instead of {} and {:?}: {}",
            answer.status,
            arm.status,
            arm.says,
            answer.text()
        );
        Ok(edge)
    }

    /// Logs in those who each send with a session of their own.
    fn with_sessions(mut self) -> Result<Self> {
        if matches!(self.arm.credential, Credential::ItsOwn) {
            let login = |user| log_in(self.envoy.addr(), &self.maker.user(user));
            self.maker.tokens = (0..SESSIONS).map(login).collect::<Result<_>>()?;
        }
        Ok(self)
    }

    /// The request that the load is made of, where it is each time the same.
    pub(super) fn request(&self) -> Request {
        self.with_headers(Request::get(self.arm.path))
    }

    /// One of those that were made for the load.
    pub(super) fn of(&self, sent: &Sent) -> Request {
        let request = self.with_headers(Request::post(&sent.path));
        let token = sent.token.iter();
        token
            .fold(request, |request, token| request.header("x-wx-skey", token))
            .body(&sent.body)
    }

    fn with_headers(&self, request: Request) -> Request {
        self.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value.as_bytes())
        })
    }

    /// Makes what so many requests send that cannot be sent twice; one, if it can; none, where all are the same.
    pub(super) fn make(&self, count: usize) -> Result<Vec<Sent>> {
        let (sends, path) = (self.arm.sends, self.arm.path);
        self.maker.make(sends, path, count)
    }

    /// How many requests the filter says it has seen; 0 for those that do not count.
    pub(super) fn seen(&self) -> Result<u64> {
        match self.arm.proof {
            Proof::NoFilter => Ok(0),
            Proof::Counter(name) => Ok(self.envoy.stats()?.get(name).copied().unwrap_or(0)),
            Proof::Refuses => {
                let answer = client::send(self.envoy.addr(), &Request::get("/orders"), PATIENCE)?;
                ensure!(
                    answer.status == 401,
                    "the filter does not stand before the route: {}",
                    answer.status
                );
                Ok(0)
            }
        }
    }

    /// Waits until the filter says that it has seen `requests` more than `before`. Some tell only now and then.
    pub(super) fn prove(&self, before: u64, requests: u64) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.seen()? - before;
            let Proof::Counter(name) = self.arm.proof else {
                return Ok(());
            };
            if proven(seen, requests) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{name} rose by {seen} in {requests} requests: the filter did not do what is measured"
            );
            sleep(POLL);
        }
    }
}

/// How many requests of one round may have taken the other way: a cache forgets once a minute.
const EXPIRIES: u64 = 2;

fn proven(seen: u64, requests: u64) -> bool {
    seen > 0 && seen + EXPIRIES >= requests
}

fn log_in(edge: SocketAddr, phone: &Phone) -> Result<String> {
    let login = Request::post("/wx/login").json(&json!({ "code": phone.login() }));
    let answer = client::send(edge, &login, PATIENCE)?;
    let token = answer.json()?["data"]["token"].as_str().map(str::to_owned);
    token.with_context(|| format!("no login: {} {}", answer.status, answer.text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_missed_requests_is_not_proven() {
        assert!(proven(50_000, 50_000));
        assert!(proven(49_998, 50_000));
        assert!(!proven(49_997, 50_000));
        assert!(!proven(0, 1));
    }
}
