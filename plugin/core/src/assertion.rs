//! A signed statement of the identity for the app: a JWT with HS256 (RFC 7515, RFC 7519), for apps that can be
//! reached by other ways than through this edge.

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use crate::config::Assertion;
use crate::json_text::to_json;
use crate::records::record::SessionRecord;
use crate::time::{UnixMillis, millis};

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    appid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unionid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a str>,
    iat: u64,
    exp: u64,
}

/// `header.payload.signature`; `None` only if the key were unusable, which the configuration rules out.
pub(crate) fn sign(rules: &Assertion, session: &SessionRecord, now: UnixMillis) -> Option<String> {
    let claims = to_json(&Claims {
        iss: "wx-session",
        sub: &session.openid,
        appid: &session.appid,
        unionid: session.unionid.as_deref(),
        attributes: session.attributes.as_deref(),
        iat: now.seconds(),
        exp: now.seconds() + millis(rules.lifetime) / 1000,
    });
    let mut token = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let mut mac = Hmac::<Sha256>::new_from_slice(rules.key.expose().as_bytes()).ok()?;
    mac.update(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
    Some(token)
}
