//! What a text says to a reader that ignores case and normalises: its letters and digits, and where something else
//! stands between them. Of Unicode's tables (NFKC and case folding, hundreds of kilobytes) it has what ends in ASCII,
//! in one: the names that it is asked about are ASCII. A test compares it with the whole tables.

use core::str::Chars;

use crate::fold::{image, is_dropped, is_punctuation, stands_for};

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A letter or digit; without case where it stands for one of ASCII. Scripts that have nothing to do with ASCII are
    /// left as they are.
    Letter(char),
    /// Punctuation, a control character: some reader may split a text here.
    Boundary,
}

/// The parts of a text. What separates words within a name (`-`, `_`, space) and what nobody sees (zero-width
/// characters, soft hyphens, variation selectors) is none.
#[derive(Clone)]
pub(crate) struct Parts<'a> {
    text: Chars<'a>,
    /// What is left of a character that stands for several.
    image: Chars<'static>,
}

pub(crate) fn parts(text: &str) -> Parts<'_> {
    Parts {
        text: text.chars(),
        image: "".chars(),
    }
}

/// The letters and digits alone.
pub(crate) fn letters(text: &str) -> impl Iterator<Item = char> {
    parts(text).filter_map(|part| match part {
        Part::Letter(letter) => Some(letter),
        Part::Boundary => None,
    })
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        loop {
            if let Some(letter) = self.image.next() {
                return Some(Part::Letter(letter));
            }
            match self.text.next()? {
                '-' | '_' | ' ' => {}
                ascii if ascii.is_ascii_alphanumeric() => {
                    return Some(Part::Letter(ascii.to_ascii_lowercase()));
                }
                ascii if ascii.is_ascii() => return Some(Part::Boundary),
                unseen if is_dropped(unseen) => {}
                other => match (stands_for(other), image(other)) {
                    (Some('-' | '_'), _) => {}
                    (Some(ascii), _) if ascii.is_ascii_alphanumeric() => {
                        return Some(Part::Letter(ascii.to_ascii_lowercase()));
                    }
                    (Some(_), _) => return Some(Part::Boundary),
                    (None, Some(image)) => self.image = image.chars(),
                    (None, None) if is_punctuation(other) => return Some(Part::Boundary),
                    (None, None) => return Some(Part::Letter(other)),
                },
            }
        }
    }
}

/// Whether some app could read both as one name.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

/// Whether some app could find `name` by `key`. Libraries for forms make a tree of `a-b` and `a__b`, too.
pub(crate) fn says(key: &str, name: &str) -> bool {
    says_it(key, name)
        || ((key.contains('-') || key.contains("__"))
            && says_it(&key.replace("__", ".").replace('-', "."), name))
}

fn says_it(key: &str, name: &str) -> bool {
    let mut rest = parts(key);
    let mut begins = true;
    loop {
        let here = rest.clone();
        match rest.next() {
            None => return false,
            Some(Part::Boundary) => begins = true,
            Some(Part::Letter(_)) => {
                if begins && is_next(here, name) {
                    return true;
                }
                begins = false;
            }
        }
    }
}

/// Whether `name` comes next and ends at a boundary. It may have some inside: PHP reads `open.data` as `open_data`.
fn is_next(mut rest: Parts<'_>, name: &str) -> bool {
    let is_there = letters(name)
        .all(|letter| rest.find(|part| *part != Part::Boundary) == Some(Part::Letter(letter)));
    is_there && matches!(rest.next(), None | Some(Part::Boundary))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::string::String;
    use icu_normalizer::ComposingNormalizerBorrowed;

    fn folded(text: &str) -> String {
        letters(text).collect()
    }

    /// NFKC and lower case, until nothing changes any more.
    fn by_unicode(character: char) -> String {
        let nfkc = ComposingNormalizerBorrowed::new_nfkc();
        let mut text = String::from(character);
        loop {
            let next = nfkc
                .normalize(&nfkc.normalize(&text).to_lowercase())
                .into_owned();
            if next == text {
                return text;
            }
            text = next;
        }
    }

    #[test]
    fn every_character_that_ends_in_ascii_is_folded_as_unicode_says() {
        let mut ends_in_ascii = 0;
        let mut wrong = alloc::vec::Vec::new();
        for character in '\u{80}'..=char::MAX {
            let image = by_unicode(character);
            let ascii = image.is_ascii();
            let expected: String = image.chars().filter(char::is_ascii_alphanumeric).collect();
            let own = folded(character.encode_utf8(&mut [0; 4]));
            if ascii && image.contains(|c: char| !" -_".contains(c)) {
                if own != expected {
                    wrong.push((u32::from(character), own, expected));
                }
                ends_in_ascii += 1;
            } else if own.is_ascii() {
                // What Unicode leaves alone may be unseen, punctuation or one of those that are named here.
                let upper: String = character.to_uppercase().collect();
                let known = own.is_empty()
                    || ['İ', 'ı', 'ß', 'ẞ', '\u{1d6a4}'].contains(&character)
                    || folded(&upper) == own
                    || character == '\u{1d6a5}';
                if !known {
                    wrong.push((u32::from(character), own, image));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:x?}");
        assert!(ends_in_ascii > 1300, "{ends_in_ascii}");
    }

    #[test]
    fn what_nobody_sees_is_no_part_and_punctuation_is_a_boundary() {
        assert_eq!(
            folded("ｏ\u{200b}p\u{ad}e\u{fe0f}n𝐃\u{2060}ⓐ🅃\u{e0041}ª"),
            "opendata"
        );
        assert_eq!(folded("ﬁ\u{17f}\u{212a}ßİı"), "fiskssii");
        for split in [
            "a.b",
            "a．b",
            "a…b",
            "a\0b",
            "a［b",
            "a\u{2024}b",
            "a：b",
            "a\nb",
        ] {
            let boundaries = parts(split).filter(|part| *part == Part::Boundary).count();
            assert_eq!(boundaries, 1, "{split:?}");
        }
        for one in ["a b", "a_b", "a－b", "a\u{3000}b", "a\u{a0}b"] {
            assert!(parts(one).all(|part| part != Part::Boundary), "{one:?}");
        }
        assert_eq!(folded("订单éЯ"), "订单éЯ");
    }

    #[test]
    fn a_name_is_the_same_in_every_spelling_that_a_reader_may_take_for_it() {
        for name in [
            "openData",
            "OPENDATA",
            "open_data",
            "open-data",
            "open data",
            " openData\n",
        ] {
            assert!(same_name(name, "openData"), "{name:?}");
        }
        assert!(same_name("\u{212a}ey\u{17f}", "keys"), "Go folds these");
        for name in ["openDat", "openData1", "xopenData", "数据openData", ""] {
            assert!(!same_name(name, "openData"), "{name:?}");
        }
    }
}
