//! A proxy-wasm filter that reads the headers, takes one off and sets three: what Envoy alone costs a session check,
//! whoever decides about it. The arm `hostcalls` of `cargo xtask bench`.
//! Decides nothing: every request goes on.

#![allow(
    missing_docs,
    reason = "a module for Envoy, with no items for other crates"
)]

use std::cell::Cell;
use std::time::Duration;

use proxy_wasm::hostcalls::{
    define_metric, increment_metric, remove_map_value, set_map_value_bytes,
};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, MapType, MetricType};

/// As many bytes as the plugin writes.
const IDENTITY: [(&str, &str); 3] = [
    ("x-wx-openid", "orLuAklk-wPBrAjhBz6_j06S3_FY"),
    ("x-wx-appid", "wx0123456789abcdef"),
    ("x-wx-source", "wx_client"),
];

/// As the plugin: a request tells nobody that it was.
const TICK: Duration = Duration::from_millis(100);

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::<Root>::default());
}}

#[derive(Default)]
struct Root {
    untold: Cell<u32>,
    counter: Option<u32>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        self.counter = define_metric(MetricType::Counter, "bench_hostcalls.requests").ok();
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
        Some(Box::new(Filter))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Filter;

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = MapType::HttpRequestHeaders;
        let read = envoy_abi::request_headers().is_some()
            && remove_map_value(headers, "x-wx-skey").is_ok();
        let set = |(name, value): &(&str, &str)| {
            set_map_value_bytes(headers, name, Some(value.as_bytes())).is_ok()
        };
        // A call that failed would not be what is measured: the bench sees the request hang.
        if read && IDENTITY.iter().all(set) {
            Action::Continue
        } else {
            Action::Pause
        }
    }
}
