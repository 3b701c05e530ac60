//! Sessions and users: tokens, sealed records, expiry, the verified cache. No WeChat protocol and no HTTP here.

pub(crate) mod cache;
pub(crate) mod record;
pub(crate) mod seal;
pub(crate) mod sessions;
pub(crate) mod token;
pub(crate) mod trials;
pub(crate) mod users;
