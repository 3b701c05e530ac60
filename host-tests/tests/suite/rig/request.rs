//! A request and what came of it, without a word of how either travelled.

use serde_json::Value;
use testkit::fakes::app::SeenByApp;
use testkit::fakes::wechat::Push;

/// What a client sends.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    pub target: Vec<u8>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Option<Vec<u8>>,
    /// Nothing in the head says that there is a body, or how long it is.
    pub unannounced: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Got {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// What the app saw, if it saw anything.
    pub seen: Option<Seen>,
}

/// A request as the app saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl From<SeenByApp> for Seen {
    fn from(seen: SeenByApp) -> Self {
        Self {
            path: seen.path,
            headers: seen.headers,
            body: seen.body,
        }
    }
}

impl From<&Push> for Ask {
    /// As WeChat sends it.
    fn from(push: &Push) -> Self {
        let ask = Self::new(push.method, &push.target).header("user-agent", "Mozilla/4.0");
        match &push.body {
            Some(body) => ask.header("content-type", push.content_type).body(body),
            None => ask,
        }
    }
}

impl Ask {
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.into(),
            target: target.as_ref().into(),
            headers: Vec::new(),
            body: None,
            unannounced: false,
        }
    }

    pub fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    pub fn post(target: impl AsRef<[u8]>, json: &Value) -> Self {
        Self::new("POST", target)
            .header("content-type", "application/json")
            .body(json.to_string())
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().into());
        self
    }

    /// A body that comes in chunks, which is told apart from none by its end only: Envoy takes `transfer-encoding` off.
    pub fn chunked(mut self, body: impl AsRef<[u8]>) -> Self {
        self.unannounced = true;
        self.body(body)
    }

    pub fn token(self, token: &str) -> Self {
        self.header("X-WX-Skey", token)
    }

    /// Headers with the pseudo headers and the length, as a proxy shows them to a filter.
    pub fn head(&self) -> Vec<(String, Vec<u8>)> {
        let mut head = vec![
            (":method".into(), self.method.clone().into_bytes()),
            (":path".into(), self.target.clone()),
            (":authority".into(), b"edge.test".to_vec()),
            (":scheme".into(), b"https".to_vec()),
        ];
        let lower = |(name, value): &(String, Vec<u8>)| (name.to_ascii_lowercase(), value.clone());
        head.extend(self.headers.iter().map(lower));
        if let Some(body) = self.body.as_ref().filter(|_| !self.unannounced) {
            head.push(("content-length".into(), body.len().to_string().into_bytes()));
        }
        head
    }
}

impl Got {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<String> {
        text(&self.headers, name)
    }

    /// What the app saw.
    #[track_caller]
    pub fn seen(&self) -> &Seen {
        self.seen.as_ref().unwrap_or_else(|| {
            panic!(
                "the app saw nothing: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<String> {
        text(&self.headers, name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
    }
}

fn text(headers: &[(String, Vec<u8>)], name: &str) -> Option<String> {
    let mut values = headers
        .iter()
        .filter(|(own, _)| own.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    assert!(values.next().is_none(), "{name} occurs twice");
    Some(String::from_utf8_lossy(value).into_owned())
}
