//! Access tokens (`POST /cgi-bin/stable_token`, `GET /cgi-bin/token`): the two ways know nothing of each other, and a stable one stays the
//! same until its last five minutes.
//! <https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::world::{AccessToken, SeenRequest, WechatState};

/// Seconds.
const LIFETIME: u64 = 7200;
/// For so long two are good.
const OVERLAP: u64 = 300;

/// `POST /cgi-bin/stable_token`
pub(super) fn stable(world: &mut WechatState, request: &SeenRequest) -> Result<String, i64> {
    if request.method != "POST" {
        return Err(43002);
    }
    let body: Map<String, Value> = serde_json::from_slice(&request.body).map_err(|_| 47001)?;
    let given = |name| body.get(name).and_then(Value::as_str);
    if given("grant_type") != Some("client_credential") {
        return Err(40002);
    }
    let appid = identified(world, given("appid"), given("secret"))?;
    let now = world.now();
    if body.get("force_refresh") == Some(&json!(true)) {
        // Those of `/cgi-bin/token` are no concern of it.
        for token in &mut world.tokens {
            token.dead |= token.stable && token.appid == appid;
        }
    }
    let alive = |token: &&AccessToken| {
        token.stable && !token.dead && token.appid == appid && now + OVERLAP < token.expires_at
    };
    if let Some(token) = world.tokens.iter().rev().find(alive) {
        return Ok(answer(&token.text, token.expires_at - now));
    }
    Ok(answer(&world.make_token(appid, true), LIFETIME))
}

/// `GET /cgi-bin/token`: a new one with each call.
pub(super) fn plain(world: &mut WechatState, request: &SeenRequest) -> Result<String, i64> {
    if request.param("grant_type") != Some("client_credential") {
        return Err(40002);
    }
    let appid = identified(world, request.param("appid"), request.param("secret"))?;
    let end = world.now() + OVERLAP;
    let older = |token: &&mut AccessToken| !token.stable && token.appid == appid;
    for token in world.tokens.iter_mut().filter(older) {
        token.expires_at = token.expires_at.min(end);
    }
    Ok(answer(&world.make_token(appid, false), LIFETIME))
}

fn identified(
    world: &WechatState,
    appid: Option<&str>,
    secret: Option<&str>,
) -> Result<String, i64> {
    let appid = appid.ok_or(41002)?;
    let right = world.secret_of(appid).ok_or(40013)?;
    if secret.ok_or(41004)? == right {
        Ok(appid.to_owned())
    } else {
        Err(40125)
    }
}

fn answer(token: &str, expires_in: u64) -> String {
    json!({ "access_token": token, "expires_in": expires_in }).to_string()
}

impl WechatState {
    /// Whose token the request carries.
    pub(super) fn authorised(&self, request: &SeenRequest) -> Result<String, i64> {
        let given = request.param("access_token").unwrap_or_default();
        if given.is_empty() {
            return Err(41001);
        }
        let token = self.tokens.iter().find(|token| token.text == given);
        let token = token.ok_or(40001)?;
        if token.dead {
            return Err(40001);
        }
        if self.now() >= token.expires_at {
            return Err(42001);
        }
        Ok(token.appid.clone())
    }

    pub(super) fn kill_tokens(&mut self, appid: &str) {
        for token in &mut self.tokens {
            token.dead |= token.appid == appid;
        }
    }

    /// 512 characters, for which everybody is to have room, and some of them to be encoded in a query.
    fn make_token(&mut self, appid: String, stable: bool) -> String {
        let bytes: Vec<u8> = (0..19).flat_map(|_| self.draw()).collect();
        let mut text = format!("99_{}", STANDARD.encode(bytes));
        text.truncate(506);
        text.push_str("+/&=%2");
        self.tokens.push(AccessToken {
            text: text.clone(),
            appid,
            stable,
            expires_at: self.now() + LIFETIME,
            dead: false,
        });
        text
    }
}
