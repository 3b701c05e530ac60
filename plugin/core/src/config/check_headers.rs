//! Checks the names of headers: each can be sent, and none has two meanings.

use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;

use super::model::{Checked, Config, IdentityHeaders, wrong};
use super::raw;
use crate::header_names::{FIXED, OwnNames, WAFER_ID, is_of_login, parameter_headers};
use crate::reply::TrailerPolicy;
use crate::route::CodePlace;

pub(super) fn header_name(field: &str, name: &str) -> Checked<Rc<str>> {
    let usable = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if usable {
        Ok(name.to_ascii_lowercase().into())
    } else {
        wrong(field, "must be letters, digits and \"-\"")
    }
}

/// What the name of a cookie, of a parameter or of a header that clients send must be.
pub(super) const PLAIN: &str = "must be letters, digits, \"-\" and \"_\"";

pub(super) fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !name.is_empty() && name.bytes().all(plain)
}

/// A header that clients in the field send: some have underscores.
pub(super) fn client_header(field: &str, name: &str) -> Checked<Rc<str>> {
    if is_plain(name) {
        Ok(name.to_ascii_lowercase().into())
    } else {
        wrong(field, PLAIN)
    }
}

/// Names that HTTP or the app need for themselves.
const NOT_OURS: [&str; 11] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The same in a response.
const NOT_OURS_IN_RESPONSES: [&str; 6] = [
    "cache-control",
    "content-encoding",
    "date",
    "location",
    "set-cookie",
    "vary",
];

/// Whether HTTP or the app need this name for themselves in a request or in a response.
pub(super) fn is_taken_in_responses(name: &str) -> bool {
    NOT_OURS.contains(&name) || NOT_OURS_IN_RESPONSES.contains(&name)
}

pub(super) fn identity(raw: &raw::IdentityHeaders) -> Checked<IdentityHeaders> {
    Ok(IdentityHeaders {
        openid: header_name("identity_headers.openid", &raw.openid)?,
        unionid: header_name("identity_headers.unionid", &raw.unionid)?,
        appid: header_name("identity_headers.appid", &raw.appid)?,
        source: header_name("identity_headers.source", &raw.source)?,
        auth_status: header_name("identity_headers.auth_status", &raw.auth_status)?,
        login_event: header_name("identity_headers.login_event", &raw.login_event)?,
        left_out: raw.leave_out.clone(),
    })
}

/// The names of `config` under which an app is told something.
pub(super) fn own_names(config: &Config) -> OwnNames {
    let identity = &config.identity;
    let session = &config.session;
    let on_the_way = session.login_on_the_way.as_ref();
    // What a client presents its token in is no statement, and is taken off as its token.
    let token = on_the_way
        .map(|names| &names.token)
        .filter(|name| !session.headers.contains(name));
    let names = [
        &identity.openid,
        &identity.unionid,
        &identity.appid,
        &identity.source,
        &identity.auth_status,
        &identity.login_event,
    ];
    let names = names
        .into_iter()
        .chain(config.assertion.as_ref().map(|rules| &rules.header))
        .chain(on_the_way.map(|names| &names.expires_in))
        .chain(token)
        .map(Rc::clone);
    OwnNames::new(names.chain(session.wafer.then(|| WAFER_ID.into())))
}

/// Neither a statement of ours nor a token of a session reaches an app in a trailer.
pub(super) fn trailers(config: &Config) -> TrailerPolicy {
    let session = &config.session;
    let cookie = session.cookie.as_ref().map(|_| "cookie".into());
    let tokens = session.headers.iter().map(Rc::clone).chain(cookie);
    TrailerPolicy::new(&config.own_names, tokens.filter(|_| !session.forward_token))
}

/// No header may have two meanings.
pub(super) fn distinct(config: &Config) -> Checked<()> {
    let identity = &config.identity;
    let mut taken: Vec<&str> = config.session.headers.iter().map(|name| &**name).collect();
    taken.extend(FIXED);
    taken.extend(parameter_headers().map(|(name, _)| name));
    if config.session.wafer {
        taken.push(WAFER_ID);
    }
    let assertion = config
        .assertion
        .as_ref()
        .map(|rules| ("assertion.header", &rules.header));
    for (field, name) in [
        ("identity_headers.openid", &identity.openid),
        ("identity_headers.unionid", &identity.unionid),
        ("identity_headers.appid", &identity.appid),
        ("identity_headers.source", &identity.source),
        ("identity_headers.auth_status", &identity.auth_status),
        ("identity_headers.login_event", &identity.login_event),
    ]
    .into_iter()
    .chain(assertion)
    {
        if taken.contains(&&**name) || NOT_OURS.contains(&&**name) {
            return wrong(field, format!("{name} already has another meaning"));
        }
        taken.push(name);
    }
    for (index, rule) in config.routes.rules.iter().enumerate() {
        let of_code = rule
            .login
            .as_ref()
            .filter(|login| login.place == CodePlace::Headers);
        if let Some(name) = of_code.map(|login| &*login.code)
            && (NOT_OURS.contains(&name)
                || config.own_names.has(name.as_bytes())
                || config.session.headers.iter().any(|own| **own == *name))
        {
            let field = format!("routes[{index}].login_code");
            return wrong(field, format!("{name} already has another meaning"));
        }
    }
    let logs_in = config.session.login_on_the_way.is_some();
    for (index, name) in config.session.headers.iter().enumerate() {
        let name = name.as_bytes();
        if config.own_names.has(name) || (logs_in && is_of_login(name)) {
            return wrong(
                format!("session.headers[{index}]"),
                "already has another meaning",
            );
        }
    }
    Ok(())
}
