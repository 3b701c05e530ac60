//! Known-answer tests that a host runs at start: proof that this build computes what WeChat computes, and the first
//! run of every code path that compilers leave until it is needed.

use alloc::string::String;
use core::time::Duration;

use crate::records::token::Token;
use crate::seal;
use crate::time::UnixMillis;
use crate::wechat::encrypted_data::{EncryptedData, Expected};
use crate::wechat::session_key::SessionKey;
use crate::wechat::{client_base64, code2session, signature};

/// The official demo of WeChat's documentation: appid, session_key, iv, encryptedData.
const DEMO: [&str; 4] = [
    "wx4f4bc4dec97d474b",
    "tiihtNczf5v6AKRyjwEUhQ==",
    "r7BXXKkLb8qrSNn05n0qiA==",
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==",
];

/// The documentation's signature: session_key, rawData, signature.
const SIGNED: [&str; 3] = [
    "HyVFkGl5F5OQWJZZaNzBBg==",
    r#"{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}"#,
    "75e81ceda165f4ffa64f4068af58c64b8f54b88c",
];

/// Runs all of them.
///
/// # Errors
/// The name of the first one whose answer is not the known one.
pub fn run() -> Result<(), &'static str> {
    decrypts().then_some(()).ok_or("encryptedData")?;
    verifies().then_some(()).ok_or("signature")?;
    seal::round_trip().then_some(()).ok_or("sealing")?;
    parses().then_some(()).ok_or("code2Session")?;
    let text = Token([9; 32]).text();
    let token = Token::parse(&text).map(|token| token.id().short());
    (token.as_deref() == Some("07730ffb"))
        .then_some(())
        .ok_or("token")
}

fn decrypts() -> bool {
    let [appid, key, iv, data] = DEMO;
    let opened = open_demo(appid, key, iv, data);
    let tampered = open_demo("wx0000000000000000", key, iv, data);
    opened.is_some_and(|json| json.contains(r#""nickName":"Band""#)) && tampered.is_none()
}

fn open_demo(appid: &str, key: &str, iv: &str, data: &str) -> Option<String> {
    let data = EncryptedData::new(
        client_base64::decode(data)?.bytes,
        &client_base64::decode(iv)?.bytes,
    )
    .ok()?;
    let expected = Expected {
        appid,
        openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE",
        max_age: Some(Duration::from_secs(60)),
        now: UnixMillis(1_477_314_187_000),
    };
    let opened = data.open(&SessionKey::parse(key)?, &expected).ok()?;
    Some(opened.json.as_str().into())
}

fn verifies() -> bool {
    let [key, raw_data, text] = SIGNED;
    SessionKey::parse(key).is_some_and(|key| {
        signature::matches(raw_data, text, &key) && !signature::matches("{}", text, &key)
    })
}

fn parses() -> bool {
    let body = r#"{"session_key":"GtYYez5b\/M5HhT4L7n31gQ==","openid":"o1"}"#;
    code2session::parse(body.as_bytes()).is_ok_and(|login| login.openid == "o1")
        && !code2session::path("wx1", "secret", "code").is_empty()
}

#[cfg(test)]
mod tests {
    use crate::testing::test;

    #[test]
    fn this_build_gives_the_known_answers() {
        assert_eq!(super::run(), Ok(()));
    }
}
