//! Long values cut short and JSON cut into words, so that a token or a ciphertext takes no line of its own.
//! Never changes the order or the spelling of what came.

/// openids and ivs are whole; codes, tokens, signatures and ciphertexts are not.
const LONGEST: usize = 28;
const KEPT: usize = 12;

/// The text, or its beginning and `…`.
pub(super) fn value(text: &str) -> String {
    let units: Vec<char> = text.chars().collect();
    if units.len() <= LONGEST {
        return text.to_owned();
    }
    let mut kept: String = units.iter().take(KEPT).collect();
    if kept.ends_with('\\') {
        kept.pop();
    }
    kept + "…"
}

/// A path, and of a long query only how it begins.
pub(super) fn target(target: &str) -> String {
    match target.split_once('?') {
        Some((path, query)) => format!("{path}?{}", value(query)),
        None => target.to_owned(),
    }
}

/// JSON text as words that may stand on different lines: one for each field or element.
pub(super) fn json(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text.trim().chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => word += &format!("\"{}\"", value(&literal(&mut rest))),
            '{' => {
                word.push('{');
                words.push(std::mem::take(&mut word));
            }
            '}' => word += " }",
            ':' => word += ": ",
            ',' => words.push(std::mem::take(&mut word) + ","),
            other => word.push(other),
        }
    }
    words.push(word);
    words
}

/// What stands before the closing quotation mark, escapes as they are.
fn literal(rest: &mut impl Iterator<Item = char>) -> String {
    let mut inside = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => {
                inside.push(c);
                inside.extend(rest.next());
            }
            c => inside.push(c),
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_order_and_loses_its_length() {
        let text = format!(
            r#"{{"b":{{"token":"{}"}},"a":[1,"x, {{y}}: \"z\""]}}"#,
            "t".repeat(43)
        );
        assert_eq!(
            json(&text).join(" "),
            r#"{ "b": { "token": "tttttttttttt…" }, "a": [1, "x, {y}: \"z\""] }"#
        );
    }

    #[test]
    fn an_openid_is_shown_whole_and_no_escape_is_cut_in_two() {
        let openid = "o".repeat(28);
        assert_eq!(value(&openid), openid);
        let quoted = format!("{}{}", "a".repeat(11), r#"\"nickName\":\"ming\"#);
        assert_eq!(value(&quoted), "aaaaaaaaaaa…");
    }
}
