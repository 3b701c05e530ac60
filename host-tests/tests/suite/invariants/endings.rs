//! What an app has ended passes no more at its worker, in whatever order the store answers.

use std::time::Duration;

use proxy_wasm_host::Delivery;
use serde_json::json;
use testkit::fakes::wechat::FakeWechat;

use crate::rig::{APPID, Ask, Login, Rig as _, SECRET, WasmRig, assert_refusal, bridge};

#[test]
fn an_answer_of_the_store_that_is_older_than_an_end_lets_nobody_pass() {
    for word in ["this", "all"] {
        let wechat = FakeWechat::seeded(APPID, SECRET, b"endings");
        let patch = json!({ "responses": { "session_end": true }, "store": bridge::webdis() });
        let mut rig = WasmRig::start(&wechat, &patch);
        let login = |rig: &mut WasmRig| {
            let code = wechat.phone("alice").login();
            let login = Ask::post("/wx/login", &json!({ "code": code }));
            Login::from(&rig.ask(vec![login])[0]).token
        };
        let token = login(&mut rig);
        let ends = format!("/api/answer/200?x-wx-session-end={word}");
        let before = rig.send(&Ask::get(ends).token(&token));
        rig.settle(&[before]);
        assert_eq!(rig.got(before).status, 200);

        // The client has its answer, and asks. The store has been told nothing yet, and still has the session.
        let check = rig.send(&Ask::get("/api").token(&token));
        let [call] = rig.vm.pending_calls().try_into().unwrap();
        let old = rig.store_answer(&call);
        let mut told = 0;
        for _ in 0..100 {
            rig.vm.advance(Duration::from_millis(10));
            for other in rig.vm.pending_calls() {
                if other.id != call.id {
                    let answer = rig.store_answer(&other);
                    rig.vm.answer_call(other.id, answer);
                    told += 1;
                }
            }
        }
        assert!(told > 0 && rig.vm.is_undecided(check));
        assert_eq!(rig.counter("wx_session.session.ended_by_app"), 1);
        assert!(matches!(
            rig.vm.answer_call(call.id, old),
            Delivery::Delivered
        ));
        assert_refusal(&rig.got(check), 401, "invalid_token");

        // Who logs in now is somebody else to it.
        let next = login(&mut rig);
        let got = rig.ask(vec![Ask::get("/api").token(&next)]).remove(0);
        assert_eq!(got.status, 200);
    }
}
