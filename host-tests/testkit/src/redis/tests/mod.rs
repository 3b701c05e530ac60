//! Every piece seen at work on the real programs.

mod cluster;
mod faulty;
mod rest;
mod server;
mod webdis;

use std::path::Path;
use std::time::Duration;

/// For what must come soon, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(20);
/// For what must never come.
const IMPATIENCE: Duration = Duration::from_millis(300);

/// Swaps a value for another: `KEYS[1]`, expected, new, milliseconds. Answers what is there if that is another one.
const SWAP: &str = "local v=redis.call('GET',KEYS[1]) if (v or '*')==ARGV[1] then \
                    redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 end return v or 0";

fn lives(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}
