//! What can go wrong on the way to WeChat and back, and what an answer looks like to whoever carries it.
//! It never decides when: that is the script's.

use std::time::Duration;

/// What happens to one request.
///
/// Those that replace the answer by an errcode leave the code unspent. Those that harm the answer spend it: WeChat has
/// done its work, only the client does not learn of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// None: to skip a request.
    Ok,
    /// errcode -1, "system error".
    Busy,
    /// errcode 45011, too many logins of this user in a minute.
    RateLimited,
    /// errcode 40226, a high-risk user.
    HighRisk,
    /// This errcode, as a number.
    Errcode(i64),
    /// This errcode, as a string.
    StringErrcode(i64),
    /// The right answer, late.
    Slow(Duration),
    /// The connection is closed at once, without a byte. The request counts as never received.
    Refused,
    /// A reset (RST) in the middle of the body.
    ResetMidBody,
    /// 200 with an HTML page.
    Html,
    /// 200 with a JSON string of 1 MB.
    BigBody,
    /// 200 with nothing.
    EmptyBody,
    /// 500.
    Http500,
    /// 200 with the first half of the JSON, as if that were all.
    Truncated,
    /// 200 with `{}`.
    EmptyObject,
}

/// An answer and how it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WechatAnswer {
    /// HTTP status; 200 for errcodes too.
    pub status: u16,
    /// `text/plain` for JSON too, as WeChat has it.
    pub content_type: &'static str,
    /// The whole body, also where the transport will cut it.
    pub body: Vec<u8>,
    /// How it reaches the client, if it does.
    pub transport: Transport,
}

/// How an answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// At once and whole.
    Whole,
    /// Whole, after this time.
    Slow(Duration),
    /// Not at all: the connection is closed without a byte.
    Refuse,
    /// The head and half of the body, then a reset.
    ResetMidBody,
}

impl WechatAnswer {
    pub(super) fn json(body: String) -> Self {
        Self {
            status: 200,
            content_type: "text/plain",
            body: body.into_bytes(),
            transport: Transport::Whole,
        }
    }

    /// As the server APIs write the type of their JSON.
    pub(super) fn of_api(self) -> Self {
        match self.content_type {
            "text/plain" => Self {
                content_type: "application/json; encoding=utf-8",
                ..self
            },
            _ => self,
        }
    }

    pub(super) fn refused() -> Self {
        Self {
            transport: Transport::Refuse,
            ..Self::json(String::new())
        }
    }

    /// The answer after a fault that comes when WeChat's own work is done.
    pub(super) fn harmed(mut self, fault: &Fault) -> Self {
        match fault {
            Fault::Slow(delay) => self.transport = Transport::Slow(*delay),
            Fault::ResetMidBody => self.transport = Transport::ResetMidBody,
            Fault::Html => {
                self.content_type = "text/html";
                self.body = b"<html><body><h1>Please try again later</h1></body></html>".to_vec();
            }
            Fault::BigBody => self.body = format!("\"{}\"", "x".repeat(1 << 20)).into_bytes(),
            Fault::EmptyBody => self.body.clear(),
            Fault::Http500 => {
                self.status = 500;
                self.content_type = "text/html";
                self.body = b"Internal Server Error".to_vec();
            }
            Fault::Truncated => self.body.truncate(self.body.len() / 2),
            Fault::EmptyObject => self.body = b"{}".to_vec(),
            _ => {}
        }
        self
    }
}
