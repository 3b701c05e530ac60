//! What an access token is for: some of the server APIs, each with the checks that an app meets first. Errors come as JSON
//! where a success is a picture.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::code2session::escaped;
use super::world::{Member, SeenRequest, WechatState};
use super::{WechatAnswer, phone_codes, tokens};

/// Whether the request is for one, and not for a login.
pub(super) fn has(request: &SeenRequest) -> bool {
    ["/cgi-bin/", "/wxa/"]
        .iter()
        .any(|start| request.path.starts_with(start))
}

pub(super) fn answer(world: &mut WechatState, request: &SeenRequest) -> Result<WechatAnswer, i64> {
    let json = WechatAnswer::json;
    match &*request.path {
        "/cgi-bin/stable_token" => return tokens::stable(world, request).map(json),
        "/cgi-bin/token" => return tokens::plain(world, request).map(json),
        _ => {}
    }
    let appid = world.authorised(request)?;
    match &*request.path {
        "/wxa/business/getuserphonenumber" => phone_codes::number(world, &appid, request).map(json),
        "/wxa/checksession" => check_session(world, &appid, request).map(json),
        "/wxa/resetusersessionkey" => reset_session(world, &appid, request).map(json),
        "/wxa/getwxacodeunlimit" => picture(request),
        "/cgi-bin/media/upload" => upload(request).map(json),
        "/cgi-bin/message/custom/send" => message(world, &appid, request).map(json),
        _ => Err(40066),
    }
}

const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

fn object(request: &SeenRequest) -> Result<Map<String, Value>, i64> {
    if request.method != "POST" {
        return Err(43002);
    }
    serde_json::from_slice(&request.body).map_err(|_| 47001)
}

/// <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/checkSessionKey.html>
fn check_session(world: &WechatState, appid: &str, request: &SeenRequest) -> Result<String, i64> {
    signed_by(world, appid, request)?;
    Ok(OK.to_owned())
}

/// <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html>
fn reset_session(
    world: &mut WechatState,
    appid: &str,
    request: &SeenRequest,
) -> Result<String, i64> {
    let member = signed_by(world, appid, request)?;
    let session_key = world.reset_key(&member);
    let (key, openid) = (escaped(&session_key), escaped(&world.openid(&member)));
    Ok(format!(
        r#"{{"errcode":0,"errmsg":"ok","openid":{openid},"session_key":{key}}}"#
    ))
}

/// Whose newest key has signed the request.
fn signed_by(world: &WechatState, appid: &str, request: &SeenRequest) -> Result<Member, i64> {
    if request.method != "GET" {
        return Err(43001);
    }
    let openid = request.param("openid").ok_or(40003)?;
    if request.param("sig_method") != Some("hmac_sha256") {
        return Err(87008);
    }
    let member = world.user_of(appid, openid).ok_or(40003)?;
    let key = world.keys(&member).last().ok_or(87009)?;
    if request.param("signature") != Some(&*signature(key)) {
        return Err(87009);
    }
    Ok(member)
}

/// Over nothing, under the text of the key.
fn signature(key: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length will do");
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/qrcode-link/qr-code/getUnlimitedQRCode.html>
fn picture(request: &SeenRequest) -> Result<WechatAnswer, i64> {
    let body = object(request)?;
    let scene = body
        .get("scene")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !(1..=32).contains(&scene.len()) {
        return Err(40169);
    }
    let page = body.get("page").and_then(Value::as_str);
    if page.is_some_and(|page| page.starts_with('/')) {
        return Err(41030);
    }
    // As large as one with `width: 1280`.
    let mut body = b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec();
    body.extend(
        (0..195_000_u32)
            .flat_map(|n| n.to_be_bytes())
            .skip(3)
            .step_by(4),
    );
    Ok(WechatAnswer {
        content_type: "image/jpeg",
        body,
        ..WechatAnswer::json(String::new())
    })
}

/// <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/kf-mgnt/kf-message/uploadTempMedia.html>
fn upload(request: &SeenRequest) -> Result<String, i64> {
    if request.method != "POST" {
        return Err(43002);
    }
    if request.param("type") != Some("image") {
        return Err(40004);
    }
    let content_type = request.content_type.as_deref().unwrap_or_default();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .ok_or(41005)?;
    let begins = format!("--{boundary}\r\n");
    let ends = format!("\r\n--{boundary}--\r\n");
    let head = String::from_utf8_lossy(request.body.get(..400).unwrap_or(&request.body));
    let whole = request.body.starts_with(begins.as_bytes())
        && request.body.ends_with(ends.as_bytes())
        && head.contains("name=\"media\"; filename=");
    if !whole {
        return Err(41005);
    }
    Ok(json!({ "type": "image", "media_id": "MEDIA", "created_at": request.at }).to_string())
}

/// <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/kf-mgnt/kf-message/sendCustomMessage.html>
fn message(world: &WechatState, appid: &str, request: &SeenRequest) -> Result<String, i64> {
    let body = object(request)?;
    let to = body
        .get("touser")
        .and_then(Value::as_str)
        .unwrap_or_default();
    world.user_of(appid, to).ok_or(40003)?;
    if body.get("msgtype") != Some(&json!("text")) {
        return Err(40008);
    }
    Ok(OK.to_owned())
}

#[cfg(test)]
mod tests;
