//! The placeholders that clients send where they have no value. A token is never taken for one.

use alloc::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::fold::is_unseen;
use crate::records::token::TEXT_LENGTH;

/// Longer texts that begin as tokens do are no placeholders.
const LONGEST: usize = 96;

/// Quotes in an encoding in quotes: more than any client does.
const LAYERS: usize = 4;

/// What programs write for a value that is not there, in lower case.
const WORDS: [&str; 21] = [
    "",
    "undefined",
    "null",
    "nan",
    "none",
    "nil",
    "(null)",
    "(nil)",
    "<null>",
    "<nil>",
    "false",
    "true",
    "0",
    "-",
    "n/a",
    "[]",
    "[null]",
    "{}",
    // PHP's `setcookie` without a value.
    "deleted",
    "bearer",
    "token",
];

/// Whether a text is what clients send where they have no token yet: nothing, or what their language makes of it, with
/// blanks, quotes, percent-encoding or `Bearer` around it, once or several times.
pub(crate) fn is_placeholder(text: &str) -> bool {
    // Nearly all texts are tokens. (None of the others is as long and begins so.)
    let is_long = text.len() == TEXT_LENGTH || text.len() > LONGEST;
    if is_long && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return false;
    }
    let mut text = Cow::Borrowed(text);
    // Layers are few; each turn takes one off.
    for _ in 0..LAYERS {
        if has_no_other_word(&text) {
            return true;
        }
        if !text.contains(['%', '+']) {
            return false;
        }
        let decoded = text.replace('+', " ");
        let decoded = percent_decode_str(&decoded)
            .decode_utf8_lossy()
            .into_owned();
        text = Cow::Owned(decoded);
    }
    has_no_other_word(&text)
}

/// Whether there is no other word than those, and what an object is in JavaScript.
fn has_no_other_word(text: &str) -> bool {
    let between = |c: char| c.is_whitespace() || is_unseen(c) || "\"'`\\\0,:;".contains(c);
    let mut text = text.trim_matches(between);
    // A scheme in front, perhaps glued to it. One turn for each: how many there are a stranger says.
    while begins(text, BEARER) && text.len() > BEARER.len() {
        let rest = text.get(BEARER.len()..).unwrap_or_default();
        text = rest.trim_start_matches(between);
    }
    if begins(text, "[object ") && text.ends_with(']') {
        return true;
    }
    text.split(between)
        .all(|word| WORDS.iter().any(|own| word.eq_ignore_ascii_case(own)))
}

const BEARER: &str = "bearer";

fn begins(text: &str, word: &str) -> bool {
    let head = text.get(..word.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presented::tests::token;
    use crate::testing::test;
    use alloc::borrow::ToOwned as _;

    #[test]
    fn a_placeholder_is_one_in_every_wrapping_and_a_token_never_is() {
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
            "[object Promise]",
            "[null]",
            "bearerundefined",
            "Bearer: null",
            "null,null",
            "deleted",
            "\u{200b}",
            &("\"".to_owned() + &"bearer".repeat(300_000)),
        ] {
            assert!(is_placeholder(text), "{text:?}");
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
            &("\"".to_owned() + &"bearer".repeat(300_000) + "x"),
        ] {
            assert!(!is_placeholder(text), "{text:?}");
        }
    }
}
