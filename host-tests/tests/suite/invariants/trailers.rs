//! Trailers that come after a body that is opened: those that speak of the old body do not reach the app, whenever the
//! verdict comes.

use serde_json::json;

use crate::rig::bridge;
use crate::rig::wasm_world::{WasmWorld, embedded};
use proxy_wasm_host::pairs;

#[test]
fn trailers_that_describe_the_old_body_do_not_come_with_the_new_one() {
    // The verdict comes with the trailers, or long after them.
    for store in [embedded(), bridge::webdis()] {
        let patch = json!({
            "store": store,
            "session": { "cache_ttl_s": 0 },
            "identity_headers": { "unionid": "X-User-Unionid" },
        });
        for (name, kept) in [("open body", false), ("upload", true)] {
            let mut stage = WasmWorld::new(&patch);
            let asks = stage.asks();
            let (_, ask) = asks.iter().find(|(own, _)| *own == name).unwrap();
            let stream = stage.rig.vm.request(ask.head(), false);
            let body = ask.body.clone().unwrap();
            stage.rig.vm.body(stream, &body, false);
            let trailers = pairs([
                ("content-digest", "sha-256=:old:"),
                ("x-wx-openid", "admin"),
                ("x_wx_env", "admin"),
                ("x-user-unionid", "admin"),
                ("x_wx_skey", "a token"),
                ("authorization", "Bearer of a token"),
                ("x-checksum", "0"),
            ]);
            stage.rig.vm.trailers(stream, trailers);
            stage.rig.settle(&[stream]);
            stage.assert_invariants(stream, ask, name);
            let forwarded = stage.rig.vm.outcome(stream).forwarded();
            assert_eq!(forwarded.body == body, kept, "{name}");
            let trailers = forwarded.trailers.unwrap();
            assert_eq!(trailers.get("content-digest").is_some(), kept, "{name}");
            for gone in [
                "x-wx-openid",
                "x_wx_env",
                "x-user-unionid",
                "x_wx_skey",
                "authorization",
            ] {
                assert!(trailers.get(gone).is_none(), "{name}: {gone}");
            }
            assert!(trailers.get("x-checksum").is_some(), "{name}");
        }
    }
}
