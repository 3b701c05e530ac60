//! Lines on stderr, which Spin keeps as the component's log: each in one write, for each write leaves the module.

use std::io::Write as _;

use wx_session_core::Level;

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
