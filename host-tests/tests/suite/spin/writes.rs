//! Answers of ours leave in one write. Spin's sockets are without TCP_NODELAY: on a connection that is kept, a second
//! write waits until the client has acknowledged the first, which it puts off for 40 ms.

use serde_json::json;
use testkit::client::{Connection, Request};

use crate::rig::Way;
use crate::rig::spin_world::{SpinWorld, TIMEOUT, login_with};

#[test]
fn head_and_body_of_an_answer_of_ours_leave_together() {
    for way in Way::BOTH {
        let stage = SpinWorld::start(way);
        let phone = stage.wechat.phone("alice");
        let token = stage.login(&phone);
        let mut client = Connection::open(stage.addr(), TIMEOUT).unwrap();
        let with_token = |request: Request| request.header("x-wx-skey", &token);
        stage.rig.spin.take_writes();
        for round in 0..5 {
            let answers = [
                (200, login_with(&phone.login())),
                (200, with_token(Request::get("/wx/user"))),
                (200, with_token(Request::get("/wx/session"))),
                (401, Request::get("/orders")),
                (401, login_with("0badc0de0badc0de0badc0de0badc0de")),
                (400, Request::post("/wx/login").json(&json!([]))),
                (405, Request::new("DELETE", "/wx/logout")),
            ];
            for (status, request) in answers {
                let answer = client.send(&request).unwrap();
                assert_eq!(answer.status, status, "{way:?} {}", answer.text());
                let writes = stage.rig.spin.take_writes();
                assert_eq!(writes, 1, "{way:?} round {round}: {status}");
            }
        }
    }
}

/// Of an instance that cannot begin.
#[test]
fn also_when_nothing_is_configured() {
    for way in Way::BOTH {
        let stage = SpinWorld::start_with(way, &json!({}), |manifest| manifest.variables.clear());
        assert_eq!(stage.send(&Request::get("/orders")).status, 500);
        assert_eq!(stage.rig.spin.take_writes(), 1, "{way:?}");
    }
}
