//! The JSON of a refusal, in the field's envelope. Plain data: which fields it has says the table of `rejection`.

use serde::Serialize;

/// `{"status":2001,"msg":"…","error":"no_session","action":"relogin", …}`
#[derive(Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) status: u16,
    pub(crate) msg: &'a str,
    pub(crate) error: &'a str,
    /// What `error` would say, were it not Wafer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    pub(crate) action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Data>,
    /// An answer that has it makes the client of Tencent's Wafer 1 drop its session: so it is on none but those of its
    /// login and those of a bad session.
    #[serde(
        rename = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) wafer_mark: Option<u8>,
    /// Wafer 2's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<i8>,
    /// Both Wafers'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'a str>,
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
