//! The repository's Spin manifests: what they say, what they build, and a Spin that runs one of them.
//! Never holds a manifest of its own: what is tried is what is shipped, altered.

mod edge;
mod manifest;

pub use edge::{Outside, Runner, SpinEdge, configuration};
pub use manifest::{Build, Manifest};
