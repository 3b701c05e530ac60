//! Parameters of a request body: JSON or form, one shape for the endpoints.

use alloc::string::String;

use serde_json::{Map, Value};

use crate::host::{Header, Request};
use crate::rejection::{Reason, Rejection};

/// Named parameters. An empty string counts as absent, as forms cannot say otherwise.
#[derive(Default)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Reads the body of `request`, at most `limit` bytes.
    pub(crate) async fn read(request: &impl Request, limit: usize) -> Result<Self, Rejection> {
        let kind = content_type(request)?;
        let body = request.body(limit).await?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        match kind {
            Kind::Json => from_json(&body),
            Kind::Form => Ok(from_form(&body)),
        }
    }

    pub(crate) fn insert(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), value.into());
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

enum Kind {
    Json,
    Form,
}

/// `wx.request` sends `application/json` unless told otherwise; a body without a type is taken for that.
fn content_type(request: &impl Request) -> Result<Kind, Rejection> {
    let value = match request.head().get("content-type") {
        Header::Absent => return Ok(Kind::Json),
        Header::One(value) => value,
        Header::Ambiguous => {
            return Err(Reason::InvalidHeader.parameter("content-type", "must occur once"));
        }
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(Kind::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(Kind::Form)
    } else {
        Err(Reason::UnsupportedMediaType
            .with("content-type must be application/json or application/x-www-form-urlencoded"))
    }
}

fn from_json(body: &[u8]) -> Result<Params, Rejection> {
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
