//! A proxy-wasm filter that does nothing: the yardstick of `cargo xtask bench`.
//! Keeps every callback that the SDK exports, and asks the host for nothing while it has a request.

#![allow(
    missing_docs,
    reason = "a module for Envoy, with no items for other crates"
)]

use std::cell::Cell;
use std::time::Duration;

use proxy_wasm::hostcalls::{define_metric, increment_metric};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, MetricType};

/// Seldom enough to cost nothing that could be measured.
const TICK: Duration = Duration::from_millis(250);

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::<Root>::default());
}}

/// Counts requests in its own memory, and tells the host from time to time: that is the proof that the filter ran.
#[derive(Default)]
struct Root {
    untold: Cell<u32>,
    counter: Option<u32>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        self.counter = define_metric(MetricType::Counter, "bench_empty.requests").ok();
        self.set_tick_period(TICK);
        self.counter.is_some()
    }

    fn on_tick(&mut self) {
        let untold = i64::from(self.untold.take());
        if let Some(counter) = self.counter
            && untold > 0
        {
            // A count that is lost fails the proof, which is loud enough.
            let _ = increment_metric(counter, untold);
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        self.untold.set(self.untold.get().saturating_add(1));
        Some(Box::new(Empty))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Empty;

impl Context for Empty {}

impl HttpContext for Empty {}
