//! Request line and headers: read once, looked up often, copied never.

use alloc::vec::Vec;
use core::ops::Range;

use smallvec::SmallVec;

/// Headers of a request, names in lower case, with the pseudo headers `:method` and `:path`.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// All names and values, as the host gave them.
    text: Vec<u8>,
    /// In place for as many headers as mini programs and proxies send.
    fields: SmallVec<[Field; 24]>,
}

/// Where a value stands that was not kept.
const NOWHERE: Range<u32> = u32::MAX..u32::MAX;

/// Where one header stands in the text.
#[derive(Clone, Debug)]
struct Field {
    /// [`tag`] of the name: all that most names are ever compared by.
    tag: u32,
    name: Range<u32>,
    value: Range<u32>,
}

/// What a request holds under one header name.
#[derive(Debug, PartialEq, Eq)]
pub enum Header<'a> {
    /// No such header.
    Absent,
    /// Exactly one, and it is UTF-8.
    One(&'a str),
    /// More than one, or not UTF-8: whoever reads it must refuse, for two readers could see two values. Or its value was
    /// not kept.
    Ambiguous,
}

impl Head {
    /// From one piece of memory, which is kept: the number of headers and the lengths of each name and value (all 32
    /// bits, little endian), then each name and value with a zero byte behind it. `None` if it has another form, or a
    /// name that is not ASCII.
    #[must_use]
    pub fn packed(text: Vec<u8>) -> Option<Self> {
        let mut head = Self::default();
        head.read_packed(text).then_some(head)
    }

    /// As [`Head::packed`], into an empty head that stays where it is: with room for its fields, half a kilobyte would
    /// have to be moved. Tells whether there was something to be read; if not, the head is still empty.
    pub fn read_packed(&mut self, text: Vec<u8>) -> bool {
        let is_read = self.read_fields(&text).is_some();
        if is_read {
            self.text = text;
        } else {
            self.fields.clear();
        }
        is_read
    }

    fn read_fields(&mut self, text: &[u8]) -> Option<()> {
        let (count, rest) = split_u32(text)?;
        let table = usize::try_from(count.checked_mul(8)?).ok()?;
        let lengths = rest.get(..table)?.as_chunks::<4>().0;
        let mut start = 4_u32.checked_add(count.checked_mul(8)?)?;
        let mut take = |length: u32| {
            let end = start.checked_add(length)?;
            let taken = start..end;
            start = end.checked_add(1)?;
            Some(taken)
        };
        for [name, value] in lengths.as_chunks::<2>().0 {
            let name = take(u32::from_le_bytes(*name))?;
            let value = take(u32::from_le_bytes(*value))?;
            slice(text, &value)?;
            let text = slice(text, &name).filter(|name| name.is_ascii())?;
            let tag = tag(text);
            self.fields.push(Field { tag, name, value });
        }
        Some(())
    }

    /// From names and values, of which all are copied. Leaves out names that are not ASCII: HTTP has none.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut head = Self {
            // What a mini program and the proxies before us send: mostly it need not grow.
            text: Vec::with_capacity(1024),
            fields: SmallVec::new(),
        };
        for (name, value) in pairs {
            if name.as_ref().is_ascii() {
                let tag = tag(name.as_ref());
                let name = head.push(name.as_ref());
                let value = head.push(value.as_ref());
                head.fields.push(Field { tag, name, value });
            }
        }
        head
    }

    /// How large it is, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// A copy without some headers, and without the values of some others: those are then [`Header::Ambiguous`].
    pub(crate) fn without(
        &self,
        gone: impl Fn(&[u8]) -> bool,
        valueless: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Self {
        let mut head = Self::default();
        for field in &self.fields {
            let (name, value) = (self.part(&field.name), self.part(&field.value));
            if gone(name) {
                continue;
            }
            let value = if valueless(name, value) {
                NOWHERE
            } else {
                head.push(value)
            };
            let name = head.push(name);
            head.fields.push(Field {
                name,
                value,
                ..*field
            });
        }
        // It grew in steps, and may have to wait.
        head.text.shrink_to_fit();
        head
    }

    fn push(&mut self, part: &[u8]) -> Range<u32> {
        let start = self.end();
        self.text.extend_from_slice(part);
        start..self.end()
    }

    fn end(&self) -> u32 {
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    /// The header `name` (lower case).
    #[must_use]
    pub fn get(&self, name: &str) -> Header<'_> {
        let mut found = Header::Absent;
        let tag = tag(name.as_bytes());
        for field in &self.fields {
            if field.tag != tag || self.part(&field.name) != name.as_bytes() {
                continue;
            }
            let text = slice(&self.text, &field.value);
            let text = text.and_then(|value| core::str::from_utf8(value).ok());
            found = match (found, text) {
                (Header::Absent, Some(text)) => Header::One(text),
                _ => return Header::Ambiguous,
            };
        }
        found
    }

    /// The header if it is there exactly once and readable.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Header::One(text) => Some(text),
            _ => None,
        }
    }

    /// All headers in their order, as often as they occur. Names are ASCII.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let pair = |field: &Field| (self.part(&field.name), self.part(&field.value));
        self.fields.iter().map(pair)
    }

    /// All names in their order, as often as they occur.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs()
            .filter_map(|(name, _)| core::str::from_utf8(name).ok())
    }

    fn part(&self, range: &Range<u32>) -> &[u8] {
        slice(&self.text, range).unwrap_or_default()
    }
}

/// Length, first, middle and last byte: names with the same are mostly the same.
fn tag(name: &[u8]) -> u32 {
    let byte = |at: usize| name.get(at).copied().unwrap_or_default();
    let [length, ..] = name.len().to_le_bytes();
    u32::from_le_bytes([
        length,
        byte(0),
        byte(name.len() / 2),
        byte(name.len().wrapping_sub(1)),
    ])
}

fn slice<'a>(text: &'a [u8], range: &Range<u32>) -> Option<&'a [u8]> {
    text.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::vec;

    fn pack(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let number = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        let mut packed = number(pairs.len()).to_vec();
        for (name, value) in pairs {
            packed.extend(number(name.len()));
            packed.extend(number(value.len()));
        }
        for (name, value) in pairs {
            packed.extend([name, &b"\0"[..], value, &b"\0"[..]].concat());
        }
        packed
    }

    #[test]
    fn packed_and_copied_headers_read_the_same() {
        let pairs: [(&[u8], &[u8]); 4] = [
            (b":path", b"/a"),
            (b"empty", b""),
            (b"x", "\u{1F600}".as_bytes()),
            (b":path", b"\xff"),
        ];
        let packed = Head::packed(pack(&pairs)).unwrap();
        let copied = Head::from_pairs(pairs);
        for head in [&packed, &copied] {
            assert_eq!(head.pairs().collect::<Vec<_>>(), pairs);
            assert_eq!(head.get("empty"), Header::One(""));
            assert_eq!(head.get("x"), Header::One("\u{1F600}"));
            assert_eq!(head.get(":path"), Header::Ambiguous);
            assert_eq!(head.get("absent"), Header::Absent);
        }
        assert_eq!(Head::packed(pack(&[])).unwrap().pairs().count(), 0);
    }

    #[test]
    fn more_headers_than_fit_in_place_are_kept_too() {
        let names: Vec<_> = (0..100_u8)
            .map(|number| alloc::format!("n{number}"))
            .collect();
        let head = Head::from_pairs(names.iter().map(|name| (name, name)));
        assert!(
            names
                .iter()
                .all(|name| head.text(name) == Some(name.as_str()))
        );
    }

    #[test]
    fn what_is_cut_off_lies_about_its_lengths_or_is_not_ascii_is_no_head() {
        let good = pack(&[(b"name", b"value"), (b"other", b"")]);
        for end in 0..good.len() - 1 {
            assert!(Head::packed(good[..end].into()).is_none(), "{end}");
        }
        for place in [0, 4, 8, 12, 16] {
            for lie in [u32::MAX, 1 << 31, 1000] {
                let mut bad = good.clone();
                bad[place..place + 4].copy_from_slice(&lie.to_le_bytes());
                assert!(Head::packed(bad).is_none(), "{lie} at {place}");
            }
        }
        assert!(Head::packed(pack(&[(b"na\xffme", b"value")])).is_none());
        assert!(Head::packed(vec![]).is_none());
    }
}
