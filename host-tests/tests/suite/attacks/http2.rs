//! What comes back on a connection of HTTP/2: the answers of all its streams. The peer is told to remember nothing, so
//! that every header is spelled out.

use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use testkit::client::connect_from;
use testkit::http2::flag::{ACK, END_HEADERS, END_STREAM};
use testkit::http2::hpack::{literal, spelled, status};
use testkit::http2::kind::{
    CONTINUATION, DATA, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use testkit::http2::{NO_TABLE, PREFACE, frame, read_frame};

use super::row::{Row, Says};
use super::talk::{Answer, Ended, PATIENCE, Talk};

/// The stream of the good request: no row has one so high.
const GOOD: u32 = 0x00ff_ffff;

const LARGE_WINDOW: [u8; 4] = [0x3f, 0, 0, 0];

/// As [`super::http1::talk`]: `attack` are frames.
pub fn talk(
    row: &Row,
    from: Ipv4Addr,
    to: SocketAddr,
    attack: &[u8],
    good: &[(&[u8], &[u8])],
) -> Talk {
    let stream = connect_from(from, to).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut opening = vec![
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &NO_TABLE),
        frame(WINDOW_UPDATE, 0, 0, &LARGE_WINDOW),
        attack.to_vec(),
    ];
    // What is a request to the letter is answered, before or after the good one.
    let mut awaited = vec![];
    if row.alone || matches!(row.says, Says::Message(_)) {
        awaited.push(1);
    }
    if !row.alone {
        awaited.push(GOOD);
        opening.push(frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            GOOD,
            &literal(good),
        ));
    }
    let mut streams = Streams {
        stream,
        answers: Vec::new(),
        over: Vec::new(),
        unfinished: Vec::new(),
    };
    // As there.
    let _ = streams.stream.write_all(&opening.concat());
    let mut talk = Talk {
        ended: streams.read_until_over(&awaited),
        ..Talk::default()
    };
    talk.answers = streams.answers;
    let good = talk.answers.iter().position(|answer| answer.stream == GOOD);
    talk.good = good.map(|at| talk.answers.remove(at));
    talk
}

struct Streams {
    stream: TcpStream,
    answers: Vec<Answer>,
    over: Vec<u32>,
    /// A header block of which more is to come.
    unfinished: Vec<u8>,
}

impl Streams {
    fn read_until_over(&mut self, awaited: &[u32]) -> Ended {
        while !awaited.iter().all(|id| self.over.contains(id)) {
            let (kind, flags, id, payload) = match read_frame(&mut self.stream) {
                Ok(frame) => frame,
                Err(error) => {
                    return match error.kind() {
                        ErrorKind::WouldBlock | ErrorKind::TimedOut => Ended::Silent,
                        _ => Ended::Closed,
                    };
                }
            };
            if let Err(broken) = self.take(kind, flags, id, payload) {
                return Ended::Broken(broken);
            }
        }
        Ended::Closed
    }

    fn take(&mut self, kind: u8, flags: u8, id: u32, payload: Vec<u8>) -> Result<(), String> {
        match kind {
            SETTINGS if flags & ACK == 0 => self.send(&frame(SETTINGS, ACK, 0, &[])),
            PING if flags & ACK == 0 => self.send(&frame(PING, ACK, 0, &payload)),
            // Of a flood of errors it is the last word, and the connection may stay for what is under way.
            GOAWAY => {}
            HEADERS | CONTINUATION => {
                self.unfinished.extend(payload);
                if flags & END_HEADERS != 0 {
                    let block = std::mem::take(&mut self.unfinished);
                    self.headers(id, &block)?;
                }
            }
            DATA => match self.answers.iter_mut().find(|answer| answer.stream == id) {
                Some(answer) => answer.body.extend(&payload),
                None => return Err(format!("a body without an answer on stream {id}")),
            },
            RST_STREAM => self.over.push(id),
            _ => {}
        }
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            if self.over.contains(&id) {
                return Err(format!("stream {id} ends twice"));
            }
            self.over.push(id);
        }
        Ok(())
    }

    fn headers(&mut self, id: u32, block: &[u8]) -> Result<(), String> {
        let status = status(block);
        if matches!(status, 100..=199) {
            return Ok(());
        }
        if self.answers.iter().any(|answer| answer.stream == id) {
            return Err(format!("two answers on stream {id}"));
        }
        let headers = spelled(block).into_iter();
        self.answers.push(Answer {
            stream: id,
            status,
            headers: headers
                .map(|(name, value)| (name, value.into_bytes()))
                .collect(),
            body: Vec::new(),
        });
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) {
        // As above.
        let _ = self.stream.write_all(bytes);
    }
}
