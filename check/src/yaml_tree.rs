//! YAML, and JSON as a part of it, as trees in which everything knows its line. Never judges them.
//! Values without quotes are what Envoy and `kubectl` make of them, which is YAML 1.1 for both.
//! <https://yaml.org/type/bool.html>

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::Number;

use crate::tree::{Entry, Node, Value};

/// Deeper than anybody writes, and far from what a stack holds.
const DEEPEST: usize = 100;

/// Reads all documents of a file.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd, _) => {}
            event => documents.push(reader.node(event, 0)?),
        }
    }
}

/// Reads a file by the end of its name, if it is one of these.
pub(crate) fn parse_file(end: &str, text: &str) -> Option<Result<Vec<Node>>> {
    match end {
        "json" => Some(parse_json(text).map(|one| vec![one])),
        "yaml" | "yml" => Some(parse(text)),
        _ => None,
    }
}

/// Reads JSON.
pub(crate) fn parse_json(text: &str) -> Result<Node> {
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        bail!("line {}: is no JSON: {error}", error.line());
    }
    let documents = parse(&without_surrogates(text))?;
    documents.into_iter().next().context("is empty")
}

/// JSON writes a character beyond U+FFFF as two halves, of which YAML knows nothing: here it stands itself.
fn without_surrogates(json: &str) -> String {
    let (mut made, mut rest) = (String::new(), json);
    while let Some(at) = rest.find("\\u") {
        let (before, from) = rest.split_at(at);
        made.push_str(before);
        let units = [
            from.get(2..6),
            from.get(8..12).filter(|_| from.get(6..8) == Some("\\u")),
        ];
        let units = units.map(|digits| u16::from_str_radix(digits?, 16).ok());
        let pair = units.map(Option::unwrap_or_default);
        match char::decode_utf16(pair).next() {
            Some(Ok(character)) if character.len_utf16() == 2 => {
                made.push(character);
                rest = from.get(12..).unwrap_or_default();
            }
            _ => {
                made.push_str("\\u");
                rest = from.get(2..).unwrap_or_default();
            }
        }
    }
    made + rest
}

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span)> {
        let next = self.events.next().context("the file ends early")?;
        next.map_err(|error| {
            let line = error.marker().line();
            anyhow::anyhow!("line {line}: is no YAML: {}", error.info())
        })
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node> {
        let line = span.start.line();
        if depth > DEEPEST {
            bail!("line {line}: is nested too deep");
        }
        let (value, anchor) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor);
                return known
                    .cloned()
                    .with_context(|| format!("line {line}: no such anchor"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.suffix == "str");
                let value = match style {
                    ScalarStyle::Plain if !is_text => plain(&text, line),
                    _ => Value::Text {
                        text: text.into_owned(),
                        line,
                    },
                };
                (value, anchor)
            }
            Event::SequenceStart(anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.table(depth)?, anchor),
            other => bail!("line {line}: {other:?} where a value should be"),
        };
        let node = Node { line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let name = match event {
                Event::MappingEnd => return Ok(Value::Table(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => bail!("line {line}: the name of a field must be a text"),
            };
            if let Some(earlier) = entries.iter().find(|entry| entry.name == name) {
                bail!(
                    "line {line}: {name} is already there, in line {}",
                    earlier.line
                );
            }
            let value = self.next()?;
            let node = self.node(value, depth + 1)?;
            entries.push(Entry { name, line, node });
        }
    }
}

/// What stands without quotes.
fn plain(text: &str, line: usize) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Flag(true);
        }
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Flag(false);
        }
        _ => {}
    }
    match number(text) {
        Some(number) => Value::Number(number),
        None => Value::Text {
            text: text.to_owned(),
            line,
        },
    }
}

/// As JSON writes numbers, and in the hexadecimal and octal of YAML 1.1. Other forms of its own (`.5`, `.inf`) are rare
/// enough to be left as texts.
fn number(text: &str) -> Option<Number> {
    let has_no_sign = |digits: &&str| !digits.starts_with(['+', '-']);
    let digits = text.strip_prefix('+').filter(has_no_sign).unwrap_or(text);
    let hexadecimal = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
    let octal = digits.strip_prefix('0');
    // from_str_radix would take one more sign.
    let of_base =
        |digits: Option<&str>, base| i64::from_str_radix(digits.filter(has_no_sign)?, base).ok();
    match of_base(hexadecimal, 16).or_else(|| of_base(octal, 8)) {
        Some(number) => Some(number.into()),
        None => serde_json::from_str(digits).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_numbers_are_those_of_yaml_1_1() {
        let text = "[y, Yes, ON, n, off, 0x278D00, 010, +5, -3, 0, tRue, 'yes', 0o17, \"1\", \
                    0-5, 0x-5, 0+5, +-5, ++5]";
        let tree = parse(text).unwrap().remove(0);
        assert_eq!(
            tree.to_json().to_string(),
            r#"[true,true,true,false,false,2592000,8,5,-3,0,"tRue","yes","0o17","1","0-5","0x-5","0+5","+-5","++5"]"#
        );
    }

    #[test]
    fn json_is_read_as_json() {
        let tree = parse_json(r#"{ "a": "\ud83d\ude00\u00e9 \\ud83d" }"#).unwrap();
        let read: serde_json::Value =
            serde_json::from_str(r#"{ "a": "\ud83d\ude00\u00e9 \\ud83d" }"#).unwrap();
        assert_eq!(tree.to_json(), read);
        let error = parse_json("{\na: 1 }").unwrap_err().to_string();
        assert!(error.starts_with("line 2: is no JSON"), "{error}");
    }

    #[test]
    fn everything_knows_its_line() {
        let documents =
            parse("# a\n---\na:\n- {b: 1, 'c': x}\n- d: |\n    one\n    two\n---\ne: *f\n");
        // An anchor that is not there is no YAML.
        assert!(documents.is_err());
        let text = "a:\n- {b: 1, 'c': x}\n- d: |\n    one\n    two\n---\n{\"e\": [true,\nnull]}\n";
        let documents = parse(text).unwrap();
        let [first, second] = documents.as_slice() else {
            panic!("two documents")
        };
        assert_eq!(
            first.to_json().to_string(),
            r#"{"a":[{"b":1,"c":"x"},{"d":"one\ntwo\n"}]}"#
        );
        assert_eq!(
            (
                first.line_of("a"),
                first.line_of("a[0].c"),
                first.line_of("a[1].d")
            ),
            (1, 2, 3)
        );
        // Of what is not there, what should hold it.
        assert_eq!(first.line_of("a[1].x.y"), 3);
        let Value::Text { line, .. } = first.get("a").unwrap().items()[1].get("d").unwrap().value
        else {
            panic!("a text")
        };
        assert_eq!(line, 4);
        assert_eq!(second.line_of("e[1]"), 8);
    }

    #[test]
    fn what_is_no_yaml_or_says_something_twice_is_refused_with_its_line() {
        for (text, said) in [
            ("a: 1\nb: [\n", "line"),
            (
                "a: 1\nb: 2\na: 3\n",
                "line 3: a is already there, in line 1",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
