//! What a login request may look like: JSON body, form body, `X-WX-…` headers (Tencent's Wafer), or what its route took out
//! of it. Whose app it is may stand in a header beside each.

use alloc::string::{String, ToString};

use zeroize::Zeroizing;

use crate::config::{Config, MiniProgram};
use crate::cookie::judge_origin;
use crate::head::Head;
use crate::header_names::APP;
use crate::host::{Host, Request};
use crate::open_data::Submitted;
use crate::params::{Params, once};
use crate::placeholder::is_placeholder;
use crate::presented::{Presented, presented_with};
use crate::records::record::code_key;
use crate::records::token::Token;
use crate::rejection::{Reason, Rejection};
use crate::release::of_referer;
use crate::store::Key;
use crate::worker::Context;

/// The parameter in which a client may name the session that it had before.
const TOKEN: &str = "token";

/// A login request whose parameters are well formed.
pub(super) struct LoginInput<'a> {
    pub(super) mini_program: &'a MiniProgram,
    pub(super) js_code: Zeroizing<String>,
    /// The session that this phone had before.
    pub(super) old_token: Option<Token>,
    /// What of the open data can be tried. Whatever is wrong with it does not cost the login.
    pub(super) open_data: Submitted,
    /// Something was sent as open data that cannot be any.
    pub(super) open_data_is_malformed: bool,
    /// It is no login: only whose code it is is wanted.
    pub(super) binds: bool,
}

/// Where a request carries the parameters of its login.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Body,
    /// `X-WX-…` headers; the body is not looked at.
    Headers,
    /// They were taken out of it before, with what it shows of an old session.
    Taken {
        params: &'a Params,
        presented: &'a Presented,
        binds: bool,
    },
}

impl<'a> LoginInput<'a> {
    pub(super) async fn read<H: Host, R: Request>(
        context: Context<'a, H>,
        request: &R,
        source: Source<'_>,
    ) -> Result<Self, Rejection> {
        let Context { worker, host } = context;
        let config = &worker.config;
        let head = request.head();
        judge_origin(head, &config.session)?;
        let read;
        let (params, binds) = match source {
            Source::Body => {
                read = Params::read(request, config.body_bytes).await?;
                (&read, false)
            }
            Source::Headers => {
                read = Params::in_headers(head, config.body_bytes)?;
                (&read, false)
            }
            Source::Taken { params, binds, .. } => (params, binds),
        };
        let js_code = params.required("code")?.trim();
        let mini_program = mini_program(config, head, named(head, params)?)?;
        let platform = mini_program.platform.row();
        if !(platform.is_code)(js_code) {
            return Err(Reason::InvalidParameter.parameter("code", platform.code_form));
        }
        let (open_data, open_data_is_malformed) = Submitted::usable(params, host);
        let shown = match source {
            Source::Taken { presented, .. } => presented.clone(),
            Source::Body | Source::Headers => {
                let told = params.texts(TOKEN);
                let beside = (TOKEN, told.as_slice());
                presented_with(head, &config.session, Some(beside))?
            }
        };
        // What cannot be a token is no reason to refuse a login: it is what the login replaces.
        let old_token = match shown {
            Presented::Token(token) if !binds => Some(token),
            _ => None,
        };
        Ok(Self {
            mini_program,
            js_code: Zeroizing::new(js_code.to_string()),
            old_token,
            open_data,
            open_data_is_malformed,
            binds,
        })
    }
}

impl LoginInput<'_> {
    /// The entry of this code's memory. A code that binds is never given again as a login.
    pub(super) fn code_key(&self) -> Key {
        let appid = &self.mini_program.appid;
        if self.binds {
            code_key(appid, &["bind ", &self.js_code].concat())
        } else {
            code_key(appid, &self.js_code)
        }
    }
}

/// The app id that the request gives: in a parameter, or in the header that may stand beside any of them.
fn named<'a>(head: &'a Head, params: &'a Params) -> Result<Option<&'a str>, Rejection> {
    let in_header = once(head, APP)?.filter(|appid| !is_placeholder(appid));
    match (params.text("appid")?, in_header) {
        (Some(appid), Some(other)) if appid != other => {
            Err(Reason::InvalidParameter.parameter("appid", "X-WX-App names another one"))
        }
        (appid, other) => Ok(appid.or(other)),
    }
}

/// Which mini program: named, or read from the Referer of `wx.request`
/// (`https://servicewechat.com/{appid}/{version}/page-frame.html`), or the only one. A hint and no credential: a code
/// is worth something with its own app only.
fn mini_program<'a>(
    config: &'a Config,
    head: &Head,
    named: Option<&str>,
) -> Result<&'a MiniProgram, Rejection> {
    if let Some(appid) = named {
        return config.mini_program(appid).ok_or(Reason::UnknownApp.into());
    }
    let hint = head.text("referer").and_then(of_referer);
    let hint = hint.map(|(appid, _)| appid);
    let hinted = hint.and_then(|appid| config.mini_program(appid));
    match (hinted, config.mini_programs.as_slice()) {
        (Some(own), _) => Ok(own),
        (None, [only]) => Ok(only),
        _ if hint.is_some() => Err(Reason::UnknownApp.into()),
        _ => Err(Reason::MissingParameter.with("appid")),
    }
}
