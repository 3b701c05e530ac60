//! Checks the wordings of our answers: an object with `data` where our clients look for it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::model::{Answers, Checked, wrong};
use super::raw;
use crate::wording::{Place, Wording, Wordings, wafer};

pub(super) fn answers(raw: raw::Answers, for_wafer: bool) -> Checked<Answers> {
    let session = refusal("answers.session", raw.session)?;
    let all = Wordings {
        ok: ok(raw.ok)?,
        session: if for_wafer {
            wafer::bad_session().with(&session)
        } else {
            session
        },
        other: refusal("answers.other", raw.other)?,
    };
    let weapp = for_wafer.then(|| {
        let user = Wordings {
            ok: wafer::of_user(),
            ..all.clone()
        };
        (wafer::of_login(), user)
    });
    Ok(Answers {
        all,
        weapp,
        of_push: Wordings::default(),
    })
}

/// What one route says in place of what is said for `all`.
pub(super) fn of_route(
    field: &str,
    raw: Option<raw::RouteAnswers>,
    all: &Wordings,
) -> Checked<Option<Wordings>> {
    let Some(raw) = raw else { return Ok(None) };
    let mut wordings = all.clone();
    if let Some(session) = raw.session {
        wordings.session = refusal(&format!("{field}.session"), session)?;
    }
    if let Some(other) = raw.other {
        wordings.other = refusal(&format!("{field}.other"), other)?;
    }
    Ok(Some(wordings))
}

fn ok(raw: raw::Ok) -> Checked<Wording> {
    let token_as = raw.token_as.map(|written| {
        let (in_data, name) = match written.strip_prefix("data.") {
            Some(name) => (true, name),
            None => (false, &*written),
        };
        let name = member("answers.ok.token_as", name.into())?;
        Checked::Ok(Place { in_data, name })
    });
    Ok(Wording {
        http_status: None,
        members: members("answers.ok", raw.members)?,
        message_as: message_as("answers.ok", raw.message_as)?,
        token_as: token_as.transpose()?,
    })
}

fn refusal(field: &str, raw: raw::Refusal) -> Checked<Wording> {
    if let Some(status) = raw.http_status
        && (!(200..600).contains(&status) || [204, 205, 304].contains(&status))
    {
        return wrong(
            format!("{field}.http_status"),
            "must be the status of an answer with a body, between 200 and 599",
        );
    }
    Ok(Wording {
        http_status: raw.http_status,
        members: members(field, raw.members)?,
        message_as: message_as(field, raw.message_as)?,
        token_as: None,
    })
}

fn members(field: &str, raw: Map<String, Value>) -> Checked<Vec<(String, Value)>> {
    let mut members = Vec::new();
    for (name, value) in raw {
        let field = format!("{field}.members.{name}");
        if !(value.is_string() || value.is_number() || value.is_boolean()) {
            return wrong(field, "must be a text, a number, true or false");
        }
        members.push((member(&field, name)?, value));
    }
    Ok(members)
}

fn message_as(field: &str, raw: Option<String>) -> Checked<Option<String>> {
    let field = format!("{field}.message_as");
    raw.map(|name| member(&field, name)).transpose()
}

fn member(field: &str, name: String) -> Checked<String> {
    match &*name {
        "" => wrong(field, "must not be empty"),
        "data" => wrong(field, "data holds what the endpoint says"),
        _ => Ok(name),
    }
}
