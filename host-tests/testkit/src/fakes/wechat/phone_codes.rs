//! Codes of the button `getPhoneNumber`, and `POST /wxa/business/getuserphonenumber`: once, for five minutes, in the app that
//! made it.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html>

use serde_json::{Map, Value, json};

use super::world::{Member, PhoneCode, SeenRequest, WechatState};

const LIFETIME_S: u64 = 300;

impl WechatState {
    pub(super) fn make_phone_code(&mut self, member: &Member) -> String {
        let bytes = [self.draw(), self.draw()].concat();
        let code: String = bytes.iter().take(32).map(|b| format!("{b:02x}")).collect();
        let made = PhoneCode {
            member: member.clone(),
            made_at: self.now(),
            used: false,
        };
        self.phone_codes.insert(code.clone(), made);
        code
    }
}

/// A code in the query is none.
pub(super) fn number(
    world: &mut WechatState,
    appid: &str,
    request: &SeenRequest,
) -> Result<String, i64> {
    if request.method != "POST" {
        return Err(43002);
    }
    let body: Map<String, Value> = serde_json::from_slice(&request.body).map_err(|_| 47001)?;
    let code = body.get("code").and_then(Value::as_str).ok_or(40029)?;
    let now = world.now();
    let found = world.phone_codes.get_mut(code).ok_or(40029)?;
    if found.member.0 != appid {
        return Err(40013);
    }
    if found.used || now >= found.made_at.saturating_add(LIFETIME_S) {
        return Err(40029);
    }
    let member = found.member.clone();
    let openid = body.get("openid").and_then(Value::as_str);
    if openid.is_some_and(|openid| openid != world.openid(&member)) {
        return Err(40003);
    }
    if let Some(found) = world.phone_codes.get_mut(code) {
        found.used = true;
    }
    let number = "13580006666";
    Ok(json!({
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": number,
            "purePhoneNumber": number,
            "countryCode": 86,
            "watermark": { "timestamp": now, "appid": world.watermark_appid.as_deref().unwrap_or(appid) },
        },
    })
    .to_string())
}
