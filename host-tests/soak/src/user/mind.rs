//! What a user may have a mind to, and how often.

use crate::ask::Route;

/// What a user may have a mind to.
#[derive(Clone, Copy)]
pub(super) enum Mind {
    /// A request for the app.
    Call(Route),
    /// Several at once.
    CallMany,
    /// A request with a token of a session that was ended.
    LookAtOld,
    /// Whether there is a session.
    Session,
    /// Open data.
    Decrypt,
    /// What cannot be opened.
    DecryptBad,
    /// A login, in place of a session or beside it.
    Login,
    /// The code of a moment ago.
    LoginAgain,
    /// An end.
    Logout,
    /// Of all.
    LogoutEverywhere,
    /// What must be refused.
    Refused,
}

/// And how often, one beside the other.
pub(super) const MINDS: [(usize, Mind); 16] = [
    (30, Mind::Call(Route::Orders)),
    (6, Mind::Call(Route::Catalog)),
    (8, Mind::Call(Route::Feed)),
    (4, Mind::Call(Route::Public)),
    (6, Mind::Call(Route::Upload)),
    (6, Mind::Call(Route::Profile)),
    (6, Mind::CallMany),
    (8, Mind::LookAtOld),
    (4, Mind::Session),
    (6, Mind::Decrypt),
    (1, Mind::DecryptBad),
    (4, Mind::Login),
    (2, Mind::LoginAgain),
    (3, Mind::Logout),
    (1, Mind::LogoutEverywhere),
    (8, Mind::Refused),
];
