//! Ends a TCP connection by a reset (RST) instead of an orderly close.
//! It never harms what was sent before: over loopback that has arrived.

use std::net::TcpStream;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// From now on the connection ends with a reset, when its last handle is dropped.
pub(crate) fn reset_on_drop(stream: &TcpStream) {
    // Fails on a socket that has ended already.
    let _ = set_socket_linger(stream, Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_reset_reaches_the_peer_as_a_reset_after_the_bytes_that_were_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        server.write_all(b"half").unwrap();
        reset_on_drop(&server);
        drop(server);
        let mut got = [0; 4];
        client.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"half");
        let error = client.read(&mut got).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}
