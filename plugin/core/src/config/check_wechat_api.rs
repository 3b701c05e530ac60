//! Checks what passes to WeChat's API: paths with one reading, none of those that are never passed on, and nothing else in the
//! document that would be served.

use alloc::format;

use super::model::{ApiRules, Checked, MiniProgram, wrong};
use super::raw;
use crate::platform::Platform;
use crate::wechat::api_path::{is_plain, is_refused};

pub(super) fn wechat_api(
    document: &raw::Document,
    mini_programs: &[MiniProgram],
) -> Checked<Option<ApiRules>> {
    let Some(raw) = &document.wechat_api else {
        return Ok(None);
    };
    if !document.routes.is_empty() {
        let problem = "is for a listener or a component of its own, which serves nothing else: take routes out";
        return wrong("wechat_api", problem);
    }
    if !mini_programs
        .iter()
        .any(|app| app.platform == Platform::Wechat)
    {
        return wrong("wechat_api", "needs an app of WeChat's");
    }
    if raw.allow.is_empty() {
        return wrong("wechat_api.allow", "needs at least one path");
    }
    let mut rules = ApiRules::default();
    for (index, entry) in raw.allow.iter().enumerate() {
        let field = format!("wechat_api.allow[{index}]");
        let path = entry.strip_suffix('/').unwrap_or(entry);
        if !is_plain(path) {
            let problem = "must be a path such as /wxa/getwxacodeunlimit, or the beginning of some such as /cgi-bin/media/";
            return wrong(field, problem);
        }
        if is_refused(path) {
            let problem =
                "is never passed on: it gives a token or a key away, or takes one from others";
            return wrong(field, problem);
        }
        if entry.ends_with('/') {
            rules.prefixes.push(entry.clone());
        } else {
            rules.paths.push(entry.clone());
        }
    }
    Ok(Some(rules))
}
