//! What a rule has the edge take out of a request before the app sees it: the code of a login, and a token in the body.
//! Says what is left of the request; never looks at what either is worth.

mod content;
mod multipart;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use self::content::{Content, form, only};
use crate::access::without_parameter;
use crate::config::Config;
use crate::head::Head;
use crate::header_names::{LOGIN_HEADERS, is_of_login, reads_as};
use crate::host::{Host, Request};
use crate::params::{Params, once};
use crate::presented::{Presented, presented_with, token_in};
use crate::rejection::Rejection;
use crate::reply::Changes;
use crate::route::{CodePlace, LoginThroughApp, Rule};
use crate::worker::Context;

/// What was taken.
pub(crate) struct Taken {
    /// What the request shows to prove its session, its body included. Of an observed request it may be something that
    /// would be refused.
    pub(crate) presented: Result<Presented, Rejection>,
    /// The code of a login under the name `code`, and the open data beside it. `None` if it brings no code.
    pub(crate) login: Option<Params>,
    /// The body without them, if they were there.
    body: Option<Vec<u8>>,
    /// The parameter of the query that goes.
    parameter: Option<String>,
    /// Names of headers that go.
    headers: Vec<String>,
}

/// Takes what `rule` says. `None` if that is nothing. Of an `observed` request a token of the app's own stays.
pub(crate) async fn take<H: Host, R: Request>(
    context: Context<'_, H>,
    request: &R,
    rule: &Rule,
    observed: bool,
) -> Result<Option<Taken>, Rejection> {
    let head = request.head();
    let login = rule.login.as_ref();
    let of_body = login.filter(|login| login.place == CodePlace::Body);
    if login.is_none() && rule.token_in.is_none() {
        return Ok(None);
    }
    let config = context.config();
    let mut taken = Taken {
        presented: Ok(Presented::Nothing),
        login: None,
        body: None,
        parameter: None,
        headers: Vec::new(),
    };
    let mut tokens = Vec::new();
    if (of_body.is_some() || rule.token_in.is_some())
        && let Some(content) = Content::read(request, config.body_bytes, of_body.is_some()).await?
    {
        if let Some(name) = &rule.token_in {
            tokens = content.texts(name)?;
        }
        if let Some(login) = of_body {
            let code = only(&login.code, content.texts(&login.code)?)?;
            let params = content.params();
            taken.login = params.and_then(|params| of_login(params, config, code));
        }
        let code = of_body.map(|login| &*login.code);
        let is_ours = || tokens.iter().any(|text| token_in(text).is_some());
        let token_in = rule
            .token_in
            .as_deref()
            .filter(|_| !config.session.forward_token && (!observed || is_ours()));
        let goes = |name: &str| Some(name) == code || Some(name) == token_in;
        taken.body = content.without(goes)?;
    }
    match login {
        Some(login) if login.place == CodePlace::Query => taken.take_query(head, config, login)?,
        Some(login) if login.place == CodePlace::Headers => {
            taken.take_headers(head, config, login)?;
        }
        _ => {}
    }
    let beside = rule.token_in.as_deref().map(|name| (name, &*tokens));
    taken.presented = presented_with(head, &config.session, beside);
    if let (Err(rejection), false) = (&taken.presented, observed) {
        return Err(rejection.clone());
    }
    Ok(Some(taken))
}

/// The parameters of a login with this code, if it is one. What else stands beside it is the app's own: another `code`,
/// an `appid` of something else.
fn of_login(params: &Params, config: &Config, code: Option<String>) -> Option<Params> {
    let of_ours = |value: &Value| {
        let appid = value.as_str();
        appid.is_some_and(|appid| config.mini_program(appid).is_some())
    };
    let mut own = params.only(|name, value| match name {
        "code" => false,
        "appid" => of_ours(value),
        _ => LOGIN_HEADERS.iter().any(|(_, own)| *own == name),
    });
    own.insert("code", &code?);
    matches!(own.text("code"), Ok(Some(_))).then_some(own)
}

impl Taken {
    fn take_query(
        &mut self,
        head: &Head,
        config: &Config,
        login: &LoginThroughApp,
    ) -> Result<(), Rejection> {
        let Some((_, query)) = head.text(":path").and_then(|path| path.split_once('?')) else {
            return Ok(());
        };
        let code = only(&login.code, form(query.as_bytes(), &login.code))?;
        if code.is_some() {
            self.parameter = Some(login.code.clone());
        }
        self.login = of_login(&Params::of_query(query), config, code);
        Ok(())
    }

    fn take_headers(
        &mut self,
        head: &Head,
        config: &Config,
        login: &LoginThroughApp,
    ) -> Result<(), Rejection> {
        let code = once(head, &login.code)?.map(ToOwned::to_owned);
        let goes =
            |name: &&str| reads_as(name.as_bytes(), &login.code) || is_of_login(name.as_bytes());
        self.headers = head.names().filter(goes).map(Into::into).collect();
        let params = Params::in_headers(head, config.body_bytes)?;
        self.login = of_login(&params, config, code);
        Ok(())
    }

    /// The body, if something was taken out of it.
    pub(crate) fn left(&self) -> Option<Vec<u8>> {
        self.body.clone()
    }

    /// Has the app get what is left.
    pub(crate) fn leave(&mut self, head: &Head, changes: &mut Changes) {
        if let Some(name) = self.parameter.take() {
            // A token may have been taken out of it too.
            let changed = changes.set.iter().position(|(own, _)| **own == *":path");
            let target = match changed {
                Some(at) => changes.set.remove(at).1,
                None => head.text(":path").unwrap_or_default().into(),
            };
            let rest = without_parameter(&target, &name);
            changes.set.push((":path".into(), rest.into()));
        }
        for name in self.headers.drain(..) {
            if !changes.remove.iter().any(|own| **own == *name) {
                changes.remove.push((*name).into());
            }
        }
        if let Some(body) = self.body.take() {
            changes.replace_body(head, body);
        }
    }
}
