//! A request as it came: its head for the core, and its body, which is either read here or passed on unread.

use std::cell::RefCell;

use spin_sdk::wasip3::http::types::{self, Method, Scheme};
use spin_sdk::wasip3::wit_future;
use wx_session_core::{BodyError, Head, Request};

use crate::outbound::read;

/// Set by Spin on every request, in place of what a client wrote there: address and port of the connection.
const CLIENT_ADDRESS: &str = "spin-client-addr";

pub(crate) struct Incoming {
    head: Head,
    /// Gone when the body has been read.
    request: RefCell<Option<types::Request>>,
}

impl Incoming {
    pub(crate) fn new(request: types::Request) -> Self {
        let mut pairs = request.get_headers().copy_all();
        for (name, _) in &mut pairs {
            name.make_ascii_lowercase();
        }
        let pseudo = [
            (":method", Some(method(request.get_method()))),
            (":path", request.get_path_with_query()),
            (":authority", request.get_authority()),
            (":scheme", request.get_scheme().map(scheme)),
        ];
        pairs.extend(
            pseudo
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.into_bytes()))),
        );
        Self {
            head: Head::from_pairs(pairs),
            request: RefCell::new(Some(request)),
        }
    }

    /// Head and request, unless the body has been read.
    pub(crate) fn into_parts(self) -> Option<(Head, types::Request)> {
        Some((self.head, self.request.into_inner()?))
    }
}

impl Request for Incoming {
    fn head(&self) -> &Head {
        &self.head
    }

    fn client_address(&self) -> Option<String> {
        let address = self.head.text(CLIENT_ADDRESS)?;
        let (host, _) = address.rsplit_once(':')?;
        Some(host.trim_matches(['[', ']']).to_owned())
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let request = self.request.take().ok_or(BodyError::Unreadable)?;
        let (_handled, outcome) = wit_future::new(|| Ok(()));
        let (stream, end) = types::Request::consume_body(request, outcome);
        match read(stream, limit).await {
            None => Err(BodyError::TooLarge),
            Some(body) => end.await.map(|_| body).map_err(|_| BodyError::Unreadable),
        }
    }
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

fn scheme(scheme: Scheme) -> String {
    match scheme {
        Scheme::Http => "http".to_owned(),
        Scheme::Https => "https".to_owned(),
        Scheme::Other(name) => name,
    }
}
