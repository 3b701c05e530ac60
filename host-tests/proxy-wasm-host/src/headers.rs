//! Header maps as Envoy keeps them, and the wire form in which they cross into the module.
//! Never checks what a header means; names are lower-cased on the way in, order is kept.

use std::fmt;

/// Header names with values, in order. A value may be any bytes.
pub type Pairs = Vec<(String, Vec<u8>)>;

/// Shorthand for a list of text headers.
pub fn pairs<const N: usize>(list: [(&str, &str); N]) -> Pairs {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// Envoy's `HeaderMap`: lower-cased names, duplicates allowed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderMap(Pairs);

impl fmt::Debug for HeaderMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(name, value)| (name, Escaped(value))))
            .finish()
    }
}

/// Bytes as a failed assertion should show them.
pub(super) struct Escaped<'a>(pub &'a [u8]);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl HeaderMap {
    pub fn new(pairs: Pairs) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
        )
    }

    /// The first of duplicates: `getHeaderMapValue` in Envoy's context.cc returns `entry[0]`.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let name = name.to_ascii_lowercase();
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_slice())
    }

    /// As [`HeaderMap::get`], for headers that are text.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    pub fn add(&mut self, name: &str, value: Vec<u8>) {
        self.0.push((name.to_ascii_lowercase(), value));
    }

    /// All earlier values of the name go.
    pub fn replace(&mut self, name: &str, value: Vec<u8>) {
        self.remove(name);
        self.add(name, value);
    }

    pub fn remove(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        self.0.retain(|(key, _)| *key != name);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Sum of the lengths of names and values, in bytes.
    pub fn byte_size(&self) -> usize {
        self.0
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    pub fn pairs(&self) -> &Pairs {
        &self.0
    }

    pub fn into_pairs(self) -> Pairs {
        self.0
    }
}

/// The count, then every pair of lengths, then every name and value, each ended by a zero byte (`PairsUtil`).
pub(crate) fn encode(pairs: &Pairs) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut out = u32::try_from(pairs.len()).unwrap().to_le_bytes().to_vec();
    for (name, value) in pairs {
        out.extend(length(name.as_bytes()));
        out.extend(length(value));
    }
    for (name, value) in pairs {
        out.extend(name.as_bytes());
        out.push(0);
        out.extend(value);
        out.push(0);
    }
    out
}

/// What is not exactly one well-formed map is an empty one, as in `PairsUtil::toPairs`.
pub(crate) fn decode(bytes: &[u8]) -> Pairs {
    try_decode(bytes).unwrap_or_default()
}

fn try_decode(bytes: &[u8]) -> Option<Pairs> {
    let mut rest = bytes;
    let count = take_u32(&mut rest)?;
    let mut sizes = Vec::new();
    for _ in 0..count {
        sizes.push((take_u32(&mut rest)?, take_u32(&mut rest)?));
    }
    let mut pairs = Vec::new();
    for (name, value) in sizes {
        let name = String::from_utf8(take_terminated(&mut rest, name)?).ok()?;
        pairs.push((name, take_terminated(&mut rest, value)?));
    }
    rest.is_empty().then_some(pairs)
}

fn take_u32(rest: &mut &[u8]) -> Option<usize> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    usize::try_from(u32::from_le_bytes(*head)).ok()
}

fn take_terminated(rest: &mut &[u8], size: usize) -> Option<Vec<u8>> {
    let (head, tail) = rest.split_at_checked(size)?;
    *rest = tail.strip_prefix(&[0])?;
    Some(head.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wire_form_is_the_one_of_the_abi() {
        let bytes = encode(&pairs([(":method", "GET"), ("a", "")]));
        assert_eq!(
            bytes,
            b"\x02\0\0\0\x07\0\0\0\x03\0\0\0\x01\0\0\0\0\0\0\0:method\0GET\0a\0\0"
        );
    }

    #[test]
    fn a_truncated_or_padded_map_is_an_empty_map() {
        let bytes = encode(&pairs([("name", "value")]));
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), Pairs::new());
        }
        assert_eq!(decode(&[bytes.as_slice(), b"x"].concat()), Pairs::new());
        assert_eq!(decode(&u32::MAX.to_le_bytes()), Pairs::new());
    }

    proptest! {
        #[test]
        fn every_map_survives_the_wire(list in prop::collection::vec(("[a-z:-]{0,12}", prop::collection::vec(any::<u8>(), 0..20)), 0..8)) {
            prop_assert_eq!(decode(&encode(&list)), list);
        }
    }

    #[test]
    fn the_first_of_duplicates_is_read_and_replace_removes_them_all() {
        let mut map = HeaderMap::new(pairs([("X-A", "1"), ("b", "2"), ("x-a", "3")]));
        assert_eq!(map.get("X-a"), Some(b"1".as_slice()));
        map.replace("X-A", b"9".to_vec());
        assert_eq!(map.pairs(), &pairs([("b", "2"), ("x-a", "9")]));
        map.remove("X-A");
        assert_eq!(map.pairs(), &pairs([("b", "2")]));
    }
}
