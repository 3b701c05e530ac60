//! Every kind of request, with each of its hostcalls failing once, in each way that Envoy can let it fail.

use serde_json::{Value, json};

use crate::rig::wasm_world::{WasmWorld, embedded};
use crate::rig::{Rig, bridge};
use proxy_wasm_host::{FaultKind, FaultOutcome};

/// Each request on a fresh worker whose cache is warm or cold, with one fault.
fn every_hostcall_may_fail(store: &Value, cache_ttl_s: u64) -> u32 {
    let patch = json!({
        "store": store,
        "session": { "cache_ttl_s": cache_ttl_s },
        "wechat": { "timeout_ms": 500 },
    });
    let mut injected = 0;
    let kinds = WasmWorld::new(&patch).asks().len();
    for kind in 0..kinds {
        let mut calm = WasmWorld::new(&patch);
        let (name, ask) = calm.asks().swap_remove(kind);
        calm.rig.vm.reset_counts();
        calm.rig.ask(vec![ask]);
        let hostcalls = calm.rig.vm.counts().total_hostcalls();
        assert!(hostcalls > 2, "{name}: {hostcalls} hostcalls");

        for nth in 1..=hostcalls {
            for fault in FaultKind::ALL {
                let mut stage = WasmWorld::new(&patch);
                let (name, ask) = stage.asks().swap_remove(kind);
                stage.rig.vm.fail_hostcall(nth, fault);
                let stream = stage.rig.send(&ask);
                stage.rig.settle(&[stream]);
                let story = format!(
                    "{name}, hostcall {nth}, {fault:?}: {:?}",
                    stage.rig.vm.fault()
                );
                stage.assert_invariants(stream, &ask, &story);
                if !matches!(stage.rig.vm.fault(), FaultOutcome::Injected { .. }) {
                    continue;
                }
                injected += 1;
                // The next client is not to suffer for it.
                stage.rig.vm.disarm_fault();
                stage.rig.vm.complete(stream);
                let other = crate::rig::Ask::get("/public");
                let next = stage.rig.send(&other);
                stage.rig.settle(&[next]);
                stage.assert_invariants(next, &other, &story);
            }
        }
    }
    injected
}

#[test]
fn with_a_warm_cache_every_hostcall_may_fail() {
    assert!(every_hostcall_may_fail(&embedded(), 5) > 50);
}

#[test]
fn without_a_cache_every_hostcall_may_fail() {
    assert!(every_hostcall_may_fail(&embedded(), 0) > 60);
}

#[test]
fn with_sessions_behind_webdis_every_hostcall_may_fail() {
    assert!(every_hostcall_may_fail(&bridge::webdis(), 0) > 60);
}

#[test]
fn with_sessions_behind_the_rest_dialect_every_hostcall_may_fail() {
    assert!(every_hostcall_may_fail(&bridge::rest(), 0) > 60);
}
