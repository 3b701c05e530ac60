//! What is known of sessions and users, as plain data: tokens, the records of the store, and what a login came to. Asks
//! nobody and keeps nothing.

pub(crate) mod kinds;
pub(crate) mod login;
pub(crate) mod push;
pub(crate) mod record;
pub(crate) mod shown;
pub(crate) mod token;
pub(crate) mod told;
