//! Whether everything works: seen from outside, with users of its own.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustls::pki_types::CertificateDer;
use serde_json::json;

use super::Stage;
use crate::answer::{Answer, ID};
use crate::ask::Protocol;
use crate::client::{Client, Pace, Request};
use crate::weather::EdgeName;

/// How long anything may take to work again, on a machine that has more to do.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// Workers and threads take connections in turn: so many in a row have seen all of them.
const IN_A_ROW: usize = 6;

/// Nobody's: the app does not tell the ledger of it.
pub(crate) const PROBE: &str = "probe";

impl Stage {
    /// Waits until each edge logs in and lets through, on every worker.
    ///
    /// # Errors
    /// When one does not; with what it says instead.
    pub(crate) fn works(&self) -> Result<()> {
        EdgeName::ALL
            .into_iter()
            .try_for_each(|edge| self.patiently(|| self.journey(edge)))
    }

    /// Waits until a path is public at an edge.
    ///
    /// # Errors
    /// When it does not come to be.
    pub(crate) fn has(&self, edge: EdgeName, path: &str) -> Result<()> {
        let get = request("GET", path);
        self.patiently(|| match self.ask(edge, &get)? {
            Answer::App { .. } => Ok(()),
            other => bail!("{edge:?} says of {path}: {other}"),
        })
    }

    /// Waits until both edges show this certificate.
    ///
    /// # Errors
    /// When one does not, or is not to be trusted meanwhile.
    pub(crate) fn shows(&self, certificate: &CertificateDer<'_>) -> Result<()> {
        let trust = self.trust()?;
        for edge in &self.edges {
            let addr = edge.address().addr;
            self.patiently(|| match trust.certificate(addr) {
                Ok(shown) if shown == *certificate => Ok(()),
                Ok(_) => bail!("{:?} shows the certificate of before", edge.name),
                Err(broken) => bail!("{:?}: {}", edge.name, Answer::None(broken)),
            })?;
        }
        Ok(())
    }

    fn journey(&self, edge: EdgeName) -> Result<()> {
        let mut login = request("POST", "/wx/login");
        let code = self.wechat.phone(PROBE).login();
        login.body = json!({ "code": code }).to_string().into_bytes();
        let json = ("content-type".to_owned(), "application/json".to_owned());
        login.headers.push(json);
        let token = match self.ask(edge, &login)? {
            Answer::Good(data) => data["token"].as_str().unwrap_or_default().to_owned(),
            other => bail!("{edge:?} says to a login: {other}"),
        };
        let mut orders = request("GET", "/orders");
        orders.headers.push(("x-wx-skey".to_owned(), token));
        match self.ask(edge, &orders)? {
            Answer::App { .. } => Ok(()),
            other => bail!("{edge:?} says to a check: {other}"),
        }
    }

    /// On a connection of its own.
    fn ask(&self, edge: EdgeName, request: &Request) -> Result<Answer> {
        let mut client = Client::new(self.addresses(), self.trust()?);
        let mut got = None;
        let requests = std::slice::from_ref(request);
        client.ask(edge, Protocol::Http1, requests, |_, answer| {
            got = Some(answer)
        });
        got.ok_or_else(|| anyhow::anyhow!("nothing was asked"))
    }

    fn patiently(&self, mut look: impl FnMut() -> Result<()>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut in_a_row = 0;
        while in_a_row < IN_A_ROW {
            match look() {
                Ok(()) => in_a_row += 1,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => {
                    in_a_row = 0;
                    std::thread::sleep(POLL);
                }
            }
        }
        Ok(())
    }
}

fn request(method: &'static str, path: &str) -> Request {
    Request {
        method,
        path: path.to_owned(),
        headers: vec![(ID.to_owned(), PROBE.to_owned())],
        body: Vec::new(),
        pace: Pace::AtOnce,
    }
}
