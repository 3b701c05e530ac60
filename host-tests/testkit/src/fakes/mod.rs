//! Stand-ins with state for everything outside the plugin.

pub mod app;
pub mod awkward_app;
pub mod wechat;
