//! The soak of the real programs in short: two Envoys, webdis and Redis under load and faults, each answer held against the
//! model. `cargo xtask soak --real` does it for as long as one likes.

use std::sync::atomic::AtomicBool;

use project::filter;
use soak::{Options, Plan};

#[test]
fn two_edges_on_one_redis_keep_their_promises_under_fire() {
    let plan = Plan::short();
    let planned = plan.events.len();
    let options = Options {
        seed: 17,
        plan,
        users: 4,
    };
    let module = filter::built().unwrap();
    let report = soak::run(&options, &module, &AtomicBool::new(false)).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.faults(), planned, "{report}");
    assert!(report.requests() > 100, "{report}");
}
