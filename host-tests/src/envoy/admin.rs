//! One GET to Envoy's administration interface.
//! Never follows, retries or keeps a connection: anything but a whole 200 is an error.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The body that Envoy answers for `path`.
pub(super) fn get(address: SocketAddr, path: &str) -> Result<String> {
    let (status, body) =
        exchange(address, path).with_context(|| format!("Envoy's admin, GET {path}"))?;
    if status != 200 {
        bail!(
            "Envoy's admin, GET {path}: status {status}: {}",
            body.trim()
        );
    }
    Ok(body)
}

fn exchange(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;

    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(&answer)? else {
        bail!("the answer breaks off in its headers");
    };
    let status = head.code.context("no status")?;
    let chunked = head
        .headers
        .iter()
        .any(|header| header.name.eq_ignore_ascii_case("transfer-encoding"));
    let body = if chunked {
        unchunk(&answer[length..])?
    } else {
        answer[length..].to_vec()
    };
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) else {
            bail!("the answer breaks off between chunks");
        };
        let end = start + usize::try_from(size)?;
        body.extend_from_slice(
            rest.get(start..end)
                .context("the answer breaks off in a chunk")?,
        );
        if size == 0 {
            return Ok(body);
        }
        rest = rest
            .get(end + 2..)
            .context("the answer breaks off after a chunk")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        assert_eq!(
            unchunk(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").unwrap(),
            b"abcde"
        );
    }

    #[test]
    fn answer_that_breaks_off_is_an_error() {
        assert!(unchunk(b"3\r\nabc\r\n").is_err());
        assert!(unchunk(b"5\r\nabc").is_err());
    }
}
