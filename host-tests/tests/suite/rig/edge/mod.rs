//! One worker, whatever runs it, to which requests come in pieces and whose calls a test answers, when it likes and with
//! what it likes. Time moves only when told. Never answers a call itself, and judges nothing.

mod core_edge;
mod core_exchange;
mod core_host;
mod wasm_edge;

use std::time::Duration;

use super::Ask;

pub use core_edge::{CoreEdge, CoreStore};
pub use wasm_edge::WasmEdge;

/// Header names in lower case, and values.
pub type Pairs = Vec<(String, Vec<u8>)>;

/// A worker.
pub trait Edge {
    /// The head of a request comes. Its number: they are counted from 0.
    fn request(&mut self, ask: &Ask) -> usize;

    /// A piece of its body, perhaps the last.
    fn body(&mut self, request: usize, piece: &[u8], last: bool);

    /// Its trailers, which end it.
    fn trailers(&mut self, request: usize, trailers: Pairs);

    /// Its client goes away.
    fn leave(&mut self, request: usize);

    /// Whether nothing has become of it yet.
    fn is_undecided(&self, request: usize) -> bool;

    /// What has become of it.
    fn fate(&self, request: usize) -> Fate;

    /// The app, or WeChat, answers one that went on.
    fn respond(&mut self, request: usize, answer: Answer);

    /// What the client has of that answer: nothing while it is held back.
    fn answered(&self, request: usize) -> Option<Answer>;

    /// Calls under way, oldest first.
    fn calls(&self) -> Vec<Call>;

    /// Ends a call. Of one that is no longer under way, nothing happens.
    fn end_call(&mut self, call: u32, end: CallEnd);

    /// Time passes.
    fn advance(&mut self, span: Duration);

    /// How long until something happens by itself, if nobody answers.
    fn until_next(&self) -> Option<Duration>;

    /// The wall clock is set, as time since the epoch.
    fn set_wall_clock(&mut self, now: Duration);

    /// The `nth` use of the host from now (1 is the next one) fails in a way of this number, if it can.
    fn fail_host(&mut self, nth: u64, way: usize);

    /// From now on none fails. Whether one has so far, and what.
    fn calm(&mut self) -> Option<String>;

    /// What has failed since the last look.
    fn take_failure(&mut self) -> Option<String>;

    /// What was logged since the last look.
    fn take_log(&mut self) -> Vec<String>;

    /// What no plugin may do, if it did.
    fn misdeed(&self) -> Option<String>;
}

/// What has become of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    Undecided,
    Passed(Passed),
    Replied(Answer),
    /// Its client left before there was a verdict.
    Gone,
}

/// A request that went on, as its upstream has it so far.
#[derive(Clone, Debug)]
pub struct Passed {
    /// With the pseudo headers.
    pub headers: Pairs,
    pub body: Vec<u8>,
    pub trailers: Pairs,
    /// That was all of it.
    pub complete: bool,
}

/// An answer to a request, or to a call.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Without the pseudo header.
    pub headers: Pairs,
    pub body: Vec<u8>,
}

/// A call of the worker's own.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: u32,
    /// To which cluster.
    pub cluster: String,
    pub method: String,
    pub path: String,
    pub headers: Pairs,
    pub body: Vec<u8>,
    /// It may take so long.
    pub timeout: Duration,
}

/// How a call ends.
#[derive(Clone, Debug)]
pub enum CallEnd {
    Answered(Answer),
    /// The connection is reset.
    Broken,
    TimedOut,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl Passed {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.as_bytes().to_vec())],
            body: body.into(),
        }
    }

    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "application/json", body)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The first of a name that is text.
fn header<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let (_, value) = pairs.iter().find(|(own, _)| own == name)?;
    std::str::from_utf8(value).ok()
}
