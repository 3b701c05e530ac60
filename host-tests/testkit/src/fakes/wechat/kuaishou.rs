//! `POST /oauth2/mp/code2session` of Kuaishou: a form in, `result` out. A code that was used is an invalid one.

use serde_json::json;

use super::WechatAnswer;
use super::language::Language;
use super::parameters::parameters;
use super::world::{SeenRequest, WechatState};

pub(super) const LANGUAGE: Language = Language {
    busy: 100_200_500,
    session,
    error,
};

const MALFORMED: i64 = 100_200_100;
const UNAUTHORIZED: i64 = 100_200_101;
const INVALID_GRANT: i64 = 100_200_105;

fn session(world: &mut WechatState, request: &SeenRequest) -> Result<String, i64> {
    let whole = request.method == "POST"
        && request.path == "/oauth2/mp/code2session"
        && request.query.is_empty()
        && request.content_type.as_deref() == Some("application/x-www-form-urlencoded");
    let form = parameters(&String::from_utf8_lossy(&request.body));
    let mut names: Vec<&str> = form.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    if !whole || names != ["app_id", "app_secret", "js_code"] {
        return Err(MALFORMED);
    }
    let given = |name| {
        let found = form.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| &**value)
    };
    if world.secret_of(given("app_id")) != Some(given("app_secret")) {
        return Err(UNAUTHORIZED);
    }
    let (member, key) = world
        .exchange(given("app_id"), given("js_code"))
        .map_err(|_| INVALID_GRANT)?;
    let mut answer = json!({ "result": 1, "session_key": key, "open_id": world.openid(&member) });
    if let Some(unionid) = world.unionid(&member.1) {
        answer["union_id"] = json!(unionid);
    }
    Ok(answer.to_string())
}

fn error(_: &mut WechatState, result: i64, as_string: bool) -> WechatAnswer {
    let (name, message) = match result {
        MALFORMED => ("invalid_request", "a parameter is missing"),
        UNAUTHORIZED => ("unauthorized_client", "no such app"),
        INVALID_GRANT => ("invalid_grant", "bad code"),
        100_200_500 => ("server_error", "please try again"),
        _ => ("unknown", "unknown error"),
    };
    let result = if as_string {
        json!(result.to_string())
    } else {
        json!(result)
    };
    WechatAnswer {
        content_type: "application/json",
        ..WechatAnswer::json(
            json!({ "result": result, "error": name, "error_msg": message }).to_string(),
        )
    }
}
