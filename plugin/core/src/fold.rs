//! What a reader may take a text for: programs fold case and width before they compare, and drop what nobody sees.
//! For comparisons only: never changes what is passed on.

use crate::spelling;

/// The characters of `text` as the loosest reader compares them.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|character| character.is_whitespace() || !spelling::is_unseen(*character))
        .flat_map(spelling::plain)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

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

/// Whether some reader takes a character for a full stop, or for several.
pub(crate) fn is_dot(character: char) -> bool {
    const DOTS: &str =
        ".\u{2024}\u{2025}\u{2026}\u{3002}\u{fe12}\u{fe19}\u{fe30}\u{fe52}\u{ff0e}\u{ff61}";
    DOTS.contains(character)
}

/// Whether some reader takes a character, which is neither, for a slash or a backslash.
pub(crate) fn is_like_a_slash(character: char) -> bool {
    const SLASHES: &str = "\u{2044}\u{2215}\u{2216}\u{29f5}\u{29f8}\u{fe68}\u{ff0f}\u{ff3c}";
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
