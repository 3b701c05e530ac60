//! What clients send where they have nothing to send. Never takes a token for nothing.

use alloc::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::records::token::TEXT_LENGTH;

/// Longer texts are never made of nothing.
const MOST_OF_NOTHING: usize = 96;

/// Quotes in an encoding in quotes: more than any client does.
const LAYERS: usize = 4;

/// What programs write for a value that is not there, in lower case.
const NOTHING: [&str; 12] = [
    "",
    "undefined",
    "null",
    "nan",
    "none",
    "nil",
    "(null)",
    "false",
    "[object object]",
    "[object null]",
    "[object undefined]",
    "{}",
];

/// Whether a text is what clients send where they have no token yet: nothing, or what their language makes of it, with
/// blanks, quotes, percent-encoding or `Bearer` around it.
pub(crate) fn is_nothing(text: &str) -> bool {
    // Nearly all texts are tokens. (None of the others is as long and begins so.)
    let is_long = text.len() == TEXT_LENGTH || text.len() > MOST_OF_NOTHING;
    if is_long && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return false;
    }
    let mut text = Cow::Borrowed(text);
    // Layers are few; each turn takes one off.
    for _ in 0..LAYERS {
        let bare = bared(&text);
        if NOTHING.iter().any(|own| bare.eq_ignore_ascii_case(own)) {
            return true;
        }
        let next = if bare.contains(['%', '+']) {
            let decoded = bare.replace('+', " ");
            percent_decode_str(&decoded)
                .decode_utf8_lossy()
                .into_owned()
        } else {
            bare.into()
        };
        if *next == *text {
            return false;
        }
        text = Cow::Owned(next);
    }
    false
}

/// Without blanks, quotes and one `Bearer` around it.
fn bared(text: &str) -> &str {
    let around = |c: char| c.is_whitespace() || ['"', '\'', '`', '\\', '\0'].contains(&c);
    let bare = text.trim_matches(around);
    match bare.split_at_checked("bearer".len()) {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case("bearer")
                && !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) =>
        {
            rest.trim_matches(around)
        }
        _ => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presented::tests::token;
    use crate::testing::test;

    #[test]
    fn nothing_is_nothing_in_every_wrapping_and_a_token_never_is() {
        for text in [
            "  ",
            "Undefined",
            "NULL",
            "Bearer%20undefined",
            "\"%22%5Bobject+Object%5D%22\"",
            "Bearer bearer null",
            "\\\"\\\"",
            "%2522%2522",
            "\u{3000}",
        ] {
            assert!(is_nothing(text), "{text:?}");
        }
        for text in [
            &*token(),
            "x",
            "undefined1",
            "bearer1",
            "nullable",
            "%ff",
            "Basic abc",
            &"x".repeat(5000),
            &"%".repeat(5000),
        ] {
            assert!(!is_nothing(text), "{text:?}");
        }
    }
}
