//! Bytes taken apart, for bodies that need more than one thing. Every input means something: what is missing is zero or
//! empty.

use alloc::vec::Vec;

/// The first byte, and the rest.
pub(super) fn choice(data: &[u8]) -> (u8, &[u8]) {
    data.split_first()
        .map_or((0, data), |(byte, rest)| (*byte, rest))
}

/// As many bytes as are wanted, filled up with zeros, and the rest.
pub(super) fn take<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    let (front, rest) = data.split_at(data.len().min(N));
    let mut taken = [0; N];
    taken[..front.len()].copy_from_slice(front);
    (taken, rest)
}

/// Up to the first line break, and what is behind it.
pub(super) fn line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let end = end.unwrap_or(data.len());
    let rest = data.get(end + 1..).unwrap_or_default();
    (&data[..end], rest)
}

/// `data` with `new` in place of each `old`.
pub(super) fn replaced(data: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(first) = rest.first() {
        if let Some(after) = rest.strip_prefix(old) {
            out.extend_from_slice(new);
            rest = after;
        } else {
            out.push(*first);
            rest = &rest[1..];
        }
    }
    out
}

/// Whether `data` holds `part` somewhere.
pub(super) fn has(data: &[u8], part: &[u8]) -> bool {
    data.windows(part.len()).any(|window| window == part)
}
