//! The callback for request headers, which can also say "hold this request with all that comes of it".
//!
//! Of a request that is paused as the SDK says it, Envoy goes on calling for the body, buffers what comes of it, and
//! answers 413 when that is more than the buffer takes. Held wholly, it reads no more than fits, has the client wait,
//! and calls for the body when the request is resumed.
//! <https://github.com/envoyproxy/envoy/blob/main/envoy/http/filter.h>, `FilterHeadersStatus`

use std::sync::atomic::{AtomicBool, Ordering};

const STOP_ITERATION: u32 = 1;
const STOP_ALL_ITERATION_AND_WATERMARK: u32 = 4;

/// Said in a callback, and taken back at its end.
static HOLD: AtomicBool = AtomicBool::new(false);

unsafe extern "C" {
    /// The SDK's own.
    fn proxy_on_request_headers(context_id: u32, headers: usize, end_of_stream: bool) -> u32;
}

/// Has the callback for request headers that runs now hold the request wholly, if it pauses it.
pub fn hold_everything() {
    HOLD.store(true, Ordering::Relaxed);
}

/// The SDK's callback, whose name it gets in what ships.
#[unsafe(no_mangle)]
pub extern "C" fn wx_session_on_request_headers(
    context_id: u32,
    headers: usize,
    end_of_stream: bool,
) -> u32 {
    // SAFETY: the SDK defines a function of this name with these parameters, and takes any values: it is what the host
    // calls otherwise. What it returns, its `Action`, is laid out as a `u32`.
    let action = unsafe { proxy_on_request_headers(context_id, headers, end_of_stream) };
    if HOLD.swap(false, Ordering::Relaxed) && action == STOP_ITERATION {
        STOP_ALL_ITERATION_AND_WATERMARK
    } else {
        action
    }
}
