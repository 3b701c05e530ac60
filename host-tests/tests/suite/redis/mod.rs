//! Sessions in Redis: what it costs, and what happens when it is not there. Over Redis in memory here; the folder
//! `real` has the same over real servers.

mod interleavings;
mod newer;
mod outage;
pub mod real;
mod replicas;
mod round_trips;
