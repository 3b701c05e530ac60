//! The server's side of a connection of HTTP/1.1: request after request, each read whole before it is answered.
//! It never forms an answer itself, and never judges a request.

use std::io::{self, Read, Write};

use crate::client::wire::{RequestHead, Wire, header};

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Next,
    Close,
}

/// Answers requests until either side has had enough: `answer` has the stream, a request's head and its body.
pub(crate) fn serve<S: Read + Write>(
    stream: S,
    mut answer: impl FnMut(&mut Wire<S>, RequestHead, Vec<u8>) -> io::Result<Then>,
) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    while let Some(head) = wire.request_head()? {
        if says(&head, "expect", "100-continue") {
            write!(wire.stream(), "HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = wire.body(head.framing()?)?;
        if answer(&mut wire, head, body)? == Then::Close {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether a header has this value, in any case.
pub(crate) fn says(head: &RequestHead, name: &str, value: &str) -> bool {
    header(&head.headers, name).is_some_and(|got| got.eq_ignore_ascii_case(value.as_bytes()))
}

/// An answer, framed by its length. `headers` are whole lines.
pub(crate) fn framed(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
}
