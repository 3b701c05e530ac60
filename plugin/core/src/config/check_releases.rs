//! Checks which releases of each app may call.

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use serde_json::Value;

use super::model::{Checked, wrong};
use super::raw;
use crate::platform::Platform;
use crate::release::{Listed, Policy, Release};

pub(super) fn releases(apps: &[raw::MiniProgram]) -> Checked<Vec<Policy>> {
    let mut policies = Vec::new();
    for (index, app) in apps.iter().enumerate() {
        let field = |name: &str| format!("apps[{index}].{name}");
        let Some(releases) = &app.releases else {
            if app.releases_action.is_some() {
                return wrong(field("releases_action"), "is of no use without releases");
            }
            continue;
        };
        if app.platform != Platform::Wechat {
            let problem = "is for apps of wechat only: what the clients of other platforms say of their release is not known";
            return wrong(field("releases"), problem);
        }
        if releases.is_empty() {
            let problem = "needs at least one; leave it out where every release may call";
            return wrong(field("releases"), problem);
        }
        let mut listed = Vec::new();
        for (at, release) in releases.iter().enumerate() {
            let Some(release) = word(release) else {
                let field = format!("apps[{index}].releases[{at}]");
                let problem = "must be devtools, trial, release or the number of one";
                return wrong(field, problem);
            };
            listed.push(release);
        }
        policies.push(Policy {
            appid: app.appid.clone(),
            listed,
            tells: app.releases_action == Some(raw::ReleasesAction::Tell),
        });
    }
    Ok(policies)
}

fn word(value: &Value) -> Option<Listed> {
    let number = |text: &str| match Release::parse(text) {
        known @ (Release::Number(_) | Release::Trial) => Some(Listed::This(known)),
        _ => None,
    };
    match value {
        Value::String(text) => match text.as_str() {
            "devtools" => Some(Listed::This(Release::Devtools)),
            "trial" => Some(Listed::This(Release::Trial)),
            "release" => Some(Listed::AnyNumber),
            other => number(other),
        },
        Value::Number(own) => number(&own.to_string()),
        _ => None,
    }
}
