//! Messages read from bytes in memory.

use super::*;

#[test]
fn a_chunked_body_with_trailers_leaves_the_next_message_unread() {
    let bytes: &[u8] = b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
        3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: 1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
    let mut wire = Wire::new(bytes);
    let head = wire.request_head().unwrap().unwrap();
    assert_eq!(wire.body(head.framing().unwrap()).unwrap(), b"abcde");
    let next = wire.request_head().unwrap().unwrap();
    assert_eq!(
        (next.target.as_str(), next.framing().unwrap()),
        ("/b", Framing::None)
    );
    assert!(wire.request_head().unwrap().is_none());
}

#[test]
fn a_body_cut_short_is_an_error() {
    let mut wire = Wire::new(&b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc"[..]);
    let head = wire.response_head().unwrap().unwrap();
    let error = wire.body(head.framing(false).unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
