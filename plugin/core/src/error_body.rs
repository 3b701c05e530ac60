//! The JSON of a refusal, in the field's envelope. Plain data: which fields it has says the table of `rejection`.

use serde::Serialize;

/// `{"status":2001,"msg":"…","error":"no_session","action":"relogin", …}`
#[derive(Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) status: u16,
    pub(crate) msg: &'a str,
    pub(crate) error: &'a str,
    pub(crate) action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Data>,
}

/// What a 401 says of the session.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Data {
    #[serde(rename_all = "camelCase")]
    Session {
        has_session: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        expired: Option<bool>,
    },
}
