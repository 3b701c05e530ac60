//! What came back of one row.

use std::time::Duration;

use super::known::contains;

/// Longer than anything that the edges wait for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// An answer.
pub struct Answer {
    /// Of HTTP/2.
    pub stream: u32,
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<String> {
        let own = |(own, _): &&(String, Vec<u8>)| own.eq_ignore_ascii_case(name);
        let (_, value) = self.headers.iter().find(own)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Whether it is the app's, to the request with this mark in its path.
    pub fn is_of(&self, mark: &str) -> bool {
        contains(&self.body, mark)
    }
}

/// How a connection ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Ended {
    #[default]
    Closed,
    /// Nothing came any more, for longer than anything may take.
    Silent,
    /// In the middle of an answer, or with what is none.
    Broken(String),
}

/// What was answered on one connection.
#[derive(Default)]
pub struct Talk {
    /// To the attack.
    pub answers: Vec<Answer>,
    /// To the good request behind it, if it got one.
    pub good: Option<Answer>,
    /// What came behind everything.
    pub stray: Vec<u8>,
    pub ended: Ended,
}
