//! `GET /sns/jscode2session` (WeChat's documentation: auth.code2Session): the checks in their order, the errcodes, the
//! JSON with its escaped slashes.

use super::WechatAnswer;
use super::language::Language;
use super::world::{BadCode, SeenRequest, WechatState};

pub(super) const LANGUAGE: Language = Language {
    busy: -1,
    session,
    error,
};

const PATH: &str = "/sns/jscode2session";

/// The success body, or the errcode.
fn session(world: &mut WechatState, request: &SeenRequest) -> Result<String, i64> {
    let given = |name| request.param(name).filter(|value| !value.is_empty());
    if request.path != PATH {
        return Err(40066);
    }
    if request.method != "GET" {
        return Err(41002); // it looks for the parameters in a body it does not understand
    }
    let appid = given("appid").ok_or(41002)?;
    let secret = given("secret").ok_or(41004)?;
    let code = given("js_code").ok_or(41008)?;
    if given("grant_type") != Some("authorization_code") {
        return Err(40002);
    }
    match world.secret_of(appid) {
        None => return Err(40013),
        Some(right) if right != secret => return Err(40125),
        Some(_) => {}
    }
    let (member, key) = world.exchange(appid, code).map_err(|bad| match bad {
        BadCode::Invalid => 40029,
        BadCode::Used => 40163,
    })?;
    let mut fields = vec![("session_key", key), ("openid", world.openid(&member))];
    fields.extend(world.unionid(&member.1).map(|unionid| ("unionid", unionid)));
    let mut fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{}", escaped(value)))
        .collect();
    if world.zero_errcode {
        fields.push("\"errcode\":0,\"errmsg\":\"ok\"".to_owned());
    }
    Ok(format!("{{{}}}", fields.join(",")))
}

fn error(world: &mut WechatState, errcode: i64, as_string: bool) -> WechatAnswer {
    let meaning = match errcode {
        -1 => "system error",
        40001 => {
            "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
        }
        40002 => "invalid grant_type",
        40003 => "invalid openid",
        40004 => "invalid media type",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40029 => "invalid code",
        40066 => "invalid url",
        40125 => "invalid appsecret",
        40163 => "code been used",
        40164 => "invalid ip 127.0.0.1, not in whitelist",
        40169 => "invalid length for scene, or the data is not json string",
        40226 => "code blocked",
        40243 => "appsecret has been frozen",
        41001 => "access_token missing",
        41002 => "appid missing",
        41004 => "appsecret missing",
        41005 => "media data missing",
        41008 => "missing code",
        41030 => "invalid page",
        42001 => "access_token expired",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit  must slower  retry next minute",
        47001 => "data format error",
        48001 => "api unauthorized",
        61003 => "component is not authorized by this account",
        87008 => "invalid sig_method",
        87009 => "invalid signature",
        _ => "unknown error",
    };
    let id: String = world
        .draw()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Both endings are in the field; the missing parameters have the older one here.
    let message = if (41000..42000).contains(&errcode) {
        format!("{meaning}, hints: [ req_id: {} ]", &id[..14])
    } else {
        format!("{meaning}, rid: {}-{}-{}", &id[..8], &id[8..16], &id[16..])
    };
    let errcode = if as_string {
        format!("\"{errcode}\"")
    } else {
        errcode.to_string()
    };
    WechatAnswer::json(format!(
        "{{\"errcode\":{errcode},\"errmsg\":{}}}",
        escaped(&message)
    ))
}

/// A JSON string the way WeChat writes it: slashes escaped.
pub(super) fn escaped(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('/', "\\/")
}

#[cfg(test)]
mod tests;
