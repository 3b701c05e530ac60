//! The filter for Envoy, in the test host of the proxy-wasm ABI: the same requests and the same bytes in every run.

use std::collections::BTreeMap;
use std::fs;

use project::filter;
use serde_json::json;

use super::file::Costs;
use crate::rig::wasm_world::WasmWorld;
use crate::rig::{APPID, Ask, Login, Rig, SECRET, WasmRig, module};
use proxy_wasm_host::{Plugin, SharedData};
use testkit::fakes::wechat::FakeWechat;

const KINDS: [&str; 9] = [
    "cached_check",
    "embedded_check",
    "embedded_check_in_a_full_slot",
    "refusal",
    "login",
    "decrypt",
    // Both with the access_token that is there.
    "phone",
    "wechat_api",
    "push",
];

/// More sessions than a slot holds.
const CROWD: usize = 40;

pub fn measure(costs: &mut Costs) {
    let counting = Plugin::load(&filter::built_to_count().unwrap()).unwrap();
    let host = costs.entry("envoy".to_owned()).or_default();
    for kind in KINDS {
        let mut cost = request(module(), kind);
        let allocations = request(&counting, kind)["allocations"];
        cost.insert("allocations", allocations);
        let cost = cost
            .into_iter()
            .map(|(name, number)| (name.to_owned(), number));
        host.insert(kind.to_owned(), cost.collect());
    }
    let bytes = fs::metadata(filter::built().unwrap()).unwrap().len();
    host.insert("module".to_owned(), [("bytes".to_owned(), bytes)].into());
}

/// From the request's headers to the end of its stream.
fn request(module: &Plugin, kind: &str) -> BTreeMap<&'static str, u64> {
    let patch = match kind {
        "embedded_check" => json!({ "session": { "cache_ttl_s": 0 } }),
        // One slot for sessions, one for users.
        "embedded_check_in_a_full_slot" => json!({
            "session": { "cache_ttl_s": 0 },
            "store": { "kind": "shared_data", "slots": 2 },
        }),
        "push" => super::with_push(),
        _ => json!({}),
    };
    if kind == "wechat_api" {
        return call_of_the_backend(module);
    }
    let mut stage = WasmWorld::running(module, &patch);
    if kind == "phone" {
        let asks = stage.asks().into_iter();
        let first = asks.filter(|(name, _)| *name == kind).map(|(_, ask)| ask);
        stage.rig.ask(first.collect());
    }
    if kind == "embedded_check_in_a_full_slot" {
        crowd(&mut stage);
    }
    // Headers as a mini program sends them.
    let check = Ask::get("/api/orders")
        .token(&stage.token)
        .header("user-agent", "MicroMessenger")
        .header(
            "referer",
            "https://servicewechat.com/wx0123456789abcdef/12/page-frame.html",
        );
    stage.rig.ask(vec![check.clone()]);
    let asks = stage.asks();
    let kept = |name: &str| asks.iter().find(|(own, _)| *own == name).unwrap().1.clone();
    let (ask, status) = match kind {
        "refusal" => (kept("no session"), 401),
        "login" | "decrypt" | "phone" => (kept(kind), 200),
        "push" => (super::a_push(&stage.wechat, 1), 200),
        _ => (check, 200),
    };
    stage.rig.receiver().answer_with(super::success);
    measured(&mut stage.rig, ask, status)
}

/// A call of the backend's for a picture.
fn call_of_the_backend(module: &Plugin) -> BTreeMap<&'static str, u64> {
    let patch = json!({ "wechat_api": { "allow": ["/wxa/getwxacodeunlimit"] } });
    let wechat = FakeWechat::seeded(APPID, SECRET, b"budgets");
    let mut rig = WasmRig::running(module, &wechat, &patch, &SharedData::default(), 1);
    let ask = Ask::post("/wxa/getwxacodeunlimit", &json!({ "scene": "a=1" }));
    rig.ask(vec![ask.clone()]);
    measured(&mut rig, ask, 200)
}

fn measured(rig: &mut WasmRig, ask: Ask, status: u16) -> BTreeMap<&'static str, u64> {
    let allocations = rig.vm.allocations();
    rig.vm.reset_counts();
    let got = rig.answers(vec![ask]).remove(0);
    assert_eq!(got.status, status, "{}", String::from_utf8_lossy(&got.body));
    let counts = rig.vm.counts().clone();
    let mut cost = BTreeMap::from([
        ("bytes_from_module", counts.bytes_from_module),
        ("bytes_to_module", counts.bytes_to_module),
        ("callbacks", counts.total_exports()),
        ("fuel", counts.fuel),
        ("hostcalls", counts.total_hostcalls()),
    ]);
    let counted = allocations.and_then(|before| Some(rig.vm.allocations()? - before));
    cost.extend(counted.map(|number| ("allocations", number)));
    cost
}

/// Fills the slot of the stage's session with others, and logs in again: what is closest to its end gives way.
fn crowd(stage: &mut WasmWorld) {
    for number in 0..CROWD {
        let code = stage.wechat.phone(&format!("user{number}")).login();
        let got = stage
            .rig
            .ask(vec![Ask::post("/wx/login", &json!({ "code": code }))]);
        stage.token = Login::from(&got[0]).token;
    }
}
