//! Sends bodies, many at once or one piece by piece, and checks what became of them. Never looks at a clock.

use serde_json::Value;
use testkit::client::{Connection, Piece, Request};

use crate::redis::real::slow_store::SlowStore;
use crate::rig::shapes::{Shape, StatusAndBody};
use testkit::http2::{Http2, pseudo};

/// `size` bytes from `start` of a text in which a lost, doubled or moved piece shows.
pub fn bytes(start: usize, size: usize) -> Vec<u8> {
    let byte = |at: usize| (at ^ (at >> 8) ^ (at >> 16)) as u8;
    (start..start + size).map(byte).collect()
}

/// A body sent in some shape.
pub struct Sent {
    pub shape: Shape,
    pub path: String,
    pub body: Vec<u8>,
    pub answer: StatusAndBody,
}

impl Sent {
    pub fn error(&self) -> Value {
        let answer: Value = serde_json::from_slice(&self.answer.1).unwrap_or_default();
        answer["error"].clone()
    }
}

/// Sends a body of each size in each shape, all at once and each to a path of its own, and does something meanwhile.
pub fn send_all(
    edge: &SlowStore,
    token: &str,
    shapes: &[Shape],
    sizes: &[usize],
    meanwhile: impl FnOnce(),
) -> Vec<Sent> {
    let addr = edge.rig.envoy.addr();
    let all = shapes
        .iter()
        .flat_map(|shape| sizes.iter().map(|size| (*shape, *size)));
    std::thread::scope(|scope| {
        let send = |(at, (shape, size)): (usize, (Shape, usize))| {
            scope.spawn(move || {
                let (path, body) = (format!("/api/{at}"), bytes(at, size));
                let headers = [("x-wx-skey", token)];
                let answer = shape.send_to(addr, "POST", &path, &headers, &body);
                Sent {
                    shape,
                    path,
                    body,
                    answer,
                }
            })
        };
        let threads: Vec<_> = all.enumerate().map(send).collect();
        meanwhile();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

/// Every one of them was answered by the app, which got it once, whole, and as this user's.
pub fn assert_arrived(edge: &SlowStore, all: &[Sent], user: &str) {
    let openid = edge.wechat.phone(user).openid();
    let seen = edge.rig.app.take();
    assert_eq!(seen.len(), all.len());
    for sent in all {
        let what = (sent.shape, sent.body.len());
        assert_eq!(sent.answer.0, 200, "{what:?}");
        let mut own = seen.iter().filter(|seen| seen.path == sent.path);
        let own = own.next().unwrap();
        assert!(own.body == sent.body, "{what:?} {}", own.body.len());
        assert_eq!(own.header("x-wx-openid"), Some(openid.as_bytes()));
        assert_eq!(own.count("x-wx-openid"), 1);
    }
}

/// A body of unknown length on its way.
pub enum Upload {
    Http1(Box<Connection>),
    Http2(Http2, u32),
}

impl Upload {
    pub fn http1(edge: &SlowStore, path: &str, token: &str) -> Self {
        let request = Request::post(path).header("x-wx-skey", token);
        let mut connection = edge.connect();
        let request = request.chunked(Vec::<Piece>::new());
        connection.write_head(&request).unwrap();
        Self::Http1(Box::new(connection))
    }

    pub fn http2(edge: &SlowStore, path: &str, token: &str) -> Self {
        let mut headers = pseudo("POST", path.as_bytes());
        headers.push((b"x-wx-skey", token.as_bytes()));
        let mut connection = edge.connect_http2();
        let id = connection.request(&headers, false);
        Self::Http2(connection, id)
    }

    /// One chunk, or one DATA frame.
    pub fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Http1(connection) => {
                let size = format!("{:x}\r\n", bytes.len());
                let chunk = [size.as_bytes(), bytes, b"\r\n"].concat();
                connection.write(&chunk).unwrap();
            }
            Self::Http2(connection, id) => connection.data(*id, bytes, false),
        }
    }

    pub fn end(self, with_trailers: bool) -> u16 {
        match (self, with_trailers) {
            (Self::Http1(mut connection), _) => {
                let trailers = if with_trailers {
                    "x-checksum: 0\r\n"
                } else {
                    ""
                };
                let end = format!("0\r\n{trailers}\r\n");
                connection.write(end.as_bytes()).unwrap();
                connection.read_response("POST").unwrap().status
            }
            (Self::Http2(mut connection, id), true) => {
                connection.trailers(id, &[(b"x-checksum", b"0")]);
                connection.answer(id).status
            }
            (Self::Http2(mut connection, id), false) => {
                connection.data(id, b"", true);
                connection.answer(id).status
            }
        }
    }
}
