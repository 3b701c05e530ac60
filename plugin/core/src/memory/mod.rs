//! What one worker remembers of sessions, bounded: those that it has verified, those whose open data has failed, and what
//! is to be done for them later. All of it may be lost; nothing here asks the store.

pub(crate) mod access_tokens;
pub(crate) mod alone;
pub(crate) mod endings;
pub(crate) mod failures;
pub(crate) mod found;
pub(crate) mod later;
pub(crate) mod verified;
