//! A successful answer, in the envelope of every answer: `{"status":0,"msg":"ok","data":{…}}`.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::config::SessionRules;
use crate::cookie;
use crate::json_text::to_json;
use crate::open_data::RingKey;
use crate::records::login::LoggedIn;
use crate::records::record::SessionRecord;

/// A successful answer.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) body: String,
    /// Whose it is: for access logs only.
    pub(crate) openid: Option<Rc<str>>,
    /// The token that it gives.
    pub(crate) token: Option<Zeroizing<String>>,
    /// A value of `set-cookie`.
    pub(crate) cookie: Option<String>,
}

impl Answer {
    pub(super) fn of(session: &SessionRecord, body: String) -> Self {
        Self {
            body,
            openid: Some(Rc::clone(&session.openid.0)),
            ..Self::default()
        }
    }

    /// Of a login.
    pub(super) fn of_login(login: &LoggedIn, rules: &SessionRules, body: String) -> Self {
        let token = Zeroizing::new(login.token.text());
        Self {
            cookie: cookie::set(rules, &token, rules.absolute.as_secs()),
            token: Some(token),
            ..Self::of(&login.session, body)
        }
    }
}

/// 200 with `data`.
pub(crate) fn ok(data: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Ok<'a, T> {
        status: u16,
        msg: &'a str,
        data: &'a T,
    }
    to_json(&Ok {
        status: 0,
        msg: "ok",
        data,
    })
}

/// 200 with `data` that is JSON text already.
pub(super) fn ok_json(json: &str) -> String {
    format!(r#"{{"status":0,"msg":"ok","data":{json}}}"#)
}

/// The same, and which key of the ring opened it.
pub(super) fn ok_opened(json: &str, key: RingKey) -> String {
    let key = key.name();
    format!(r#"{{"status":0,"msg":"ok","data":{json},"key":"{key}"}}"#)
}
