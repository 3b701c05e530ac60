//! What comes back on a connection of HTTP/1.1: answers one behind the other, until the last one that is awaited.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use testkit::client::{Connection, Drained, End};

use super::row::Row;
use super::talk::{Answer, Ended, PATIENCE, Talk};

/// Sends `attack` and, in the same breath, a good request whose answer has `mark` in it; reads until that answer or until
/// the connection ends. `moment`: how soon an answer comes, if there will be one.
pub fn talk(
    row: &Row,
    moment: Duration,
    from: Ipv4Addr,
    to: SocketAddr,
    attack: &[u8],
    good: &[u8],
    mark: &str,
) -> Talk {
    let mut connection = Connection::open_from(from, to, PATIENCE).unwrap();
    // Whoever closes before it has read everything shows when it is read from.
    let good = if row.alone { b"" } else { good };
    let _ = connection.write(&[attack, good].concat());
    let mut talk = Talk::default();
    let mut may_come = row.unfinished;
    loop {
        if may_come && !connection.is_heard(moment).unwrap_or(true) {
            may_come = false;
            let _ = connection.half_close();
        }
        let method = if row.head && talk.answers.is_empty() {
            "HEAD"
        } else {
            "GET"
        };
        match connection.read_response(method) {
            Ok(answer) if !answer.is_final() => continue,
            Ok(answer) => {
                let answer = Answer {
                    stream: 0,
                    status: answer.status,
                    headers: answer.headers,
                    body: answer.body,
                };
                let is_good = answer.is_of(mark);
                talk.answers.push(answer);
                if is_good {
                    talk.good = talk.answers.pop();
                    break;
                }
            }
            Err(error) => {
                talk.ended = ended(&error);
                return talk;
            }
        }
    }
    // Nothing is left to be answered: what comes now is an answer to something that nobody has asked.
    let _ = connection.half_close();
    let Drained { bytes, end } = connection.drain();
    talk.stray = bytes;
    talk.ended = match end {
        End::Open => Ended::Silent,
        End::Closed | End::Reset => Ended::Closed,
    };
    talk
}

fn ended(error: &anyhow::Error) -> Ended {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        // It closed between two answers.
        None if error.to_string().contains("closed without an answer") => Ended::Closed,
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Ended::Closed,
        Some(ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ended::Silent,
        _ => Ended::Broken(format!("{error:#}")),
    }
}
