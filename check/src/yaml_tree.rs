//! YAML, and JSON as a part of it, as trees in which everything knows its line. Never judges them.
//! <https://yaml.org/spec/1.2.2/#103-core-schema>

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
        "true" | "True" | "TRUE" => return Value::Flag(true),
        "false" | "False" | "FALSE" => return Value::Flag(false),
        _ => {}
    }
    // As JSON writes numbers; YAML's own forms (`0x10`, `.5`, `.inf`) are rare enough to be left as texts.
    let number: Option<Number> = serde_json::from_str(text.strip_prefix('+').unwrap_or(text)).ok();
    match number {
        Some(number) => Value::Number(number),
        None => Value::Text {
            text: text.to_owned(),
            line,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
