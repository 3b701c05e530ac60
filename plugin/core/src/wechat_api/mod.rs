//! What WeChat's server APIs are called with: one access_token for each app, and the calls that carry it. An access_token
//! leaves this room only in the query of such a call.

pub(crate) mod call;
pub(crate) mod failure;
pub(crate) mod tokens;
