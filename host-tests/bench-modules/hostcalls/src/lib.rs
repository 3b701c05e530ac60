//! A proxy-wasm filter that reads the headers, the time and a counter, takes one header off and sets three: what Envoy
//! alone costs a session check, whoever decides about it. The arm `hostcalls` of `cargo xtask bench`.
//! Decides nothing: every request goes on.

#![allow(
    missing_docs,
    reason = "a module for Envoy, with no items for other crates"
)]

use proxy_wasm::hostcalls::{
    define_metric, get_current_time, increment_metric, remove_map_value, set_map_value_bytes,
};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, MapType, MetricType};

/// As many bytes as the plugin writes.
const IDENTITY: [(&str, &str); 3] = [
    ("x-wx-openid", "orLuAklk-wPBrAjhBz6_j06S3_FY"),
    ("x-wx-appid", "wx0123456789abcdef"),
    ("x-wx-source", "wx_client"),
];

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::<Root>::default());
}}

#[derive(Default)]
struct Root {
    counter: u32,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        match define_metric(MetricType::Counter, "bench_hostcalls.requests") {
            Ok(counter) => self.counter = counter,
            Err(_) => return false,
        }
        true
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter {
            counter: self.counter,
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Filter {
    counter: u32,
}

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = MapType::HttpRequestHeaders;
        let read = envoy_abi::request_headers().is_some()
            && get_current_time().is_ok()
            && increment_metric(self.counter, 1).is_ok()
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
