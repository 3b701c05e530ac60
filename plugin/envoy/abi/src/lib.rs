//! The one hostcall that is made without the SDK, the one callback that answers more than the SDK can, and the only
//! unsafe code of what ships. The SDK's reader of a header map copies every name and every value into memory of its own,
//! twenty allocations for ten headers, on every request. Never interprets what it reads.

mod hold;

use std::ptr;

pub use hold::hold_everything;

const REQUEST_HEADERS: u32 = 0;
const RESPONSE_HEADERS: u32 = 2;
const OK: u32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
}

/// The headers of the current request: see [`response_headers`].
#[must_use]
pub fn request_headers() -> Option<Vec<u8>> {
    headers(REQUEST_HEADERS)
}

/// The headers of the answer to the current request in the form that the host gives them: their number, the lengths of each name
/// and value (all 32 bits, little endian), then each name and value with a zero byte behind it. `None` if the host
/// has none to give.
///
/// <https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1#proxy_get_header_map_pairs>
#[must_use]
pub fn response_headers() -> Option<Vec<u8>> {
    headers(RESPONSE_HEADERS)
}

fn headers(map: u32) -> Option<Vec<u8>> {
    let mut data = ptr::null_mut();
    let mut size = 0;
    // SAFETY: both pointers are valid for the write of a pointer and of a size, which is all that the host does.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    if status != OK || data.is_null() {
        return None;
    }
    // SAFETY: the host has taken `data` from the module's `proxy_on_memory_allocate`, which is the SDK's: a boxed slice
    // of exactly `size` bytes from the global allocator, given away. The host has written all of it and keeps nothing.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}
