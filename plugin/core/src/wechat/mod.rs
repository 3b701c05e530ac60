//! WeChat's protocol as pure functions: bytes in, values out. No session, no store and no host word here.

pub(crate) mod access_token;
pub mod answer;
pub(crate) mod api_path;
pub(crate) mod check_session_key;
pub mod client_base64;
pub mod code2session;
pub mod encrypted_data;
pub mod errcode;
mod padding;
pub(crate) mod payload;
pub(crate) mod phone_number;
pub mod push;
pub(crate) mod reset_session_key;
pub mod session_key;
pub mod signature;
