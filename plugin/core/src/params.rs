//! Parameters of a request body: JSON or form, one shape for the endpoints.

use alloc::string::String;

use serde_json::{Map, Value};

use crate::host::Request;
use crate::media_type::{self, Kind};
use crate::rejection::{Reason, Rejection};

/// Named parameters. An empty string counts as absent, as forms cannot say otherwise.
#[derive(Default)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Reads the body of `request`, at most `limit` bytes.
    pub(crate) async fn read(request: &impl Request, limit: usize) -> Result<Self, Rejection> {
        // A type that is refused is refused before its body is waited for.
        let says_form = says_form(request)?;
        let body = request.body(limit).await?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        // Many clients name the type of forms and send JSON, and no form looks like this.
        if says_form && !is_object(&body) {
            Ok(from_form(&body))
        } else {
            from_json(&body)
        }
    }

    pub(crate) fn insert(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), value.into());
    }

    /// Something is there under this name, and nobody can say what.
    pub(crate) fn insert_unreadable(&mut self, name: &str) {
        self.0.insert(name.into(), Value::Bool(false));
    }

    /// The text of `name`, if it is there.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Rejection> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Reason::InvalidParameter.parameter(name, "must be a string")),
        }
    }

    /// The text of `name`, which must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, Rejection> {
        self.text(name)?
            .ok_or_else(|| Reason::MissingParameter.with(name))
    }

    /// Whether `name` is true, in JSON or as form text.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, Rejection> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if ["", "0", "false"].contains(&text.as_str()) => Ok(false),
            Some(Value::String(text)) if ["1", "true"].contains(&text.as_str()) => Ok(true),
            Some(_) => Err(Reason::InvalidParameter.parameter(name, "must be true or false")),
        }
    }
}

/// Whether the body is said to be a form and not JSON. `wx.request` sends `application/json` unless told otherwise; a
/// body without a type is taken for that.
fn says_form(request: &impl Request) -> Result<bool, Rejection> {
    let media_type = media_type::of(request.head())?;
    let problem = match media_type.kind() {
        Kind::Json => return Ok(false),
        Kind::Form => return Ok(true),
        Kind::Unsaid if !media_type.is_there() => return Ok(false),
        Kind::Unsaid => "content-type is empty",
        Kind::Malformed => "content-type must be one media type, such as application/json",
        Kind::Multipart | Kind::Other => {
            "content-type must be application/json or application/x-www-form-urlencoded"
        }
    };
    Err(Reason::UnsupportedMediaType.with(problem))
}

/// Whether a body begins as JSON objects do.
fn is_object(body: &[u8]) -> bool {
    let inner = body.trim_ascii_start().strip_prefix(b"{");
    inner.is_some_and(|inner| inner.trim_ascii_start().starts_with(b"\""))
}

fn from_json(body: &[u8]) -> Result<Params, Rejection> {
    // What some editors and libraries write before a text.
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(Params(map)),
        Ok(_) => Err(Reason::MalformedBody.with("the body must be a JSON object")),
        Err(error) if error.is_eof() => {
            Err(Reason::MalformedBody.with("the JSON body ends too early"))
        }
        Err(_) => Err(Reason::MalformedBody.with("the body is not valid JSON")),
    }
}

fn from_form(body: &[u8]) -> Params {
    let pairs = form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
    Params(pairs.collect())
}
