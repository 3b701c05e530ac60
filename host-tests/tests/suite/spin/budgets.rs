//! What one request of each kind costs on Spin, counted and not timed: fuel (about one unit an instruction) of the
//! whole component, and for the middleware of the app behind it too. A change that costs more fails here; raising a
//! number is a visible decision.

use serde_json::json;

use super::Stage;
use crate::rig::{Ask, Way, over_tcp};

/// Kind, most fuel of the service, most fuel of the middleware with its app.
const BUDGETS: [(&str, u64, u64); 5] = [
    ("cached check", 74_000, 100_000),
    ("check in the store", 120_000, 146_000),
    ("refusal", 62_000, 63_000),
    ("login", 340_000, 340_000),
    ("decrypt", 318_000, 318_000),
];

/// Of the service and of the middleware, in bytes.
const COMPONENT_BYTES: [usize; 2] = [930_000, 970_000];

/// The mean over as many requests, which evens out how bodies happen to be cut into pieces.
const REQUESTS: u64 = 10;

fn measure(way: Way, kind: &str) -> u64 {
    let seconds = if kind == "check in the store" { 0 } else { 60 };
    let patch = json!({ "session": { "cache_ttl_s": seconds } });
    let stage = Stage::start_with(way, &patch, |_| {});
    let phone = stage.wechat.phone("alice");
    let token = stage.login(&phone);
    let ask = |number: u64| match kind {
        "refusal" => Ask::get("/api/orders"),
        "login" => {
            let code = stage.wechat.phone(&format!("user{number}")).login();
            Ask::post("/wx/login", &json!({ "code": code }))
        }
        "decrypt" => {
            let data = phone.user_info();
            let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
            Ask::post("/wx/decrypt", &body).token(&token)
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
    over_tcp::send(stage.addr(), &ask(0));
    let _first = stage.rig.spin.take_fuel();
    for number in 1..=REQUESTS {
        over_tcp::send(stage.addr(), &ask(number));
    }
    stage.rig.spin.take_fuel() / REQUESTS
}

#[test]
fn every_kind_of_request_stays_within_its_budget() {
    for (kind, of_service, of_middleware) in BUDGETS {
        for (way, most) in [(Way::Service, of_service), (Way::Middleware, of_middleware)] {
            let fuel = measure(way, kind);
            println!("{way:?}, {kind}: {fuel} fuel");
            assert!(fuel <= most, "{way:?}, {kind}: {fuel} fuel, budget {most}");
        }
    }
}

#[test]
fn the_components_stay_within_their_budgets() {
    let sizes = [
        Way::Service.component().len(),
        spin_host::middleware().unwrap().len(),
    ];
    println!("service and middleware: {sizes:?} bytes");
    for (size, most) in sizes.into_iter().zip(COMPONENT_BYTES) {
        assert!(size <= most, "{size} bytes, budget {most}");
    }
}
