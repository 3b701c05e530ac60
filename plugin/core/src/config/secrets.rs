//! Secrets of the configuration: named there, held by the environment, or by what the host has in its place.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::model::{Checked, HostKind, MiniProgram, Secret, wrong};

/// Where the host keeps the variables that hold secrets.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    pub(super) host: HostKind,
    /// Looks up one by the name that it has in the document.
    pub(super) look_up: &'a dyn Fn(&str) -> Option<String>,
}

impl Environment<'_> {
    /// What the operator knows a variable as.
    fn called(self, name: &str) -> String {
        match self.host {
            HostKind::Envoy => format!("the environment variable {name}"),
            HostKind::Spin => format!("Spin's variable {}", name.to_ascii_lowercase()),
        }
    }

    /// What may be wrong if there is none of this name.
    fn absence(self, name: &str) -> String {
        let called = self.called(name);
        match self.host {
            HostKind::Envoy => {
                format!("{called} is not set, or the host does not pass it on (`host_env_keys`)")
            }
            HostKind::Spin => format!(
                "{called} is not there for this component: the manifest must name it under the component's \
                 `variables`, for a middleware under the app's and in `inherit_configuration`"
            ),
        }
    }

    /// Where a secret is to be put.
    pub(super) fn way_out(self) -> &'static str {
        match self.host {
            HostKind::Envoy => "write {\"env\": \"NAME\"} and set NAME in the environment",
            HostKind::Spin => {
                "write {\"env\": \"NAME\"} and give the component a variable of this name, in lower case"
            }
        }
    }
}

/// Every NAME of `{"env": NAME}`, wherever it stands.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut values = Vec::from([serde_json::from_str(text).unwrap_or(Value::Null)]);
    while let Some(value) = values.pop() {
        match value {
            Value::Object(map) => match map.get("env").and_then(Value::as_str) {
                Some(name) if map.len() == 1 => names.push(name.into()),
                _ => values.extend(map.into_iter().map(|(_, value)| value)),
            },
            Value::Array(list) => values.extend(list),
            _ => {}
        }
    }
    names
}

/// Secrets come from the environment only: the configuration itself is shown by hosts' debugging pages.
pub(super) fn secret(
    field: &str,
    value: &Value,
    min_length: usize,
    environment: Environment<'_>,
) -> Checked<Secret> {
    let name = match value {
        Value::Object(map) if map.len() == 1 => map.get("env").and_then(Value::as_str),
        Value::String(_) => {
            let problem = format!(
                "must not stand in the configuration: {}",
                environment.way_out()
            );
            return wrong(field, problem);
        }
        _ => None,
    };
    let Some(name) = name else {
        return wrong(field, "must be {\"env\": \"NAME\"}");
    };
    match (environment.look_up)(name) {
        None => wrong(format!("{field}.env"), environment.absence(name)),
        Some(text) if text.len() < min_length => wrong(
            format!("{field}.env"),
            format!(
                "{} must hold at least {min_length} characters",
                environment.called(name)
            ),
        ),
        Some(text) => Ok(Secret(text)),
    }
}

pub(super) fn master_secrets(
    keys: &[Value],
    mini_programs: &[MiniProgram],
    environment: Environment<'_>,
) -> Checked<Vec<Secret>> {
    if keys.is_empty() {
        return Ok(mini_programs
            .first()
            .map(|own| own.secret.clone())
            .into_iter()
            .collect());
    }
    keys.iter()
        .enumerate()
        .map(|(index, key)| secret(&format!("master_keys[{index}]"), key, 32, environment))
        .collect()
}
