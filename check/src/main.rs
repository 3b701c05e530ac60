//! `wx-session-check FILE…`: the check alone, for a pipeline. Prints findings, and ends with 1 if there is one.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if files.iter().any(|option| ["--help", "-h"].contains(option)) {
        println!("wx-session-check FILE...\n{}", wx_session_check::USAGE);
        return ExitCode::SUCCESS;
    }
    match wx_session_check::run(&files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
