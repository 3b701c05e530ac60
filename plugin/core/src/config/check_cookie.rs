//! Checks the cookie of the token: one that browsers keep, and that the edge alone gives an age.
//! <https://www.rfc-editor.org/rfc/rfc6265#section-4.1>

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::check_headers::{PLAIN, is_plain};
use super::model::{Checked, CookieRules, wrong};

pub(super) fn cookie(
    name: Option<String>,
    attributes: &str,
    origins: Option<Vec<String>>,
) -> Checked<Option<CookieRules>> {
    let Some(name) = name else {
        return match origins {
            Some(_) => wrong(
                "session.cookie_origins",
                "is of no use without session.cookie",
            ),
            None => Ok(None),
        };
    };
    if !is_plain(&name) {
        return wrong("session.cookie", PLAIN);
    }
    for (index, origin) in origins.iter().flatten().enumerate() {
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        let is_origin = !host.is_empty()
            && !host.contains(['/', '?', '#', '@'])
            && origin
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
        if !is_origin {
            let field = format!("session.cookie_origins[{index}]");
            return wrong(
                field,
                "must be as browsers send it, such as https://h5.example.com",
            );
        }
    }
    let attributes = self::attributes(&name, attributes)?;
    Ok(Some(CookieRules {
        cleared: format!("{name}={attributes}; Max-Age=0").into(),
        attributes,
        name,
        origins,
    }))
}

/// The attributes, each with a blank before it: some clients that are no browsers split at `; `.
fn attributes(name: &str, written: &str) -> Checked<String> {
    let mut attributes = String::new();
    let parts = || {
        written
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
    };
    let has = |wanted: &str| parts().any(|part| part.eq_ignore_ascii_case(wanted));
    for part in parts() {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value_is_text = !value.is_empty()
            && value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b',');
        let is_known = match &*key.to_ascii_lowercase() {
            "httponly" | "secure" | "partitioned" => part == key,
            "samesite" => ["strict", "lax", "none"].contains(&&*value.to_ascii_lowercase()),
            "path" => value_is_text && value.starts_with('/'),
            "domain" => value_is_text,
            _ => false,
        };
        if !is_known {
            return wrong(
                "session.cookie_attributes",
                format!(
                    "{part} is none of HttpOnly, Secure, Partitioned, SameSite=, Path=/ and Domain="
                ),
            );
        }
        attributes.push_str("; ");
        attributes.push_str(part);
    }
    let needs_secure = has("samesite=none")
        || has("partitioned")
        || name.starts_with("__Host-")
        || name.starts_with("__Secure-");
    if needs_secure && !has("secure") {
        return wrong(
            "session.cookie_attributes",
            "browsers keep such a cookie with Secure only",
        );
    }
    Ok(attributes)
}
