//! What a text says to a reader that ignores case and normalises: its letters and digits, and where something else
//! stands between them. Of Unicode's tables (NFKC and case folding, hundreds of kilobytes) it has what ends in ASCII,
//! in one: the names that it is asked about are ASCII. A test compares it with the whole tables.

use core::str::Chars;

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
                unseen if is_unseen(unseen) => {}
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

/// Whether some app could find `name` by `key`.
pub(crate) fn says(key: &str, name: &str) -> bool {
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

/// Characters that Unicode calls ignorable or format characters, spaces, controls, accents that stand alone, and what
/// decoders put in the place of a broken byte.
fn is_unseen(character: char) -> bool {
    matches!(
        u32::from(character),
        0x80..=0xa0 | 0xad | 0x300..=0x36f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2
            | 0x115f..=0x1160 | 0x1680 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x2000..=0x200f | 0x2028..=0x202f
            | 0x205f..=0x206f | 0x3000 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0xfffd
            | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
    )
}

/// The one ASCII character in which a character of a regular block ends.
fn stands_for(character: char) -> Option<char> {
    let code = u32::from(character);
    let place = |first, letters: &'static [u8]| {
        let at = usize::try_from(code - first).unwrap_or_default() % letters.len();
        letters.get(at).copied().map(char::from)
    };
    match code {
        // Full-width.
        0xff01..=0xff5e => char::from_u32(code - 0xfee0),
        // In parentheses, circled; the same, then squared; outlined.
        0x249c..=0x24b5 => place(0x249c, LETTERS),
        0x24b6..=0x24e9 => place(0x24b6, LETTERS),
        0x1f110..=0x1f129 => place(0x1f110, LETTERS),
        0x1f130..=0x1f149 => place(0x1f130, LETTERS),
        0x1ccd6..=0x1ccef => place(0x1ccd6, LETTERS),
        0x1ccf0..=0x1ccf9 => place(0x1ccf0, DIGITS),
        // For mathematics: bold, italic, script and others, capitals and small ones by turns.
        0x1d400..=0x1d6a3 => place(0x1d400, LETTERS),
        0x1d7ce..=0x1d7ff => place(0x1d7ce, DIGITS),
        _ => None,
    }
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const DIGITS: &[u8] = b"0123456789";

/// The letters in which another character ends.
fn image(character: char) -> Option<&'static str> {
    let code = u32::from(character);
    let after = IMAGES.partition_point(|(first, _)| *first <= code);
    let (first, images) = IMAGES.get(after.checked_sub(1)?)?;
    let at = usize::try_from(code - first).ok()?;
    images.split(' ').nth(at).filter(|image| *image != "?")
}

/// Blocks of nothing but punctuation, and the forms that it has in East Asia.
fn is_punctuation(character: char) -> bool {
    matches!(
        u32::from(character),
        0x37e | 0x1fef | 0x2010..=0x205e | 0x207a..=0x207e | 0x208a..=0x208e | 0x2260 | 0x226e..=0x226f | 0x2a74..=0x2a76
            | 0x3001..=0x3003 | 0x3008..=0x3020 | 0xfb29 | 0xfe10..=0xfe19 | 0xfe30..=0xfe6b | 0xff5f..=0xff65
    )
}

/// From one character on, what each stands for; `?` for those that have nothing to do with ASCII. Beyond Unicode's own
/// tables there is the Turkish i, with which readers differ.
#[rustfmt::skip]
const IMAGES: &[(u32, &str)] = &[
    (0xaa, "a"),
    (0xb2, "2 3"),
    (0xb9, "1 o"),
    (0xdf, "ss"),
    (0x130, "i i ij ij"),
    (0x17f, "s"),
    (0x1c7, "lj lj lj nj nj nj"),
    (0x1f1, "dz dz dz"),
    (0x2b0, "h ? j r ? ? ? w y"),
    (0x2e1, "l s x"),
    (0x1d2c, "a ? b ? d e ? g h i j k l m n ? o ? p r t u w a ? ? ? b d e ? ? ? g ? k m ? o ? ? ? p t u ? ? v"),
    (0x1d62, "i r u v"),
    (0x1d9c, "c ? ? ? f"),
    (0x1dbb, "z"),
    (0x1e9e, "ss"),
    (0x2070, "0 i ? ? 4 5 6 7 8 9"),
    (0x207f, "n 0 1 2 3 4 5 6 7 8 9"),
    (0x2090, "a e o x ? h k l m n p s t w y z"),
    (0x20a8, "rs"),
    (0x2100, "ac as c ? ? co cu ? ? ? g h h h h ? i i l l ? n no ? ? p q r r r ? ? sm tel tm ? z ? ? ? z ? k ? b c ? e e f ? m o"),
    (0x2139, "i ? fax"),
    (0x2145, "d d e i j"),
    (0x2160, "i ii iii iv v vi vii viii ix x xi xii l c d m i ii iii iv v vi vii viii ix x xi xii l c d m"),
    (0x2460, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"),
    (0x24ea, "0"),
    (0x2c7c, "j v"),
    (0x3250, "pte 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35"),
    (0x32b1, "36 37 38 39 40 41 42 43 44 45 46 47 48 49 50"),
    (0x32cc, "hg erg ev ltd"),
    (0x3371, "hpa da au bar ov pc dm dm2 dm3 iu"),
    (0x3380, "pa na ? ma ka kb mb gb cal kcal pf nf ? ? mg kg hz khz mhz ghz thz ? ml dl kl fm nm ? mm cm km mm2 cm2 m2 km2 mm3 cm3 m3 km3 ? ? pa kpa mpa gpa rad ? ? ps ns ? ms pv nv ? mv kv mv pw nw ? mw kw mw ? ? am bq cc cd ? co db gy ha hp in kk km kt lm ln log lx mb mil mol ph pm ppm pr sr sv wb"),
    (0x33ff, "gal"),
    (0xa7f1, "s c f q"),
    (0xfb00, "ff fi fl ffi ffl st st"),
    (0x107a5, "q"),
    (0x1d6a4, "i"),
    (0x1f100, "0 0 1 2 3 4 5 6 7 8 9"),
    (0x1f12b, "c r cd wz"),
    (0x1f14a, "hv mv sd ss ppv wc"),
    (0x1f16a, "mc md mr"),
    (0x1f190, "dj"),
    (0x1fbf0, "0 1 2 3 4 5 6 7 8 9"),
];

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
