//! The manifests of `deploy` and the alerts of `dashboards` on a real Envoy: in the shape that each platform makes of them.
//! Never the platforms themselves, which cannot run here.

mod alerts;
mod capabilities;
mod envoy_gateway;
mod higress;
mod istio;
mod platform;
mod promtool;
mod rollout;
