//! Another session_key for a user, of WeChat: it becomes the current one, and the one before stays for data that is under
//! way. A key goes from here into the user's sealed record, and nowhere else.

use alloc::vec::Vec;

use crate::host::Host;
use crate::records::record::UserRecord;
use crate::rejection::{Reason, Rejection};
use crate::session::users::{Changed, UserChange, UserUpdate};
use crate::store::StoreError;
use crate::wechat::code2session::parse;
use crate::wechat::reset_session_key as api;
use crate::wechat::session_key::SessionKey;
use crate::wechat_api::call::{Call, app_of, call};
use crate::wechat_api::failure::Failure;
use crate::worker::Context;

const OTHER_KEY: &str =
    "WeChat holds another session_key of this user than is kept here: a login brings it";
const LOST: &str =
    "WeChat has given a new session_key, and it could not be written down: a login brings it";

/// Resets the user's key. Tells whether there was one: a user whom nobody knows has none.
pub(super) async fn reset_key<H: Host>(
    context: Context<'_, H>,
    appid: &str,
    openid: &str,
) -> Result<bool, Rejection> {
    let app = app_of(context.config(), appid, Reason::UnknownApp, "appid")?;
    let users = context.users();
    // Before WeChat changes anything: a store that is down is found out here.
    let Some(user) = users.read(appid, openid).await? else {
        return Ok(false);
    };
    let old = user.ring.current;
    let question = Call {
        method: "GET",
        path: api::PATH,
        query: api::query(openid, &old).ok_or(Reason::Internal)?,
        body: Vec::new(),
        // The new key is told once.
        must_finish: true,
    };
    let answer = call(context, app, &question, parse).await;
    let answer = answer.map_err(|failure| match failure {
        Failure::Said(errcode, _) if api::is_other_key(errcode) => {
            failure.rejection().because(OTHER_KEY)
        }
        failure => failure.rejection(),
    })?;
    if answer.openid != openid {
        return Err(Reason::WechatError.with("the session_key is of another user"));
    }
    let mut change = KeyReset {
        old,
        new: answer.session_key,
    };
    let update = UserUpdate::of(appid, openid);
    let written = users.update(update, &mut change).await;
    written.map_err(|rejection| rejection.because(LOST))?;
    Ok(true)
}

/// The user with a key in the place of another.
struct KeyReset {
    old: SessionKey,
    new: SessionKey,
}

impl UserChange for KeyReset {
    fn unreadable(&mut self) -> Result<(), StoreError> {
        Err(StoreError::Unopened)
    }

    fn apply(&mut self, user: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
        Ok(user.map(|mut user| {
            user.ring.reset(&self.old, self.new.clone());
            Changed::only(user)
        }))
    }

    fn is_there(&self, user: &UserRecord) -> bool {
        user.ring.holds(&self.new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::minimal_on_spin;
    use crate::fake_host::{FakeHost, run};
    use crate::host::{HttpCall, HttpResponse};
    use crate::records::record::KeyRing;
    use crate::testing::test;
    use crate::time::UnixMillis;
    use crate::worker::Worker;
    use alloc::boxed::Box;
    use alloc::string::{String, ToString as _};
    use serde_json::json;

    const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAA==";
    const NEW: &str = "BBBBBBBBBBBBBBBBBBBBBA==";

    /// A user who comes to be.
    struct Made;

    impl UserChange for Made {
        fn apply(&mut self, _: Option<UserRecord>) -> Result<Option<Changed>, Rejection> {
            Ok(Some(Changed::only(UserRecord {
                ring: KeyRing::new(SessionKey::parse(OLD).unwrap()),
                unionid: None,
                registered: false,
                profile: String::from("{}"),
                sessions: Vec::new(),
                created_at: UnixMillis(0),
            })))
        }

        fn is_there(&self, _: &UserRecord) -> bool {
            true
        }
    }

    #[test]
    fn a_key_that_wechat_gives_to_another_user_is_not_taken() {
        for (named, is_taken) in [("o1", true), ("o2", false)] {
            let host = FakeHost::at(1_700_000_000_000);
            let answer = move |call: &HttpCall| {
                let body = if call.path.starts_with(api::PATH) {
                    assert!(call.must_finish);
                    json!({ "errcode": 0, "openid": named, "session_key": NEW })
                } else {
                    json!({ "access_token": "t", "expires_in": 7200 })
                };
                Ok(HttpResponse {
                    status: 200,
                    body: body.to_string().into_bytes(),
                    wanted: None,
                })
            };
            *host.answer.borrow_mut() = Some(Box::new(answer));
            let worker = Worker::new(minimal_on_spin(json!({ "kind": "spin_kv" })));
            let appid = worker.config.mini_programs[0].appid.clone();
            let context = Context {
                worker: &worker,
                host: &host,
            };
            let users = context.users();
            let update = UserUpdate::of(&appid, "o1");
            run(users.update(update, &mut Made)).unwrap();
            let outcome = run(reset_key(context, &appid, "o1"));
            let user = run(users.load(&appid, "o1", true)).unwrap().unwrap();
            let [old, new] = [OLD, NEW].map(|text| SessionKey::parse(text).unwrap());
            if is_taken {
                assert!(outcome.unwrap());
                assert_eq!((user.ring.current, user.ring.previous), (new, Some(old)));
            } else {
                assert_eq!(outcome.unwrap_err().error(), "wechat_error");
                assert_eq!((user.ring.current, user.ring.previous), (old, None));
            }
        }
    }
}
