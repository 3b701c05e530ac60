//! A code becomes a session: what a request must bring, the exchange with WeChat, the memory of a minute, and what is
//! written down. Renders no answer: that is for the endpoints, and for the request that is logged in on its way.

mod exchange;
mod failure;
mod input;
mod log_in;
mod memory;
pub(crate) mod on_the_way;
pub(crate) mod through_app;
mod write_down;

pub(crate) use self::input::Source;
pub(crate) use self::log_in::log_in;
