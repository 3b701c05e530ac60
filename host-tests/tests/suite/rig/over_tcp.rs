//! Asking an edge that is reached over TCP, with the app behind it. Time is the host's business.

use std::net::SocketAddr;
use std::time::Duration;

use testkit::client::{self, Request};
use testkit::fakes::app::FakeApp;

use super::{Ask, Got};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends requests at the same moment, each on a connection of its own, and waits for all answers.
pub fn ask(edge: SocketAddr, app: &FakeApp, asks: &[Ask]) -> Vec<Got> {
    drop(app.take());
    let mut answers: Vec<Got> = std::thread::scope(|scope| {
        let threads: Vec<_> = asks
            .iter()
            .map(|ask| scope.spawn(move || send(edge, ask)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    // With several at once nothing tells which of them the app saw; such scenarios look at the answers only.
    let mut seen = app.take();
    if let (1, Some(seen)) = (answers.len(), seen.pop()) {
        answers[0].seen = Some(seen.into());
    }
    answers
}

/// One request. What the app sees of it is not looked at.
pub fn send(edge: SocketAddr, ask: &Ask) -> Got {
    let mut request = Request::new(&ask.method, &ask.target);
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    if let Some(body) = &ask.body {
        request = if ask.unannounced {
            request.chunked([body])
        } else {
            request.body(body)
        };
    }
    let response = client::send(edge, &request, TIMEOUT).unwrap();
    Got {
        status: response.status,
        headers: response.headers,
        body: response.body,
        seen: None,
    }
}
