//! What a login request may look like: JSON body, form body, or `X-WX-…` headers (Tencent's Wafer).

use alloc::string::{String, ToString};

use zeroize::Zeroizing;

use crate::access::LOGIN_HEADERS;
use crate::config::App;
use crate::edge::Edge;
use crate::endpoint::open_data::Submitted;
use crate::endpoint::params::Params;
use crate::host::{Head, Header, Host, Request};
use crate::presented::{Presented, presented};
use crate::rejection::{Reason, Rejection};
use crate::session::token::Token;

/// A login request whose parameters are well formed.
pub(super) struct LoginInput<'a> {
    pub(super) app: &'a App,
    pub(super) js_code: Zeroizing<String>,
    /// The session that this phone had before.
    pub(super) old_token: Option<Token>,
    /// What of the open data can be tried. Whatever is wrong with it does not cost the login.
    pub(super) open_data: Submitted,
    /// Something was sent as open data that cannot be any.
    pub(super) open_data_is_malformed: bool,
}

/// Where a request carries the parameters of its login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Body,
    /// `X-WX-…` headers; the body is not looked at.
    Headers,
}

/// Longest code worth sending; WeChat's have 32 characters.
const MAX_CODE: usize = 128;

impl<'a> LoginInput<'a> {
    pub(super) async fn read<H: Host, R: Request>(
        edge: &'a Edge,
        host: &H,
        request: &R,
        place: Place,
    ) -> Result<Self, Rejection> {
        let head = request.head();
        let params = match place {
            Place::Body => Params::read(request, edge.config.body_bytes).await?,
            Place::Headers => from_headers(head)?,
        };
        let js_code = match (params.text("code")?, place) {
            (Some(code), _) => code.trim(),
            (None, Place::Body) => return Err(Reason::MissingParameter.with("code")),
            (None, Place::Headers) => return Err(Reason::MissingParameter.with("X-WX-Code")),
        };
        let well_formed = js_code.len() <= MAX_CODE
            && js_code
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !well_formed {
            return Err(Reason::InvalidParameter.parameter(
                "code",
                "must be the code of wx.login: at most 128 letters, digits, - and _",
            ));
        }
        let (open_data, open_data_is_malformed) = Submitted::usable(&params, host);
        // A token that cannot be one is no reason to refuse a login: it is what the login replaces.
        let told = params.text("token").ok().flatten();
        let old_token = match (told, presented(head, &edge.config.session)?) {
            (Some(text), _) => Token::parse(text),
            (None, Presented::Token(token)) => Some(token),
            (None, _) => None,
        };
        Ok(Self {
            app: app(edge, head, params.text("appid")?)?,
            js_code: Zeroizing::new(js_code.to_string()),
            old_token,
            open_data,
            open_data_is_malformed,
        })
    }
}

/// Headers carry what a body would. Of open data that cannot be read it is noted that it was there.
fn from_headers(head: &Head) -> Result<Params, Rejection> {
    let mut params = Params::default();
    for (header, name) in LOGIN_HEADERS {
        match head.get(header) {
            Header::Absent => {}
            Header::One(value) => params.insert(name, value),
            Header::Ambiguous if name == "code" => {
                return Err(Reason::InvalidHeader.parameter(header, "must occur once and be ASCII"));
            }
            Header::Ambiguous => params.insert_unreadable(name),
        }
    }
    Ok(params)
}

/// Which mini program: named, or read from the Referer of `wx.request`
/// (`https://servicewechat.com/{appid}/{version}/page-frame.html`), or the only one. A hint and no credential: a code
/// is worth something with its own app only.
fn app<'a>(edge: &'a Edge, head: &Head, named: Option<&str>) -> Result<&'a App, Rejection> {
    if let Some(appid) = named {
        return edge.config.app(appid).ok_or(Reason::UnknownApp.into());
    }
    let hint = head
        .text("referer")
        .and_then(|referer| referer.strip_prefix("https://servicewechat.com/"))
        .and_then(|rest| rest.split('/').next());
    let hinted = hint.and_then(|appid| edge.config.app(appid));
    match (hinted, edge.config.apps.as_slice()) {
        (Some(app), _) => Ok(app),
        (None, [only]) => Ok(only),
        _ if hint.is_some() => Err(Reason::UnknownApp.into()),
        _ => Err(Reason::MissingParameter.with("appid")),
    }
}
