//! What a login came to, as plain data.

use alloc::rc::Rc;

use super::record::SessionRecord;
use super::token::Token;
use super::told::Told;

/// A login that succeeded.
#[derive(Clone)]
pub(crate) struct LoggedIn {
    pub(crate) token: Token,
    pub(crate) session: Rc<SessionRecord>,
    pub(crate) told: Told,
}
