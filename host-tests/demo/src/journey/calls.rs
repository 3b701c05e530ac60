//! A request as the journey makes it and as a reader sees it, and what came of it.
//! Never judges an answer.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Edge;
use testkit::client::{Request, Response};
use testkit::fakes::app::SeenByApp;

/// A request of the phone: only what is particular about it.
#[derive(Clone, Debug)]
pub struct Call {
    /// As on the wire.
    pub method: &'static str,
    /// With the query.
    pub path: String,
    /// Names as the phone writes them.
    pub headers: Vec<(&'static str, String)>,
    /// Sent as JSON.
    pub body: Option<Value>,
}

impl Call {
    /// `GET path`.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// `POST path` without a body.
    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self {
            method: "POST",
            ..Self::get(path)
        }
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With the session token where mini programs have put it since Wafer.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("X-WX-Skey", token)
    }

    /// For the wire.
    pub(crate) fn request(&self) -> Request {
        let start = Request::new(self.method, &self.path);
        let request = self
            .headers
            .iter()
            .fold(start, |request, (name, value)| request.header(name, value));
        match &self.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Where.
    pub edge: Edge,
    /// What was asked.
    pub call: Call,
    /// What was answered.
    pub answer: Response,
    /// The HTTP status that the step expects.
    pub expected: u16,
    /// The request as the app saw it, if it got there.
    pub at_app: Option<SeenByApp>,
    /// From connecting to the whole answer.
    pub took: Duration,
    /// When the whole answer was there.
    pub answered_at: Instant,
}

impl Exchange {
    /// A field of the envelope's `data`; null if there is none.
    pub(super) fn data(&self, name: &str) -> Value {
        self.field("data")[name].clone()
    }

    /// A field of the envelope; null if there is none.
    pub(super) fn field(&self, name: &str) -> Value {
        self.answer
            .json()
            .map_or(Value::Null, |envelope| envelope[name].clone())
    }

    /// The token of a login; empty if there is none, which no later step accepts.
    pub(crate) fn token(&self) -> String {
        self.data("token").as_str().unwrap_or_default().to_owned()
    }

    /// A header that the app saw, if it saw exactly one of that name.
    pub(super) fn app_saw(&self, name: &str) -> Option<String> {
        let seen = self.at_app.as_ref()?;
        let value = seen.header(name).filter(|_| seen.count(name) == 1)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}
