//! What one request of each kind costs, counted and not timed: hostcalls and fuel (about one unit an instruction).
//! A change that costs more fails here; raising a number is a visible decision.

use serde_json::{Value, json};

use super::Stage;
use crate::rig::{Ask, Rig};

/// Kind, most hostcalls, most fuel.
const BUDGETS: [(&str, u64, u64); 5] = [
    ("cached check", 9, 22_000),
    ("check in the store", 12, 80_000),
    ("refusal", 5, 20_000),
    ("login", 60, 450_000),
    ("decrypt", 12, 280_000),
];

/// The module's size in bytes.
const MODULE_BYTES: u64 = 870_000;

fn measure(kind: &str) -> (u64, u64) {
    let cache = |seconds: u64| json!({ "session": { "cache_ttl_s": seconds } });
    let patch: Value = if kind == "check in the store" {
        cache(0)
    } else {
        cache(5)
    };
    let mut stage = Stage::new(&patch);
    let check = Ask::get("/api/orders").token(&stage.token);
    // Headers as a mini program sends them.
    let check = check.header("user-agent", "MicroMessenger").header(
        "referer",
        "https://servicewechat.com/wx0123456789abcdef/12/page-frame.html",
    );
    stage.rig.ask(vec![check.clone()]);
    let asks = stage.asks();
    let kept = |name: &str| asks.iter().find(|(own, _)| *own == name).unwrap().1.clone();
    let ask = match kind {
        "cached check" | "check in the store" => check,
        "refusal" => kept("no session"),
        other => kept(other),
    };
    stage.rig.vm.reset_counts();
    let stream = stage.rig.send(&ask);
    stage.rig.settle(&[stream]);
    let counts = stage.rig.vm.counts();
    (counts.total_hostcalls(), counts.fuel)
}

#[test]
fn every_kind_of_request_stays_within_its_budget() {
    for (kind, most_hostcalls, most_fuel) in BUDGETS {
        let (hostcalls, fuel) = measure(kind);
        println!("{kind}: {hostcalls} hostcalls, {fuel} fuel");
        assert!(
            hostcalls <= most_hostcalls,
            "{kind}: {hostcalls} hostcalls, budget {most_hostcalls}"
        );
        assert!(fuel <= most_fuel, "{kind}: {fuel} fuel, budget {most_fuel}");
    }
}

#[test]
fn the_module_stays_within_its_budget() {
    let size = std::fs::metadata(host_tests::envoy::build_plugin().unwrap())
        .unwrap()
        .len();
    println!("module: {size} bytes");
    assert!(size <= MODULE_BYTES, "{size} bytes, budget {MODULE_BYTES}");
}
