//! A successful answer, in the envelope of every answer: `{"status":0,"msg":"ok","data":{…}}`.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;

use serde::Serialize;

use crate::open_data::RingKey;
use crate::records::record::SessionRecord;
use crate::reply::to_json;

/// A successful answer, and whose it is: for access logs only.
pub(crate) struct Answer {
    pub(crate) body: String,
    pub(crate) openid: Option<Rc<str>>,
}

impl Answer {
    pub(super) fn of(session: &SessionRecord, body: String) -> Self {
        Self {
            body,
            openid: Some(Rc::clone(&session.openid.0)),
        }
    }
}

/// 200 with `data`.
pub(super) fn ok(data: &impl Serialize) -> String {
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

/// 200 with `data` that is JSON text already, and which key of the ring opened it.
pub(super) fn ok_opened(json: &str, key: RingKey) -> String {
    let key = key.name();
    format!(r#"{{"status":0,"msg":"ok","data":{json},"key":"{key}"}}"#)
}
