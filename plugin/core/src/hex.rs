//! Hashes as text: lower-case hex digits, alone or behind a prefix. Never says what was hashed.

use alloc::string::String;

/// `prefix` and the hex digits of `hash`: the name of a store entry.
pub(crate) fn named(prefix: &str, hash: &[u8]) -> String {
    let mut name = String::with_capacity(prefix.len() + 2 * hash.len());
    name.push_str(prefix);
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    name.extend(nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)));
    name
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    named("", bytes)
}
