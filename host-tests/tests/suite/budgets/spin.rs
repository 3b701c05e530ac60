//! The components for Spin, in the project's host for them: fuel of the whole component, and for the middleware of the
//! app behind it too.

use serde_json::json;

use super::file::Costs;
use crate::rig::spin_world::SpinWorld;
use crate::rig::{Ask, Way, over_tcp};

const KINDS: [&str; 7] = [
    "cached_check",
    "store_check",
    "refusal",
    "login",
    "decrypt",
    "phone",
    "push",
];

/// The least of as many requests: on a busy machine a body may come in more pieces than it was sent in, and each costs.
const REQUESTS: u64 = 10;

pub fn measure(costs: &mut Costs) {
    let sizes = [
        Way::Service.component().len(),
        spin_host::middleware().unwrap().len(),
    ];
    for (way, bytes) in Way::BOTH.into_iter().zip(sizes) {
        let name = match way {
            Way::Service => "spin_service",
            Way::Middleware => "spin_middleware",
        };
        let host = costs.entry(name.to_owned()).or_default();
        for kind in KINDS {
            host.insert(
                kind.to_owned(),
                [("fuel".to_owned(), fuel(way, kind))].into(),
            );
        }
        let bytes = u64::try_from(bytes).unwrap();
        host.insert("component".to_owned(), [("bytes".to_owned(), bytes)].into());
    }
}

fn fuel(way: Way, kind: &str) -> u64 {
    let seconds = if kind == "store_check" { 0 } else { 60 };
    let mut patch = json!({ "session": { "cache_ttl_s": seconds } });
    if kind == "push" {
        patch = super::with_push();
    }
    let stage = SpinWorld::start_with(way, &patch, |_| {});
    let phone = stage.wechat.phone("alice");
    let token = stage.login(&phone);
    let ask = |number: u64| match kind {
        "refusal" => Ask::get("/api/orders"),
        "push" => super::a_push(&stage.wechat, number),
        "login" => {
            let code = stage.wechat.phone(&format!("user{number}")).login();
            Ask::post("/wx/login", &json!({ "code": code }))
        }
        "decrypt" => {
            let data = phone.user_info();
            let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
            Ask::post("/wx/decrypt", &body).token(&token)
        }
        "phone" => {
            let body = json!({ "code": phone.phone_code() });
            Ask::post("/wx/phone", &body).token(&token)
        }
        // Headers as a mini program sends them.
        _ => Ask::get("/api/orders")
            .token(&token)
            .header("user-agent", "MicroMessenger")
            .header(
                "referer",
                "https://servicewechat.com/wx0123456789abcdef/12/page-frame.html",
            ),
    };
    if kind == "push" {
        stage.rig.app.answer_with(super::success);
    }
    over_tcp::send(stage.addr(), &ask(0));
    let _first = stage.rig.spin.take_fuel();
    let costs = (1..=REQUESTS).map(|number| {
        over_tcp::send(stage.addr(), &ask(number));
        stage.rig.spin.take_fuel()
    });
    costs.min().unwrap()
}
