//! What keeps strangers from burning the app's quota at WeChat, or the worker's memory, as one worker knows it. Bounded,
//! and never asks anybody; where workers do not live long, `quota` keeps the same in the store.

pub(crate) mod circuit_breaker;
pub(crate) mod crowd;
pub(crate) mod known_codes;
pub(crate) mod network;
pub(crate) mod rate_limit;
