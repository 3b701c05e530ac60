//! Stand-ins with state for everything outside the plugin.

pub mod app;
mod listener;
pub mod wechat;
