//! What is Spin's own: the built components, as a service and as a middleware, in the project's host for Spin.
//! What the plugin does is in the scenarios, which run here as everywhere.

mod as_spin;
mod client_address;
mod concurrency;
mod documents;
mod edges;
mod headers;
mod instances;
mod interleavings;
mod journey;
mod limits;
mod open_data_body;
mod resources;
mod stores;
pub mod streams;
mod up;
mod waiting;
mod writes;
