//! Secrets of the configuration: named there, held by the environment.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::{App, Checked, Secret, wrong};

/// Looks up a variable by its name.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

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
            return wrong(
                field,
                "must not stand in the configuration: write {\"env\": \"NAME\"} and set NAME in the environment",
            );
        }
        _ => None,
    };
    let Some(name) = name else {
        return wrong(field, "must be {\"env\": \"NAME\"}");
    };
    match environment(name) {
        None => wrong(
            format!("{field}.env"),
            format!("the environment variable {name} is not set, or the host does not pass it on"),
        ),
        Some(text) if text.len() < min_length => wrong(
            format!("{field}.env"),
            format!("the environment variable {name} must hold at least {min_length} characters"),
        ),
        Some(text) => Ok(Secret(text)),
    }
}

pub(super) fn master_secrets(
    keys: &[Value],
    apps: &[App],
    environment: Environment<'_>,
) -> Checked<Vec<Secret>> {
    if keys.is_empty() {
        return Ok(apps
            .first()
            .map(|app| app.secret.clone())
            .into_iter()
            .collect());
    }
    keys.iter()
        .enumerate()
        .map(|(index, key)| secret(&format!("master_keys[{index}]"), key, 32, environment))
        .collect()
}
