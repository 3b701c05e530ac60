//! The address that a client is limited by is Spin's, whatever the client says of itself.

use serde_json::json;
use testkit::client::Request;

use crate::rig::Way;
use crate::rig::spin_world::{SpinWorld, login_with};

/// How often a code that is refused reaches WeChat, out of twelve that one client sends at a limit of three, each with
/// these headers in front of Spin's.
fn asked(way: Way, header: impl Fn(usize, Request) -> Request) -> usize {
    let patch = json!({ "login": { "failures_per_minute": 3 } });
    let stage = SpinWorld::start_with(way, &patch, |_| {});
    let mut reached = 0;
    for number in 0..12 {
        let code = format!("0badc0de{number:024}");
        let answer = stage.send(&header(number, login_with(&code)));
        assert!([401, 429].contains(&answer.status), "{}", answer.text());
        reached += stage.wechat.code_requests(&code);
    }
    reached
}

#[test]
fn a_client_cannot_say_which_address_it_is_limited_by() {
    type Forge = fn(usize, Request) -> Request;
    let forgeries: [Forge; 7] = [
        |_, request| request,
        |number, request| request.header("spin-client-addr", format!("6.6.6.{number}:1")),
        |_, request| request.header("spin-client-addr", "nobody"),
        |_, request| request.header("spin-client-addr", ""),
        |number, request| {
            let two = format!("6.6.6.{number}:1, 7.7.7.{number}:2");
            request.header("Spin-Client-Addr", two)
        },
        |number, request| {
            let request = request.header("spin-client-addr", format!("6.6.6.{number}:1"));
            request.header("spin-client-addr", format!("7.7.7.{number}:1"))
        },
        |number, request| request.header("spin-client-addr", format!("[2001:db8:{number}::1]:1")),
    ];
    for way in Way::BOTH {
        for (which, forge) in forgeries.into_iter().enumerate() {
            assert_eq!(asked(way, forge), 3, "{way:?} forgery {which}");
        }
    }
}
