//! A request as it came: its head for the core, and its body, which is passed on as it comes, or kept once the core has
//! read it.

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::wasip3::http::types::{self, ErrorCode, Method, RequestOptions, Scheme, Trailers};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, StreamReader};
use spin_sdk::wasip3::wit_future;
use wx_session_core::{BodyError, Head, Request};

use crate::outbound::read;
use crate::waiting::{Waiter, Waiting};

/// Address and port of the connection: Spin's own value, which it appends to whatever a client wrote there.
const CLIENT_ADDRESS: &str = "spin-client-addr";

pub(crate) struct Incoming {
    head: Rc<Head>,
    headers: Headers,
    line: Line,
    /// Gone while it is read, and when it could not be.
    body: RefCell<Option<Body>>,
    waiter: Rc<Waiter>,
}

/// Names in lower case, and values, as WASI HTTP takes them too.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// What WASI HTTP holds beside headers and body.
pub(crate) struct Line {
    pub(crate) method: Method,
    pub(crate) path: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) options: Option<RequestOptions>,
}

/// How a body ends: with its trailers, if it has any.
pub(crate) type End = Result<Option<Trailers>, ErrorCode>;

pub(crate) enum Body {
    Unread(types::Request),
    /// More came than was wanted: this, and what is still to come.
    Begun(Vec<u8>, StreamReader<u8>, FutureReader<End>),
    Read(Vec<u8>, Option<Trailers>),
}

impl Incoming {
    pub(crate) fn new(request: types::Request, waiting: &Rc<Waiting>) -> Self {
        let mut headers = request.get_headers().copy_all();
        for (name, _) in &mut headers {
            name.make_ascii_lowercase();
        }
        let line = Line {
            method: request.get_method(),
            path: request.get_path_with_query(),
            authority: request.get_authority(),
            scheme: request.get_scheme(),
            options: request.get_options(),
        };
        let pseudo = [
            (":method", Some(method(&line.method))),
            (":path", line.path.as_deref()),
            (":authority", line.authority.as_deref()),
            (":scheme", line.scheme.as_ref().map(scheme)),
        ];
        let pseudo = pseudo
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?.as_bytes())));
        let real = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()));
        let head = Rc::new(Head::from_pairs(real.chain(pseudo)));
        Self {
            waiter: Rc::new(Waiter::new(waiting, head.bytes())),
            head,
            headers,
            line,
            body: RefCell::new(Some(Body::Unread(request))),
        }
    }

    /// The head, for whoever lives longer.
    pub(crate) fn shared_head(&self) -> Rc<Head> {
        Rc::clone(&self.head)
    }

    /// Its place among those that wait.
    pub(crate) fn waiter(&self) -> Rc<Waiter> {
        Rc::clone(&self.waiter)
    }

    /// How much of a body is held, of which at most `limit` bytes are wanted.
    fn held(&self, limit: usize) -> usize {
        let length = self.head.text("content-length");
        let length = length.and_then(|length| length.parse().ok());
        length.map_or(limit, |length: usize| length.min(limit))
    }

    /// What has been read. A copy stays here, for the app: the core hands its own back only when it has changed it.
    fn keep(
        &self,
        bytes: Vec<u8>,
        trailers: Option<Trailers>,
        limit: usize,
    ) -> Result<Vec<u8>, BodyError> {
        let fits = bytes.len() <= limit;
        let copy = if fits {
            Ok(bytes.clone())
        } else {
            Err(BodyError::TooLarge)
        };
        self.body.replace(Some(Body::Read(bytes, trailers)));
        copy
    }

    /// Headers, line and body, unless the body could not be read.
    pub(crate) fn into_parts(self) -> Option<(Headers, Line, Body)> {
        Some((self.headers, self.line, self.body.into_inner()?))
    }
}

impl Request for Incoming {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        let (_, value) = self
            .headers
            .iter()
            .rfind(|(name, _)| name == CLIENT_ADDRESS)?;
        let value = std::str::from_utf8(value).ok()?;
        // Also where somebody has joined the values.
        let own = value.rsplit(',').next()?.trim();
        let (host, _) = own.rsplit_once(':')?;
        Some(host.trim_matches(['[', ']']).to_owned())
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let (begun, mut stream, end) = match self.body.take() {
            Some(Body::Unread(request)) => {
                let (_handled, outcome) = wit_future::new(|| Ok(()));
                let (stream, end) = types::Request::consume_body(request, outcome);
                (Vec::new(), stream, end)
            }
            Some(Body::Begun(begun, stream, end)) => (begun, stream, end),
            Some(Body::Read(bytes, trailers)) => return self.keep(bytes, trailers, limit),
            None => return Err(BodyError::Unreadable),
        };
        let receiving = async {
            let bytes = match read(&mut stream, begun, limit).await {
                Ok(bytes) => bytes,
                Err(begun) => {
                    self.body.replace(Some(Body::Begun(begun, stream, end)));
                    return Err(BodyError::TooLarge);
                }
            };
            let trailers = end.await.map_err(|_| BodyError::Unreadable)?;
            Ok((bytes, trailers))
        };
        let held = self.held(limit);
        let (bytes, trailers) = self
            .waiter
            .for_client(held, self.client_address(), receiving)
            .await??;
        self.keep(bytes, trailers, limit)
    }
}

fn method(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
}

fn scheme(scheme: &Scheme) -> &str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
        Scheme::Other(name) => name,
    }
}
