//! What only a real Envoy can show: the built plugin under Envoy 1.40, over real connections.
//! Never what a scenario says already: the common behaviour is written once, for every host.

mod app_words;
mod back_channel;
mod balancer;
mod body_matrix;
mod browser;
mod configuration;
mod disconnects;
mod examples;
mod expiry;
mod flood;
mod headers;
mod identity;
mod impostor;
mod leaks;
mod lent;
mod long_answers;
mod nginx;
mod observability;
mod open_data_body;
mod paths;
mod piggyback;
mod preflight;
mod upgrades;
mod waiting;
mod wechat_api;
mod wechat_call;
mod workers;
