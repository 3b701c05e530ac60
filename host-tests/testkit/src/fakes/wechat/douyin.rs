//! `POST /api/apps/v2/jscode2session` of Douyin: JSON in, an envelope out. A code that was used is an invalid one.

use serde_json::{Map, Value, json};

use super::WechatAnswer;
use super::language::Language;
use super::world::{SeenRequest, WechatState};

pub(super) const LANGUAGE: Language = Language {
    busy: -1,
    session,
    error,
};

/// Not a request of this API: Douyin has no number for it.
const MALFORMED: i64 = 1;

fn session(world: &mut WechatState, request: &SeenRequest) -> Result<String, i64> {
    let whole = request.method == "POST"
        && request.path == "/api/apps/v2/jscode2session"
        && request.query.is_empty()
        && request.content_type.as_deref() == Some("application/json");
    let body: Map<String, Value> = serde_json::from_slice(&request.body).map_err(|_| MALFORMED)?;
    let known = ["appid", "secret", "code", "anonymous_code"];
    if !whole || body.keys().any(|name| !known.contains(&&**name)) {
        return Err(MALFORMED);
    }
    let given = |name| body.get(name).and_then(Value::as_str);
    let secret = world.secret_of(given("appid").unwrap_or_default());
    let secret = secret.ok_or(40015)?;
    if given("secret") != Some(secret) {
        return Err(40017);
    }
    let (appid, code) = (given("appid").ok_or(40015)?, given("code").ok_or(40018)?);
    let (member, key) = world.exchange(appid, code).map_err(|_| 40018)?;
    let data = json!({
        "session_key": key,
        "openid": world.openid(&member),
        "anonymous_openid": "",
        "unionid": world.unionid(&member.1).unwrap_or_default(),
    });
    Ok(json!({ "err_no": 0, "err_tips": "success", "data": data }).to_string())
}

fn error(_: &mut WechatState, err_no: i64, as_string: bool) -> WechatAnswer {
    let tips = match err_no {
        -1 => "system error",
        40015 => "bad appid",
        40017 => "bad secret",
        40018 => "bad code",
        40019 => "bad anonymous code",
        _ => "unknown error",
    };
    let err_no = if as_string {
        json!(err_no.to_string())
    } else {
        json!(err_no)
    };
    let data = json!({ "session_key": "", "openid": "", "anonymous_openid": "", "unionid": "" });
    WechatAnswer {
        content_type: "application/json",
        ..WechatAnswer::json(
            json!({ "err_no": err_no, "err_tips": tips, "data": data }).to_string(),
        )
    }
}
