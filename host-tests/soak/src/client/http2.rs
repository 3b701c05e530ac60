//! One connection of HTTP/2, with any number of requests at a time.

use std::net::TcpStream;

use testkit::http2::Http2 as OnWire;

use super::tls::NAME;
use super::{Pace, Request, Tls};
use crate::answer::{Answer, Broken};

/// One that is kept for the next requests, until the edge says that it goes.
pub(super) struct Http2 {
    connection: OnWire<Tls>,
    is_over: bool,
}

impl Http2 {
    pub(super) fn new(stream: Tls) -> Self {
        Self {
            connection: OnWire::over(stream),
            is_over: false,
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.connection.stream().sock
    }

    pub(super) fn requests(&self) -> u32 {
        self.connection.requests()
    }

    pub(super) fn may_be_kept(&self) -> bool {
        !self.is_over && !self.connection.is_over()
    }

    /// Sends all of them, then waits for all answers. Gives back those that the edge has passed over, unless this is the
    /// `last` time.
    pub(super) fn ask<'a>(
        &mut self,
        requests: Vec<(usize, &'a Request)>,
        reused: bool,
        last: bool,
        answered: &mut impl FnMut(usize, Answer),
    ) -> Vec<(usize, &'a Request)> {
        let sent: Vec<_> = requests
            .into_iter()
            .map(|(number, request)| (number, request, self.send(request)))
            .collect();
        let mut passed_over = Vec::new();
        for (number, request, id) in sent {
            if request.pace == Pace::Leaves {
                answered(number, Answer::None(Broken::Left));
                continue;
            }
            let got = self.connection.answer(id);
            if got.status == 0 {
                self.is_over = true;
                if !last && self.connection.was_passed_over(id) {
                    passed_over.push((number, request));
                } else {
                    answered(number, Answer::None(self.why(reused)));
                }
                continue;
            }
            let header = |name: &str| {
                let found = got.headers.iter().find(|(own, _)| own == name);
                found.map(|(_, value)| value.clone())
            };
            answered(number, Answer::read(got.status, header, &got.body));
        }
        passed_over
    }

    fn send(&mut self, request: &Request) -> u32 {
        let mut headers: Vec<(&[u8], &[u8])> = vec![
            (b":method", request.method.as_bytes()),
            (b":scheme", b"https"),
            (b":authority", NAME.as_bytes()),
            (b":path", request.path.as_bytes()),
        ];
        let own = request.headers.iter();
        headers.extend(own.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        let body = &request.body;
        let id = self.connection.request(&headers, body.is_empty());
        match request.pace {
            Pace::Leaves => {
                self.connection.data(id, &body[..body.len() / 2], false);
                self.connection.reset(id);
            }
            _ if body.is_empty() => {}
            Pace::AtOnce => self.connection.data(id, body, true),
            Pace::InPieces(count, pause) => {
                let pieces: Vec<_> = body.chunks(body.len().div_ceil(count)).collect();
                for (number, piece) in pieces.iter().enumerate() {
                    std::thread::sleep(pause);
                    self.connection.data(id, piece, number + 1 == pieces.len());
                }
            }
        }
        id
    }

    /// The client beneath does not say how a connection came to its end.
    fn why(&self, reused: bool) -> Broken {
        if super::tls::is_quiet(self.stream()) {
            Broken::Silent
        } else {
            Broken::Ended { reused }
        }
    }
}
