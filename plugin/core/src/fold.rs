//! What a reader may take a text for: programs fold case and width before they compare, and drop what nobody sees.
//! For comparisons only: never changes what is passed on.

mod images;

pub(crate) use self::images::{image, is_punctuation};

/// The characters of `text` as the loosest reader compares them.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|character| character.is_whitespace() || !is_dropped(*character))
        .flat_map(plain)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

/// The characters of ASCII in which a character ends (NFKC, and Turkish İ, of which Unicode's own mapping leaves a dot
/// behind), or itself. (ſ, ı and K are what they are for their upper case.)
fn plain(character: char) -> impl Iterator<Item = char> {
    let image = image(character).filter(|_| !character.is_ascii());
    let own = image
        .is_none()
        .then(|| stands_for(character).unwrap_or(character));
    own.into_iter().chain(image.unwrap_or_default().chars())
}

/// The one ASCII character of which a character of a regular block is a form (NFKC): full-width, for mathematics, in a
/// circle or a square.
pub(crate) fn stands_for(character: char) -> Option<char> {
    let code = u32::from(character);
    // As nearly all.
    if code < 0x249c {
        return None;
    }
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

/// Whether a character has no width and no ink: Unicode's `Default_Ignorable_Code_Point`.
/// <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>
pub(crate) fn is_unseen(character: char) -> bool {
    !character.is_ascii()
        && matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Beside what is ignorable: format characters, spaces, controls, accents that stand alone, and what decoders put in the
/// place of a broken byte.
pub(crate) fn is_dropped(character: char) -> bool {
    is_unseen(character)
        || matches!(
            u32::from(character),
            0x80..=0xa0 | 0x300..=0x36f | 0x600..=0x605 | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x1680
                | 0x2000..=0x200a | 0x2028..=0x2029 | 0x202f | 0x205f | 0x3000 | 0xfff9..=0xfffb | 0xfffd
                | 0x110bd | 0x110cd | 0x13430..=0x1343f
        )
}

/// Whether some reader takes a character for a full stop, or for several.
pub(crate) fn is_dot(character: char) -> bool {
    const DOTS: &str =
        ".\u{2024}\u{2025}\u{2026}\u{3002}\u{fe12}\u{fe19}\u{fe30}\u{fe52}\u{ff0e}\u{ff61}";
    DOTS.contains(character)
}

/// Whether some reader takes a character, which is neither, for a slash or a backslash, or for more with one in it (℀).
pub(crate) fn is_like_a_slash(character: char) -> bool {
    const SLASHES: &str = "\u{2044}\u{2100}\u{2101}\u{2105}\u{2106}\u{2215}\u{2216}\u{29f5}\u{29f8}\u{fe68}\u{ff0f}\u{ff3c}";
    SLASHES.contains(character)
}

/// Whether some reader takes a character, which is none, for a percent sign.
pub(crate) fn is_like_a_percent_sign(character: char) -> bool {
    ['\u{fe6a}', '\u{ff05}'].contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test;
    use alloc::string::String;
    use icu_normalizer::ComposingNormalizerBorrowed;

    #[test]
    fn whatever_normalises_to_a_slash_or_a_percent_sign_is_like_one() {
        let nfkc = ComposingNormalizerBorrowed::new_nfkc();
        for character in (char::MIN..=char::MAX).filter(|character| !character.is_ascii()) {
            let normal = nfkc
                .normalize(character.encode_utf8(&mut [0; 4]))
                .into_owned();
            assert!(
                !normal.contains(['/', '\\']) || is_like_a_slash(character),
                "{character:?}"
            );
            assert!(
                !normal.contains('%') || is_like_a_percent_sign(character),
                "{character:?}"
            );
        }
    }

    #[test]
    fn what_some_reader_takes_for_the_same_folds_to_the_same() {
        for (text, expected) in [
            ("Keys-1.x", "keys-1.x"),
            ("\u{212a}ey\u{17f}", "keys"),
            ("adm\u{131}n ADM\u{130}N", "admin admin"),
            ("ＡＤＭＩＮ／１", "admin/1"),
            ("𝐤𝓔𝕪𝚜𝟏ⓐⒷ🄲", "keys1abc"),
            ("a\u{200b}d\u{ad}min\u{feff}", "admin"),
            ("key\u{2e2} \u{1d4f}eys k\u{212f}ys", "keys keys keys"),
            ("ad\u{217f}in \u{24a1}iles \u{fb01}les", "admin files files"),
            ("ke\u{fff9}ys ke\u{600}ys ke\u{70f}ys", "keys keys keys"),
            ("КЛЮЧ Straße", "ключ strasse"),
            ("用户", "用户"),
        ] {
            assert_eq!(folded(text).collect::<String>(), expected, "{text}");
        }
    }
}
