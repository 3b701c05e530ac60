//! Checks the back channel of the operator: a path that is nobody else's, and tokens that nobody guesses.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::check_routes::plain_path;
use super::model::{Checked, MiniProgram, Secret, wrong};
use super::raw;
use super::secrets::{Environment, secret};
use crate::route::{AdminPaths, Endpoint, Pattern, PushPath, Rule};

/// The least length of a token, in characters: nobody guesses one of these in a century.
const LENGTH: usize = 32;

/// What else is configured that the back channel must not collide with.
pub(super) struct Others<'a> {
    pub(super) endpoints: &'a [(String, Endpoint)],
    pub(super) pushes: &'a [PushPath],
    pub(super) rules: &'a [Rule],
    pub(super) mini_programs: &'a [MiniProgram],
    pub(super) master_secrets: &'a [Secret],
    /// What can be read in two ways goes to the app.
    pub(super) tells_paths: bool,
}

/// The paths, and the tokens that are good on them.
pub(super) fn admin(
    raw: &raw::Admin,
    others: &Others<'_>,
    environment: Environment<'_>,
) -> Checked<(AdminPaths, Vec<Secret>)> {
    const PATH: &str = "admin.path";
    let path = raw.path.trim_end_matches('/');
    if path.is_empty() {
        return wrong(PATH, "must be a path of its own, such as /wx-admin");
    }
    plain_path(PATH, path)?;
    let paths = AdminPaths::new(path);
    let hidden = |(own, _): &&(String, Endpoint)| paths.are_meant(own);
    if let Some((own, _)) = others.endpoints.iter().find(hidden) {
        let problem = format!("would take the endpoint {own} for its own: choose another path");
        return wrong(PATH, problem);
    }
    let is_hidden = |pattern: &Pattern| match pattern {
        Pattern::Exact(own) | Pattern::Prefix(own) => paths.are_meant(own),
    };
    let mut taken = others.pushes.iter().flat_map(|push| &push.taken);
    if taken.any(is_hidden) {
        let problem = "would take a path of message push for its own: choose another path";
        return wrong(PATH, problem);
    }
    let hidden = |rule: &Rule| is_hidden(&rule.pattern);
    if let Some(at) = others.rules.iter().position(hidden) {
        let problem = format!("routes[{at}] would never be reached: choose another path");
        return wrong(PATH, problem);
    }
    if others.tells_paths {
        let problem =
            "cannot be with observe_paths: tell, by which its own paths could reach the app";
        return wrong("admin", problem);
    }
    if raw.tokens.is_empty() {
        return wrong("admin.tokens", "needs at least one token");
    }
    let mut tokens = Vec::new();
    for (index, value) in raw.tokens.iter().enumerate() {
        let field = format!("admin.tokens[{index}]");
        let token = secret(&field, value, LENGTH, environment)?;
        if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong(
                format!("{field}.env"),
                "must be visible ASCII without spaces: it is sent in a header",
            );
        }
        let secrets = others.mini_programs.iter().map(|own| &own.secret);
        let mut secrets = secrets.chain(others.master_secrets);
        if secrets.any(|own| own.expose() == token.expose()) {
            return wrong(
                format!("{field}.env"),
                "must be a secret of its own, and no AppSecret or master key",
            );
        }
        tokens.push(token);
    }
    Ok((paths, tokens))
}
