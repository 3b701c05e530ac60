//! Open data in the JSON body of a request for the app: opened on the way, so that the app finds the object that
//! WeChat made, verified, where the client put `encryptedData` and `iv`, or the code of a phone number's button. The rest of the body stays as it was written.
//! Never forwards what it could not open, nor a body in which the client itself wrote the name that only we may write.

mod encodings;
mod names;
mod sent;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use self::names::Own;
use self::sent::find;
use crate::gate::Holder;
use crate::head::{Head, Header};
use crate::host::{BodyError, Host, Request};
use crate::json_text;
use crate::media_type::{self, Kind, MediaType};
use crate::open_data::phone::number;
use crate::open_data::{self, Submitted};
use crate::rejection::{Reason, Rejection};
use crate::reply::Changes;
use crate::route::OpenBody;
use crate::spelling::same_name;
use crate::worker::Context;

/// Opens what the body of `request` holds, and has the app get the result. A body without open data stays untouched.
pub(crate) async fn open<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    rules: &OpenBody,
    holder: Holder,
    changes: &mut Changes,
) -> Result<(), Rejection> {
    let limit = context.config().body_bytes;
    let own = Own { name: &rules.name };
    let head = request.head();
    own.not_in_head(head)?;
    // Spring binds headers as parameters, too.
    let ours = head.names().filter(|name| same_name(name, &rules.name));
    changes.remove.extend(ours.map(Into::into));
    let media_type = media_type::of(head)?;
    if let Some(value) = media_type.doubled {
        changes.set.push(("content-type".into(), value.into()));
    }
    let rest = changes.body.take();
    let request = &Rest {
        request,
        body: rest,
    };
    let read = read(request, &media_type, rules, &own, limit).await;
    changes.body = request.body.clone();
    let Some(body) = read? else {
        return Ok(());
    };
    let Some(sent) = find(judged(&body, &own)?, rules)? else {
        return Ok(());
    };
    // Data that was sent to be opened is refused where nobody can open it: the app need not understand it unopened.
    let (token, session) = holder?;
    let opened = match sent.phone_code(rules)? {
        Some((name, code)) => {
            fits(body.len() + LONGEST_NUMBER, limit)?;
            let number = number(context, &token, &session, name, &code);
            Box::pin(number).await?.json
        }
        None => {
            let submitted = Submitted::from_params(&sent.params()?, context.host)?;
            let owner = open_data::open(context, &token, session, &submitted).await?;
            owner.opened.open_data.ok_or(Reason::Internal)?.json
        }
    };
    let body = sent.with(rules, &opened).ok_or(Reason::Internal)?;
    fits(body.len(), limit)?;
    changes.replace_body(head, body);
    Ok(())
}

/// That open data can be looked for in a request, of whose body `left` is left, if something was taken: before a code is
/// spent that stands beside it.
pub(crate) async fn judge<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    left: Option<Vec<u8>>,
    rules: &OpenBody,
) -> Result<(), Rejection> {
    let limit = context.config().body_bytes;
    let own = Own { name: &rules.name };
    let head = request.head();
    own.not_in_head(head)?;
    let media_type = media_type::of(head)?;
    let request = &Rest {
        request,
        body: left,
    };
    if let Some(body) = read(request, &media_type, rules, &own, limit).await? {
        find(judged(&body, &own)?, rules)?;
    }
    Ok(())
}

/// The JSON of a body in which the client has not written our name itself.
fn judged<'a>(body: &'a [u8], own: &Own<'_>) -> Result<&'a str, Rejection> {
    let text = json(body)?;
    own.not_in_json(text)?;
    own.not_in_form_of_json(text)?;
    Ok(text)
}

/// What a number adds to a body is less, in bytes, beside its name. For one that may not fit, no code is spent.
const LONGEST_NUMBER: usize = 512;

/// That a body of `length` fits into what the host has room for: open data may grow when it is opened.
fn fits(length: usize, limit: usize) -> Result<(), Rejection> {
    if length > limit {
        return Err(Reason::BodyTooLarge.with("the body is too large when its open data is opened"));
    }
    Ok(())
}

/// A request of whose body something may have been taken.
struct Rest<'a, R> {
    request: &'a R,
    /// What is left, if so.
    body: Option<Vec<u8>>,
}

impl<R: Request> Request for Rest<'_, R> {
    fn head(&self) -> &Head {
        self.request.head()
    }

    fn client_address(&self) -> Option<alloc::string::String> {
        self.request.client_address()
    }

    async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        match &self.body {
            Some(rest) if rest.len() > limit => Err(BodyError::TooLarge),
            Some(rest) => Ok(rest.clone()),
            None => self.request.body(limit).await,
        }
    }
}

/// The body, if an app reads it as JSON. In a form or a multipart body the client must not write our name either.
async fn read(
    request: &impl Request,
    media_type: &MediaType<'_>,
    rules: &OpenBody,
    own: &Own<'_>,
    limit: usize,
) -> Result<Option<Vec<u8>>, Rejection> {
    let kind = media_type.kind();
    let problem = match kind {
        _ if !media_type.is_unambiguous() => {
            "content-type must be one media type and say one thing"
        }
        Kind::Json | Kind::Unsaid => "",
        _ if !rules.passes_other_types => "content-type must be application/json",
        Kind::Other => return Ok(None),
        _ => "",
    };
    if !problem.is_empty() {
        return match request.body(0).await {
            // Many clients name a type on requests that have no body.
            Ok(_) => Ok(None),
            Err(BodyError::TooLarge) => Err(Reason::UnsupportedMediaType.with(problem)),
            Err(other) => Err(other.into()),
        };
    }
    let body = match request.body(limit).await {
        Err(BodyError::TooLarge) if matches!(kind, Kind::Form | Kind::Multipart) => {
            let problem = "a form on this route is looked into, so it must fit limits.body_bytes";
            return Err(Reason::BodyTooLarge.with(problem));
        }
        body => body?,
    };
    if body.is_empty() {
        return Ok(None);
    }
    if !media_type.is_utf8() {
        return Err(Reason::UnsupportedMediaType.with("charset must be utf-8"));
    }
    match request.head().get("content-encoding") {
        Header::Absent => {}
        Header::One(coding) if coding.is_empty() || coding.eq_ignore_ascii_case("identity") => {}
        _ => return Err(Reason::UnsupportedMediaType.with("the body must not be compressed")),
    }
    match kind {
        Kind::Json => return Ok(Some(body)),
        // Rack, and Perl's CGI, read a body without a type as a form.
        Kind::Unsaid => {
            own.not_in_form(&body)?;
            return Ok(Some(body));
        }
        Kind::Form => {
            own.not_in_form(&body)?;
            // Nor where an app looks at the body instead of its type.
            own.not_in_json(&String::from_utf8_lossy(&body))?;
        }
        _ => own.not_in_multipart(&body)?,
    }
    Ok(None)
}

fn json(body: &[u8]) -> Result<&str, Rejection> {
    let text = core::str::from_utf8(body)
        .map_err(|_| Reason::MalformedBody.with("the body is not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(Reason::MalformedBody.with("the body begins with a byte order mark"));
    }
    match json_text::check(text) {
        Ok(()) => Ok(text),
        Err(error) if error.is_eof() => {
            Err(Reason::MalformedBody.with("the JSON body ends too early"))
        }
        Err(_) => Err(Reason::MalformedBody.with("the body is not valid JSON")),
    }
}
