//! From the document to the checked configuration: every impossible value is refused here, and nowhere later.

use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::time::Duration;

use super::check_admin::{Others, admin};
use super::check_answers::answers;
use super::check_headers::{distinct, header_name, identity, own_names, trailers};
use super::check_limits::limits;
use super::check_push::{push, push_paths};
use super::check_releases::releases;
use super::check_routes::{endpoints, mode, observed_paths, rules};
use super::check_session::session;
use super::check_store::store;
use super::check_upstreams::{api, app_url};
use super::check_wechat_api::wechat_api;
use super::model::{
    Api, Assertion, Checked, Config, LoginRules, MiniProgram, OpenDataRules, wrong,
};
use super::raw;
use super::secrets::{Environment, master_secrets, secret};
use crate::header_names::OwnNames;
use crate::platform::Platform;
use crate::reply::{Hears, TrailerPolicy};
use crate::route::Routes;

pub(super) fn config(document: raw::Document, environment: Environment<'_>) -> Checked<Config> {
    let host = environment.host;
    let releases = releases(&document.apps)?;
    let mini_programs = mini_programs(&document, environment)?;
    let wechat_api = wechat_api(&document, &mini_programs)?;
    let master_secrets = master_secrets(&document.master_keys, &mini_programs, environment)?;
    let upstream_url = app_url(&document.upstream, host)?;
    let push = push(&document, &upstream_url, environment)?;
    let wafer = matches!(document.compat, Some(raw::Compat::Wafer));
    let session = session(document.session, wafer)?;
    let identity = identity(&document.identity_headers)?;
    if document.login.remember_s > 300 {
        return wrong(
            "login.remember_s",
            "must be at most 300: WeChat's codes live that long",
        );
    }
    if document.open_data.max_failures == 0 {
        return wrong("open_data.max_failures", "must be at least 1");
    }
    if document.open_data.max_age_s == Some(0) {
        return wrong(
            "open_data.max_age_s",
            "must be at least 1; leave it out for no limit",
        );
    }
    let limits = limits(&document.limits)?;
    let answers = answers(document.answers, wafer)?;
    let endpoints = endpoints(&document.endpoints, wafer)?;
    let mut config = Config {
        mini_programs,
        releases,
        master_secrets,
        push,
        upstream_url,
        store: store(&document.store, environment)?,
        session,
        routes: Routes {
            pushes: push_paths(&document.apps, &document.endpoints, &endpoints)?,
            endpoints,
            rules: rules(document.routes, &answers.all, mode(document.mode))?,
            admin: None,
            cors_preflight: document.cors_preflight,
            mode: mode(document.mode),
            tells_paths: false,
        },
        answers,
        identity,
        assertion: assertion(document.assertion, environment)?,
        own_names: OwnNames::default(),
        trailers: TrailerPolicy::default(),
        login: LoginRules {
            remember: Duration::from_secs(document.login.remember_s),
            failures_per_minute: document.login.failures_per_minute,
        },
        open_data: OpenDataRules {
            max_age: document.open_data.max_age_s.map(Duration::from_secs),
            max_failures: document.open_data.max_failures,
            refuse_replay: document.open_data.refuse_replay,
        },
        hears: Hears {
            end: document.responses.session_end,
            attributes: document.responses.attributes,
        },
        admin_tokens: Vec::new(),
        body_bytes: limits.body_bytes,
        wechat_api,
        body_timeout: limits.body_timeout,
        waiting: limits.waiting,
    };
    config.routes.tells_paths = observed_paths(document.observe_paths, &config.routes)?;
    if config.routes.tells_paths && config.push.is_some() {
        let problem = "tell would lead clients to the app where WeChat's messages go";
        return wrong("observe_paths", problem);
    }
    if let Some(raw) = &document.admin {
        let others = Others {
            endpoints: &config.routes.endpoints,
            pushes: &config.routes.pushes,
            rules: &config.routes.rules,
            mini_programs: &config.mini_programs,
            master_secrets: &config.master_secrets,
            tells_paths: config.routes.tells_paths,
        };
        let (paths, tokens) = admin(raw, &others, environment)?;
        (config.routes.admin, config.admin_tokens) = (Some(paths), tokens);
    }
    config.own_names = own_names(&config);
    config.trailers = trailers(&config);
    distinct(&config)?;
    Ok(config)
}

fn mini_programs(
    document: &raw::Document,
    environment: Environment<'_>,
) -> Checked<Vec<MiniProgram>> {
    if document.apps.is_empty() {
        return wrong("apps", "needs at least one mini program");
    }
    let mut apis: Vec<(Platform, Rc<Api>)> = Vec::new();
    for platform in Platform::ALL {
        let api = api(document.api(platform), platform, environment.host)?;
        apis.push((platform, Rc::new(api)));
    }
    let mut all: Vec<MiniProgram> = Vec::new();
    for (index, app) in document.apps.iter().enumerate() {
        let field = format!("apps[{index}].appid");
        let row = app.platform.row();
        if !(row.is_appid)(&app.appid) {
            return wrong(field, row.appid_form);
        }
        if all.iter().any(|earlier| earlier.appid == app.appid) {
            return wrong(field, "is listed twice");
        }
        let secret = secret(
            &format!("apps[{index}].secret"),
            &app.secret,
            16,
            environment,
        )?;
        let own = apis.iter().find(|(platform, _)| *platform == app.platform);
        let Some((_, api)) = own else { continue };
        all.push(MiniProgram {
            platform: app.platform,
            appid: app.appid.clone(),
            secret,
            api: Rc::clone(api),
            source: row.source.into(),
        });
    }
    Ok(all)
}

fn assertion(
    raw: Option<raw::Assertion>,
    environment: Environment<'_>,
) -> Checked<Option<Assertion>> {
    let Some(raw) = raw else { return Ok(None) };
    if !(1..=3600).contains(&raw.ttl_s) {
        return wrong("assertion.ttl_s", "must be between 1 and 3600");
    }
    Ok(Some(Assertion {
        header: header_name("assertion.header", &raw.header)?,
        key: secret("assertion.key", &raw.key, 32, environment)?,
        lifetime: Duration::from_secs(raw.ttl_s),
    }))
}
