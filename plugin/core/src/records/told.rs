//! What a client is told of its login, as plain data. Renders nothing: each endpoint says it in words of its own.

use serde::{Deserialize, Serialize};

use crate::shared_text::SharedText;

/// What the client is told beside its token. A part of a stored record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) registered: bool,
    pub(crate) event: Event,
    /// A JSON object, as `/wx/user` has it. `None` if the user has not registered.
    pub(crate) user: Option<SharedText>,
    /// Why the open data sent with the login was of no use. The login stands, for its code is spent.
    pub(crate) open_data: Option<Useless>,
}

/// Who logged in, as seen from this phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    New,
    Returning,
    /// Another account than the one whose token the phone still had.
    Switched,
}

impl Event {
    /// As clients and apps are told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Returning => "returning",
            Self::Switched => "switched",
        }
    }
}

/// Why open data was of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Useless {
    /// It fitted no key: fetch it again, then register.
    SessionKeyStale,
    /// It opened, and says nothing about the user.
    NoProfile,
    /// Half of a pair, or nothing that could be opened: the client has a fault, or sends `undefined`.
    InvalidParameter,
}

impl Useless {
    /// As clients are told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SessionKeyStale => "session_key_stale",
            Self::NoProfile => "no_profile",
            Self::InvalidParameter => "invalid_parameter",
        }
    }
}
