//! Lines on stderr, which Spin keeps as the component's log: each in one write, for each write leaves the module.

use std::io::Write as _;

use serde_json::json;
use wx_session_core::Level;

/// The line about a store that failed, in the words that other stores' lines have. `target`: which one, without a password.
pub(crate) fn store_failed(target: &str, problem: &str) {
    let line = json!({ "event": "store_failed", "target": target, "problem": problem });
    log(Level::Error, &line.to_string());
}

pub(crate) fn log(level: Level, line: &str) {
    let level = match level {
        Level::Info => "[info] ",
        Level::Warn => "[warn] ",
        Level::Error => "[error] ",
    };
    let line = [level, line, "\n"].concat();
    // There is nowhere else to say it.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
