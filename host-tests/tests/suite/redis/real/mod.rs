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

use serde_json::Value as Json;

use crate::rig::{Ask, EnvoyRig, Got, Rig as _};

fn ask(edge: &mut EnvoyRig, ask: Ask) -> Got {
    edge.ask(vec![ask]).remove(0)
}

fn get(edge: &mut EnvoyRig, path: &str, token: &str) -> Got {
    ask(edge, Ask::get(path).token(token))
}

fn post(edge: &mut EnvoyRig, path: &str, token: &str, body: &Json) -> Got {
    ask(edge, Ask::post(path, body).token(token))
}
