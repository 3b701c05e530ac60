//! What the tests of `client` run against: an edge, and a server through which the tests play WeChat. Its first line is
//! the URL of that server; it goes when its input ends, and fails if nobody has used it.
//! Never runs Node itself.

mod control;
mod edge;

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Result;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let edge = edge::ClientEdge::start()?;
    println!("{}", edge.control());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    edge.ensure_used()
}
