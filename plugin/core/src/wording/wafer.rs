//! Tencent's Wafer, 1 and 2: what its clients, which cannot be changed any more, take an answer by.

use serde_json::Value;

use super::{Place, Wording, Wordings};

/// An answer that has it makes the client of Wafer 1 drop its session: so it is on none but those of its login and
/// those of a bad session.
const MARK: &str = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A";

/// By this `error` the client of Wafer 1 knows a bad session: it clears it, logs in and tries once more.
const BAD_SESSION: &str = "ERR_INVALID_SESSION";

/// What Wafer 2 reads of every answer.
fn wording(code: i8) -> Wording {
    Wording {
        members: [("code".into(), Value::from(code))].into(),
        message_as: Some("message".into()),
        ..Wording::default()
    }
}

fn marked(code: i8) -> Wording {
    let mut wording = wording(code);
    wording.members.push((MARK.into(), Value::from(1)));
    wording
}

/// A refusal about the session, of whatever request.
pub(crate) fn bad_session() -> Wording {
    let mut wording = marked(-1);
    let error = ("error".into(), Value::from(BAD_SESSION));
    wording.members.push(error);
    wording
}

/// The answers of its login.
pub(crate) fn of_login() -> Wordings {
    let skey = Place {
        in_data: true,
        name: "skey".into(),
    };
    Wordings {
        ok: Wording {
            token_as: Some(skey),
            ..marked(0)
        },
        session: bad_session(),
        other: marked(-1),
    }
}

/// A good answer of its other endpoint.
pub(crate) fn of_user() -> Wording {
    wording(0)
}
