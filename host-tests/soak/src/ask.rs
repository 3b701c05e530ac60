//! What a user asks for, as plain data: what the model has to know of it.

use std::fmt;
use std::sync::Arc;

use crate::weather::{EdgeName, Moment};

/// A token that an edge gave out.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// As it was given.
    pub(crate) text: Arc<str>,
    /// Its user's first is 1.
    pub(crate) number: usize,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Token {}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.number)
    }
}

/// A place of the app's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    /// No rule names it.
    Orders,
    /// Goes on for a while without its store.
    Catalog,
    /// With a session or without.
    Feed,
    /// Without.
    Public,
    /// Takes large bodies.
    Upload,
    /// The edge opens what is sealed in its bodies.
    Profile,
}

/// A request that must be refused, whatever else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// No token.
    NoToken,
    /// What nobody gave out.
    StrangeToken,
    /// Two.
    TwoTokens,
    /// A path with two readings.
    TwoPaths,
    /// `%2f`, which Envoy itself refuses, in its own words.
    EscapedSlash,
    /// A code that WeChat does not know.
    StrangeCode,
    /// A login whose body is no JSON.
    NoJson,
    /// A login that is too large.
    TooLarge,
    /// A body that has the name which only the edge writes.
    OwnName,
}

impl Refusal {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::NoToken,
        Self::StrangeToken,
        Self::TwoTokens,
        Self::TwoPaths,
        Self::EscapedSlash,
        Self::StrangeCode,
        Self::NoJson,
        Self::TooLarge,
        Self::OwnName,
    ];

    /// The status and the error that it must get; none if the words are Envoy's.
    #[must_use]
    pub(crate) fn expected(self) -> (u16, Option<&'static str>) {
        match self {
            Self::NoToken => (401, Some("no_session")),
            Self::StrangeToken => (401, Some("invalid_token")),
            Self::TwoTokens => (400, Some("invalid_header")),
            Self::TwoPaths => (400, Some("bad_path")),
            Self::EscapedSlash => (400, None),
            Self::StrangeCode => (401, Some("invalid_code")),
            Self::NoJson => (400, Some("malformed_body")),
            Self::TooLarge => (413, Some("body_too_large")),
            Self::OwnName => (400, Some("invalid_parameter")),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    /// A login with a fresh code.
    Login {
        /// The token that the phone had before.
        old: Option<Token>,
    },
    /// The code of a login of a moment ago once more.
    Again {
        /// What it gave.
        first: Token,
    },
    /// A request for the app.
    App {
        /// Where.
        route: Route,
        /// Who.
        token: Option<Token>,
        /// What the app must find there: of [`Route::Profile`] what it must not have looked into.
        body: Vec<u8>,
    },
    /// Whether there is a session.
    Session {
        /// Of this token.
        token: Token,
    },
    /// Open data, to be opened.
    Decrypt {
        /// For this session.
        token: Token,
        /// Under the user's newest key, as far as the phone knows.
        good: bool,
    },
    /// An end.
    Logout {
        /// Of this session.
        token: Token,
        /// Or of all of the user's.
        everywhere: bool,
    },
    /// What must be refused.
    Refused {
        /// Why.
        why: Refusal,
        /// Of a session that is looked at all the same.
        token: Option<Token>,
    },
}

impl Ask {
    /// The session that is used or ended by it.
    #[must_use]
    pub(crate) fn token(&self) -> Option<&Token> {
        match self {
            Self::Login { old: token } | Self::App { token, .. } | Self::Refused { token, .. } => {
                token.as_ref()
            }
            Self::Session { token }
            | Self::Decrypt { token, .. }
            | Self::Logout { token, .. }
            | Self::Again { first: token } => Some(token),
        }
    }

    /// For the report.
    #[must_use]
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Login { old: None } => "login",
            Self::Login { old: Some(_) } => "login in place of a session",
            Self::Again { .. } => "login with the same code",
            Self::App { route, .. } => match route {
                Route::Orders => "check",
                Route::Catalog => "check, stale in an outage",
                Route::Feed => "optional route",
                Route::Public => "public route",
                Route::Upload => "upload",
                Route::Profile => "open data in a body",
            },
            Self::Session { .. } => "session",
            Self::Decrypt { good: true, .. } => "decrypt",
            Self::Decrypt { good: false, .. } => "decrypt of what cannot be opened",
            Self::Logout {
                everywhere: false, ..
            } => "logout",
            Self::Logout {
                everywhere: true, ..
            } => "logout everywhere",
            Self::Refused { .. } => "to be refused",
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        if let Self::Refused { why, .. } = self {
            write!(f, ": {why:?}")?;
        }
        match self.token() {
            Some(token) => write!(f, ", {token}"),
            None => Ok(()),
        }
    }
}

/// How it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// One request, before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Of this user its how manyth.
    pub(crate) number: u64,
    /// Where.
    pub(crate) edge: EdgeName,
    /// How.
    pub(crate) protocol: Protocol,
    /// When.
    pub(crate) at: Moment,
    /// What.
    pub(crate) ask: Ask,
}
