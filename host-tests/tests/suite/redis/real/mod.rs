//! Real Envoys on a real Redis, behind a real webdis or a stand-in for the REST dialect.

mod bodies;
mod cluster;
mod concurrency;
mod conformance;
mod disconnects;
mod edges;
mod faults;
mod outage;
mod replicas;
mod secrets;
mod slow_store;
mod trace;
mod trial;
mod upgrade;
