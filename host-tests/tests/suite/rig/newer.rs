//! What a release of some later day may write: what is there, of a version that nobody knows yet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Of such an entry.
pub const VERSION: u8 = u8::MAX;

/// A value of Redis, as text, in such a version.
pub fn newer(value: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(value).unwrap();
    bytes[0] = VERSION;
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the edge logs of it.
pub fn line(record: &str) -> String {
    format!(r#"{{"event":"record_newer","record":"{record}","version":{VERSION}}}"#)
}
