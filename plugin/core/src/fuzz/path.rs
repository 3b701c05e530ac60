//! A path that is let through has one reading, and is its own canonical form.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::path::{canonical, unambiguous};

/// `data` is `:path`.
pub fn path(data: &[u8]) {
    let Ok(target) = core::str::from_utf8(data) else {
        return;
    };
    let Ok(path) = canonical(target) else {
        return;
    };
    assert!(path.starts_with('/'), "{path:?}");
    assert_eq!(unambiguous(&path), Ok(()), "{path:?}");
    // Whoever decodes once more, joins slashes or resolves dots gets the same again.
    let again = percent_decode_str(&path).decode_utf8();
    assert_eq!(again.as_deref(), Ok(&*path));
    let segments = || path.split('/').skip(1);
    let empty = segments().filter(|segment| segment.is_empty()).count();
    assert!(empty <= usize::from(path.ends_with('/')), "{path:?}");
    assert!(segments().all(|segment| segment != "." && segment != ".."));
    assert!(!path.contains(['\\', ';', '?', '#', '\0', '\r', '\n']));
    // With every character encoded it is the same path: no rule can be passed by another spelling.
    let segments = segments().map(|segment| utf8_percent_encode(segment, NON_ALPHANUMERIC));
    let encoded: alloc::string::String = segments.map(|one| alloc::format!("/{one}")).collect();
    assert_eq!(canonical(&encoded).as_deref(), Ok(&*path), "{encoded:?}");
    // A query is none of its business.
    let (bare, _) = target.split_once('?').unwrap_or((target, ""));
    assert_eq!(canonical(bare).as_deref(), Ok(&*path));
}
