//! What can wait until its request has a verdict. Only says what is to be done.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::found::Found;
use crate::records::token::Token;
use crate::store::Key;
use crate::time::UnixMillis;

/// One thing to be done.
pub(crate) enum Later {
    /// The idle time of this session is to be counted from `seen_at`.
    Renewal {
        token: Token,
        found: Rc<Found>,
        seen_at: UnixMillis,
    },
    /// A ticket is to be given back.
    Return(Key),
    /// A ticket of which nobody knows whether it was taken: to be given back if its entry is this.
    Disclaim(Key, Vec<u8>),
    /// The next access_token of the mini program of this number is to be had.
    AccessToken(usize),
}
