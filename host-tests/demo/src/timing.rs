//! How long a login and a session check take, by the client's clock.
//! Never compares with anything but another call on the same connection.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::journey::{Call, Edge};
use testkit::client::Connection;
use testkit::fakes::wechat::FakeWechat;

const TIMEOUT: Duration = Duration::from_secs(5);
const LOGINS: usize = 20;
const CALLS: usize = 200;

/// Medians on one kept connection.
pub(super) struct Times {
    /// With its code2Session call.
    pub(super) login: Duration,
    /// A call of the app with a session.
    pub(super) protected: Duration,
    /// The same on a public route, where no session is looked for.
    pub(super) public: Duration,
}

/// Logs a user of its own in, and calls the app.
pub(super) fn measure(edge: Edge, wechat: &FakeWechat) -> Result<Times> {
    let phone = wechat.phone("stopwatch");
    let mut connection = Connection::open(edge.base, TIMEOUT)?;
    let mut token = String::new();
    let mut logins = Vec::new();
    for _ in 0..LOGINS {
        let body = json!({ "code": phone.login(), "token": token });
        let call = Call::post("/wx/login").json(body);
        let started = Instant::now();
        let answer = connection.send(&call.request())?;
        logins.push(started.elapsed());
        let answer = answer.json()?;
        answer["data"]["token"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut token);
    }
    let mut time = |call: &Call| {
        let request = call.request();
        let started = Instant::now();
        let answer = connection.send(&request)?;
        let took = started.elapsed();
        ensure!(answer.status == 200, "{} while measuring", answer.status);
        Ok(took)
    };
    let calls = [
        Call::get("/orders").token(&token),
        Call::get("/public/news"),
    ];
    // By turns, so that whatever else the machine does meets both.
    let (mut protected, mut public) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        protected.push(time(&calls[0])?);
        public.push(time(&calls[1])?);
    }
    Ok(Times {
        login: median(logins),
        protected: median(protected),
        public: median(public),
    })
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}
