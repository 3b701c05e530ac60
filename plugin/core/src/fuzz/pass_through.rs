//! A call to the door to WeChat's API: what goes on is a path that is listed and has one reading, with nothing of the
//! caller's own that WeChat need not have, and no secret is told to anybody else.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::bytes::has;
use super::handle::{parsed, untold};
use super::world::{ACCESS_TOKEN, SECRETS, World};
use crate::reply::{Action, ToWechat};

/// A method and a target, and headers a line each.
pub fn pass_through(data: &[u8]) {
    let world = World::door();
    let sent = parsed(data);
    // Whoever knows a secret is no stranger.
    let knows = |part: &[u8]| SECRETS.iter().any(|secret| has(part, secret.as_bytes()));
    if sent.head.pairs().any(|(_, value)| knows(value)) {
        return;
    }
    let mut verdict = world.verdict(&sent);
    assert!(verdict.openid.is_none() && !sent.was_read.get());
    for line in world.host.lines.borrow().iter() {
        untold(line);
    }
    let changes = match &mut verdict.action {
        Action::Reply(response) => {
            assert!(response.status >= 400, "nothing is answered at the door");
            return untold(&String::from_utf8_lossy(&response.body));
        }
        Action::Forward(changes) => changes,
    };
    assert!(changes.set.is_empty() && changes.body.is_none());
    let going = changes.take_to_wechat().unwrap();
    check(&going, sent.head.text(":path").unwrap());
    for (name, value) in sent.head.pairs() {
        let name = core::str::from_utf8(name).unwrap();
        assert!(!["origin", "sec-fetch-site"].contains(&name), "a page");
        if name == "referer" {
            let value = String::from_utf8_lossy(value);
            assert!(!value.starts_with("https://servicewechat.com/"), "{value}");
        }
        let is_gone = changes.remove.iter().any(|own| **own == *name);
        let may_go_on = name.starts_with(':')
            || ["accept", "user-agent", "x-forwarded-proto"].contains(&name)
            || ["content-", "transfer-"]
                .iter()
                .any(|of_body| name.starts_with(of_body));
        assert!(is_gone || may_go_on, "{name} is nothing of WeChat's");
    }
}

fn check(going: &ToWechat, target: &str) {
    let whole = going.path_with_token();
    let (path, query) = whole.split_once('?').unwrap();
    assert!(target.starts_with(path), "{target} became {path}");
    assert!(
        path == "/wxa/img_sec_check" || path.starts_with("/cgi-bin/media/"),
        "{path} is not listed"
    );
    assert!(
        path.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte)),
        "{path} has other readings"
    );
    // One token, and it is ours, however its name is written.
    let tokens: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _): &(Cow<'_, str>, _)| name.eq_ignore_ascii_case("access_token"))
        .map(|(_, value)| value)
        .collect();
    assert_eq!(tokens, [ACCESS_TOKEN], "{query}");
}
