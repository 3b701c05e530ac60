//! What a step works with: the phone, the edge, and the record of what was asked, answered and checked.
//! Never prints.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Backend, Call, Edge, Entry, Exchange, Servers, USERS};
use testkit::client;
use testkit::fakes::app::FakeApp;
use testkit::fakes::wechat::{FakeWechat, Phone};

/// The whole of a login's deadline, and some more.
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A step that is over.
#[derive(Clone, Debug)]
pub struct Scene {
    /// From 1.
    pub number: usize,
    /// The step's title.
    pub title: &'static str,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What was expected.
    pub checks: Vec<Check>,
}

/// Something that happened in a step.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request and its answer.
    Asked(Box<Exchange>),
    /// What was done to the servers, or what to know about the next request.
    Told(String),
    /// What Redis held.
    Found(Vec<Entry>),
}

impl Scene {
    /// What was asked and answered, in order.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.events.iter().filter_map(|event| match event {
            Event::Asked(exchange) => Some(&**exchange),
            Event::Told(_) | Event::Found(_) => None,
        })
    }

    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.problem.is_none())
    }
}

/// One expectation.
#[derive(Clone, Debug)]
pub struct Check {
    /// What should be, in a few words.
    pub what: String,
    /// What was instead.
    pub problem: Option<String>,
}

/// The journey under way.
pub(super) struct Story<'a> {
    /// Where the phone is connected.
    pub(super) edge: Edge,
    servers: Option<&'a mut dyn Servers>,
    backend: Option<&'a Backend>,
    app: &'a FakeApp,
    pub(super) wechat: &'a FakeWechat,
    pub(super) phone: Phone,
    /// What the mini program keeps in its storage.
    pub(super) token: String,
    /// What it kept before.
    pub(super) old_token: String,
    /// The code of the newest login.
    pub(super) code: String,
    events: Vec<Event>,
    checks: Vec<Check>,
}

impl<'a> Story<'a> {
    pub(super) fn new(edge: Edge, wechat: &'a FakeWechat, app: &'a FakeApp) -> Self {
        Self {
            edge,
            servers: None,
            backend: None,
            app,
            wechat,
            phone: wechat.phone(USERS[0]),
            token: String::new(),
            old_token: String::new(),
            code: String::new(),
            events: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Begins at the first of the edges.
    pub(super) fn with_servers(
        servers: &'a mut dyn Servers,
        wechat: &'a FakeWechat,
        app: &'a FakeApp,
    ) -> Self {
        let [a, _] = servers.edges();
        Self {
            servers: Some(servers),
            ..Self::new(a, wechat, app)
        }
    }

    /// With what is behind the edge.
    pub(super) fn with_backend(self, backend: &'a Backend) -> Self {
        Self {
            backend: Some(backend),
            ..self
        }
    }

    /// What is behind the edge of a journey that goes there.
    pub(super) fn backend(&self) -> Result<&'a Backend> {
        self.backend
            .context("this journey does not go behind the edge")
    }

    /// The servers of a journey that has power over them.
    pub(super) fn servers(&mut self) -> Result<&mut (dyn Servers + 'a)> {
        self.servers
            .as_deref_mut()
            .context("this journey has no power over the servers")
    }

    /// Sends a request and expects this status. Whatever comes back, no session_key may be in it.
    pub(super) fn ask(&mut self, expected: u16, call: Call) -> Result<Exchange> {
        let exchange = self.send(expected, call)?;
        Ok(self.record(exchange))
    }

    /// The same somewhere else.
    pub(super) fn ask_at(&mut self, edge: Edge, expected: u16, call: Call) -> Result<Exchange> {
        let here = std::mem::replace(&mut self.edge, edge);
        let exchange = self.send(expected, call);
        self.edge = here;
        Ok(self.record(exchange?))
    }

    /// Sends a request again and again until its answer has this status, and expects that it comes to that.
    /// The last answer counts, and nobody is told of the others.
    pub(super) fn ask_until(&mut self, expected: u16, call: &Call) -> Result<Exchange> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let exchange = self.send(expected, call.clone())?;
            if exchange.answer.status == expected || Instant::now() > deadline {
                return Ok(self.record(exchange));
            }
            std::thread::sleep(POLL);
        }
    }

    fn send(&self, expected: u16, call: Call) -> Result<Exchange> {
        let _ = self.app.take();
        let request = call.request();
        let started = Instant::now();
        let answer = client::send(self.edge.base, &request, TIMEOUT)?;
        let answered_at = Instant::now();
        Ok(Exchange {
            edge: self.edge,
            expected,
            call,
            at_app: self.app.take().pop(),
            took: answered_at - started,
            answered_at,
            answer,
        })
    }

    fn record(&mut self, exchange: Exchange) -> Exchange {
        let said = (exchange.answer.text(), format!("{:?}", exchange.at_app));
        for key in self.phone.session_keys() {
            if said.0.contains(&key) || said.1.contains(&key) {
                self.check("no session_key leaves the edge", false);
            }
        }
        if exchange.answer.status != exchange.expected {
            let expected = format!("status {}", exchange.expected);
            self.fail(expected, exchange.answer.status);
        }
        self.events.push(Event::Asked(Box::new(exchange.clone())));
        exchange
    }

    /// Says something between two requests.
    pub(super) fn tell(&mut self, what: impl Into<String>) {
        self.events.push(Event::Told(what.into()));
    }

    /// Shows what Redis holds.
    pub(super) fn show(&mut self, entries: Vec<Entry>) {
        self.events.push(Event::Found(entries));
    }

    /// Expects that something holds.
    pub(super) fn check(&mut self, what: &str, holds: bool) {
        let problem = (!holds).then(|| "it is not so".to_owned());
        let what = what.to_owned();
        self.checks.push(Check { what, problem });
    }

    /// Expects one value under a name.
    pub(super) fn is(&mut self, name: &str, got: impl Into<Value>, expected: impl Into<Value>) {
        let expected = expected.into();
        let what = match expected.as_str() {
            Some(text) => format!("{name} {text}"),
            None => format!("{name} {expected}"),
        };
        self.same(what, got.into(), expected);
    }

    /// Expects so many code2Session calls for this code in all.
    pub(super) fn asked_wechat(&mut self, code: &str, times: usize) {
        let got = self.wechat.code_requests(code);
        let what = match times {
            0 => "WeChat was not asked".to_owned(),
            1 => "WeChat was asked once".to_owned(),
            times => format!("WeChat was asked {times} times"),
        };
        self.same(what, got.into(), times.into());
    }

    fn same(&mut self, what: String, got: Value, expected: Value) {
        if got == expected {
            self.checks.push(Check {
                what,
                problem: None,
            });
        } else {
            self.fail(what, got);
        }
    }

    pub(super) fn end_scene(
        &mut self,
        number: usize,
        title: &'static str,
        outcome: Result<()>,
    ) -> Scene {
        if let Err(error) = outcome {
            self.fail("an answer".to_owned(), format!("{error:#}"));
        }
        Scene {
            number,
            title,
            events: std::mem::take(&mut self.events),
            checks: std::mem::take(&mut self.checks),
        }
    }

    fn fail(&mut self, what: String, got: impl ToString) {
        let problem = Some(format!("got {}", got.to_string()));
        self.checks.push(Check { what, problem });
    }
}
