//! Checks endpoints and route rules: every path is canonical, and none is said twice.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::check_answers::of_route;
use super::check_headers::{PLAIN, client_header, is_plain};
use super::model::{Checked, wrong};
use super::raw;
use crate::path;
use crate::route::{
    CodePlace, Endpoint, LoginThroughApp, Mode, Need, OpenBody, Outage, Pattern, Routes, Rule,
};
use crate::spelling::says;
use crate::wechat::encrypted_data::SENT;
use crate::wording::Wordings;

pub(super) fn endpoints(raw: &raw::Endpoints, wafer: bool) -> Checked<Vec<(String, Endpoint)>> {
    let named = [
        ("login", Endpoint::Login, &raw.login),
        ("session", Endpoint::Session, &raw.session),
        ("verify", Endpoint::Verify, &raw.verify),
        ("decrypt", Endpoint::Decrypt, &raw.decrypt),
        ("register", Endpoint::Register, &raw.register),
        ("phone", Endpoint::Phone, &raw.phone),
        ("user", Endpoint::User, &raw.user),
        ("logout", Endpoint::Logout, &raw.logout),
    ];
    let prefix = raw.prefix.trim_end_matches('/');
    if !prefix.is_empty() {
        plain_path("endpoints.prefix", prefix)?;
    }
    let named = named.map(|(name, endpoint, own)| {
        let path = own.clone().unwrap_or_else(|| format!("{prefix}/{name}"));
        (name, endpoint, path)
    });
    // The paths of Wafer's startup kits, which stand in its clients.
    let weapp = [
        ("weapp_login", Endpoint::WeappLogin, &raw.weapp_login),
        ("weapp_user", Endpoint::WeappUser, &raw.weapp_user),
    ];
    if !wafer && let Some((name, ..)) = weapp.iter().find(|(.., own)| own.is_some()) {
        let field = format!("endpoints.{name}");
        return wrong(field, "is of use with compat: wafer only");
    }
    let weapp = weapp.into_iter().filter(|_| wafer);
    let weapp = weapp.map(|(name, endpoint, own)| {
        let path = own
            .clone()
            .unwrap_or_else(|| format!("/{}", name.replace('_', "/")));
        (name, endpoint, path)
    });
    let mut paths: Vec<(String, Endpoint)> = vec![];
    for (name, endpoint, path) in named.into_iter().chain(weapp) {
        let field = format!("endpoints.{name}");
        plain_path(&field, &path)?;
        if paths.iter().any(|(earlier, _)| *earlier == path) {
            return wrong(
                field,
                format!("{path} is already the path of another endpoint"),
            );
        }
        paths.push((path, endpoint));
    }
    Ok(paths)
}

/// A configured path is written decoded and in canonical form; anything else could never match a request.
pub(super) fn plain_path(field: &str, text: &str) -> Checked<()> {
    if text.contains('%') {
        return wrong(field, "must be written decoded, without percent-encoding");
    }
    path::unambiguous(text).or_else(|problem| wrong(field, problem))
}

pub(super) fn mode(raw: raw::Mode) -> Mode {
    match raw {
        raw::Mode::Enforce => Mode::Enforce,
        raw::Mode::Observe => Mode::Observe,
    }
}

/// A path that can be read in two ways may lead an app to any route: it goes on only where no route would have looked
/// at it.
pub(super) fn observed_paths(raw: raw::ObservePaths, routes: &Routes) -> Checked<bool> {
    if raw == raw::ObservePaths::Refuse {
        return Ok(false);
    }
    const FIELD: &str = "observe_paths";
    if !routes.enforces_nothing() {
        return wrong(
            FIELD,
            "tell is for mode: observe, without a route that enforces",
        );
    }
    if let Some(at) = routes
        .rules
        .iter()
        .position(|rule| rule.open_data.is_some())
    {
        let problem = format!("tell would lead bodies around the open_data of routes[{at}]");
        return wrong(FIELD, problem);
    }
    Ok(true)
}

/// `usual`: of routes that do not say.
pub(super) fn rules(raw: Vec<raw::Route>, all: &Wordings, usual: Mode) -> Checked<Vec<Rule>> {
    let mut rules = Vec::new();
    for (index, route) in raw.into_iter().enumerate() {
        let field = |name: &str| format!("routes[{index}].{name}");
        let pattern = match (&route.path, &route.prefix) {
            (Some(path), None) => {
                plain_path(&field("path"), path)?;
                Pattern::Exact(path.clone())
            }
            (None, Some(prefix)) => {
                plain_path(&field("prefix"), prefix)?;
                Pattern::Prefix(prefix.trim_end_matches('/').into())
            }
            _ => return wrong(format!("routes[{index}]"), "needs either path or prefix"),
        };
        for (at, method) in route.methods.iter().enumerate() {
            if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return wrong(
                    format!("routes[{index}].methods[{at}]"),
                    "must be an HTTP method in capitals, such as \"GET\"",
                );
            }
        }
        let outage = match (route.outage, &route.session) {
            (raw::Outage::Closed, _) => Outage::Closed,
            (_, raw::SessionNeed::Public) => {
                return wrong(
                    field("outage"),
                    "is of no use on a public route: it needs no session",
                );
            }
            (raw::Outage::Stale, _) => Outage::Stale,
            (raw::Outage::Anonymous, raw::SessionNeed::Optional) => Outage::Anonymous,
            (raw::Outage::Anonymous, raw::SessionNeed::Required) => {
                return wrong(
                    field("outage"),
                    "anonymous is for optional routes only: this one needs a session",
                );
            }
        };
        let rule = Rule {
            pattern,
            outage,
            open_data: open_body(&route, field)?,
            token_in: token_in(&route, field)?,
            login: login(&route, field)?,
            answers: of_route(&field("answers"), route.answers, all)?,
            mode: route.mode.map_or(usual, mode),
            methods: route.methods,
            need: match route.session {
                raw::SessionNeed::Required => Need::Required,
                raw::SessionNeed::Optional => Need::Optional,
                raw::SessionNeed::Public => Need::Public,
            },
            upgrades: route
                .upgrades
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
        };
        if let Some(earlier) = rules.iter().position(|earlier: &Rule| earlier.hides(&rule)) {
            let problem =
                format!("is never reached: routes[{earlier}] matches all of it and comes first");
            return wrong(format!("routes[{index}]"), problem);
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn open_body(route: &raw::Route, field: impl Fn(&str) -> String) -> Checked<Option<OpenBody>> {
    if route.open_data.is_none() {
        let idle = [
            ("open_data_in", route.open_data_in.is_some()),
            ("open_data_as", route.open_data_as.is_some()),
            ("open_data_phone_code", route.open_data_phone_code.is_some()),
            (
                "open_data_other_types",
                route.open_data_other_types.is_some(),
            ),
        ];
        return match idle.iter().find(|(_, is_set)| *is_set) {
            Some((name, _)) => wrong(field(name), "is of no use without open_data: body"),
            None => Ok(None),
        };
    }
    if matches!(route.session, raw::SessionNeed::Public) {
        let problem = "cannot be on a public route: only the keys of a session open it";
        return wrong(field("open_data"), problem);
    }
    if !route.upgrades.is_empty() {
        let problem = "cannot be on a route with upgrades: their bodies have no end";
        return wrong(field("open_data"), problem);
    }
    let object = route.open_data_in.clone();
    if object.as_deref() == Some("") {
        return wrong(field("open_data_in"), "must not be empty");
    }
    let name = route.open_data_as.as_deref().unwrap_or("openData");
    if !is_plain(name) || !name.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return wrong(field("open_data_as"), PLAIN);
    }
    // What a client must send cannot be what no client may send.
    let phone_code = route.open_data_phone_code.as_deref().unwrap_or("phoneCode");
    if SENT.contains(&phone_code) || object.as_deref() == Some(phone_code) {
        let problem = "must be the name of a member of its own";
        return wrong(field("open_data_phone_code"), problem);
    }
    let phone_code = Some(phone_code).filter(|name| !name.is_empty());
    let sent = SENT.into_iter().chain(object.as_deref()).chain(phone_code);
    if let Some(taken) = sent.into_iter().find(|taken| says(taken, name)) {
        return wrong(
            field("open_data_as"),
            format!("{name} would be refused: clients send {taken}"),
        );
    }
    Ok(Some(OpenBody {
        object,
        name: name.into(),
        phone_code: phone_code.map(Into::into),
        passes_other_types: route.open_data_other_types == Some(raw::OtherTypes::Pass),
    }))
}

fn token_in(route: &raw::Route, field: impl Fn(&str) -> String) -> Checked<Option<String>> {
    let Some(name) = &route.session_in else {
        return Ok(None);
    };
    if name.is_empty() || SENT.contains(&&**name) {
        return wrong(
            field("session_in"),
            "must be the name of a member of its own",
        );
    }
    if !route.upgrades.is_empty() {
        let problem = "cannot be on a route with upgrades: their bodies have no end";
        return wrong(field("session_in"), problem);
    }
    Ok(Some(name.clone()))
}

fn login(route: &raw::Route, field: impl Fn(&str) -> String) -> Checked<Option<LoginThroughApp>> {
    let Some(place) = route.login else {
        let idle = [
            ("login_code", route.login_code.is_some()),
            ("login_errors", route.login_errors.is_some()),
            ("login_binds", route.login_binds.is_some()),
        ];
        return match idle.iter().find(|(_, is_set)| *is_set) {
            Some((name, _)) => wrong(field(name), "is of no use without login"),
            None => Ok(None),
        };
    };
    if !route.upgrades.is_empty() {
        let problem = "cannot be on a route with upgrades: the app could not refuse it";
        return wrong(field("login"), problem);
    }
    let (place, usual) = match place {
        raw::LoginPlace::Body => (CodePlace::Body, "code"),
        raw::LoginPlace::Query => (CodePlace::Query, "code"),
        raw::LoginPlace::Headers => (CodePlace::Headers, "X-WX-Code"),
    };
    let name = route.login_code.as_deref().unwrap_or(usual);
    let code = if place == CodePlace::Headers {
        (*client_header(&field("login_code"), name)?).into()
    } else {
        name.into()
    };
    if name.is_empty() || SENT.contains(&name) || route.session_in.as_deref() == Some(name) {
        let problem = "must be the name of a member of its own";
        return wrong(field("login_code"), problem);
    }
    Ok(Some(LoginThroughApp {
        place,
        code,
        app_refuses: route.login_errors == Some(raw::LoginErrors::App),
        binds: route.login_binds == Some(true),
    }))
}
