//! One row of a table: what is sent, who sends it, where, and what must come of it beside what holds of every row.

use super::message::Message;

/// Stands in no honest request: whatever has it is a client's forgery, and the app may see it nowhere.
pub const FORGED: &str = "forged-by-a-client";

/// In all that is sent, the token of the attacker's own session.
pub const TOKEN: &str = "{TOKEN}";
/// The same where a length is told before it: as long as a token is.
pub const TOKEN_OF_LENGTH: &str = "{TOKEN------------------------------------}";
/// The token of another session, of the attacker's second account.
pub const OTHER: &str = "{OTHER}";
/// A code of wx.login, good for one exchange: a new one each time that a row is sent.
pub const CODE: &str = "{CODE}";

/// A row.
#[derive(Clone)]
pub struct Row {
    /// Its table, and what it is about.
    pub name: String,
    pub says: Says,
    pub who: Who,
    pub must: Must,
    /// The doors at which it is tried.
    pub doors: Vec<Door>,
    /// A request is sent in both protocols at each door: here they matter.
    pub in_both: bool,
    /// How many requests it may be.
    pub requests: usize,
    /// The answer to its (first) request has no body.
    pub head: bool,
    /// It may leave a message open, which would have to be waited for: the client says that no more comes.
    pub unfinished: bool,
    /// No good request comes behind it: it could not be answered.
    pub alone: bool,
}

/// What is sent. A good request of somebody else comes behind it on the same connection.
#[derive(Clone)]
pub enum Says {
    /// A request: in both protocols, or in each of them at every other door and row.
    Message(Message),
    /// Bytes on a connection of HTTP/1.1.
    Http1(Vec<u8>),
    /// Frames on a connection of HTTP/2, behind the client's preface and settings.
    Http2(Vec<u8>),
}

/// Whose session the app may hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody's.
    Nobody,
    /// That of [`TOKEN`].
    Attacker,
    /// That of somebody who logs in with [`CODE`].
    NewUser,
}

/// What must come of a row, beside the invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// Nothing more.
    Hold,
    /// The app sees nothing of it.
    NotPass,
    /// The app sees it once, and answers it with 200.
    Pass,
    /// It is refused here with this error.
    Refuse(&'static str),
}

/// Where a row is tried: listeners of one Envoy that differ in its own care, and Spin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// As `envoy.yaml` has it.
    Shipped,
    /// Without Envoy's own care for paths and upgrades, with trailers: the plugin stands alone.
    Bare,
    /// Envoy drops names with underscores.
    Drops,
    /// Envoy refuses names with underscores.
    Rejects,

    /// The host that stands in for Spin. In HTTP/1.1 only.
    Spin,
}

impl Row {
    pub fn new(name: impl Into<String>, says: Says) -> Self {
        let head = matches!(&says, Says::Message(message) if message.is_head());
        Self {
            name: name.into(),
            says,
            who: Who::Nobody,
            must: Must::Hold,
            doors: vec![Door::Shipped, Door::Spin],
            in_both: false,
            requests: 1,
            head,
            unfinished: false,
            alone: false,
        }
    }

    pub fn message(name: impl Into<String>, message: Message) -> Self {
        Self::new(name, Says::Message(message))
    }

    pub fn http1(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(name, Says::Http1(bytes.as_ref().into()))
    }

    pub fn http2(name: impl Into<String>, frames: impl AsRef<[u8]>) -> Self {
        Self::new(name, Says::Http2(frames.as_ref().into()))
    }

    pub fn who(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    pub fn must(mut self, must: Must) -> Self {
        self.must = must;
        self
    }

    pub fn at(mut self, doors: &[Door]) -> Self {
        self.doors = doors.into();
        self
    }

    pub fn in_both(mut self) -> Self {
        self.in_both = true;
        self
    }

    pub fn unfinished(mut self) -> Self {
        self.unfinished = true;
        self
    }

    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// It is so many requests, or may be taken for so many.
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }
}

/// Bytes as they are shown, and as names of rows.
pub fn shown(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let most = &bytes[..bytes.len().min(100)];
    let dots = if bytes.len() > most.len() { "…" } else { "" };
    format!("{}{dots}", most.escape_ascii())
}
