//! TOML as a tree in which everything knows its line. Never judges it.

use anyhow::Result;
use toml::de::{DeTable, DeValue};

use crate::tree::{Entry, Node, Value};

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Node> {
    let table = DeTable::parse(text)?;
    let lines = Lines(text);
    Ok(Node {
        line: 1,
        value: Value::Table(entries(table.get_ref(), &lines)),
    })
}

struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn of(&self, at: usize) -> usize {
        let before = self.0.get(..at).unwrap_or_default();
        1 + before.bytes().filter(|byte| *byte == b'\n').count()
    }

    /// Of the text in quotes that begin at `at`: after three quotes, a line's end is none of it.
    fn of_text(&self, at: usize) -> usize {
        let quoted = self.0.get(at..).unwrap_or_default();
        let begun = quoted.strip_prefix("\"\"\"").or(quoted.strip_prefix("'''"));
        let below = begun.is_some_and(|text| text.trim_start_matches('\r').starts_with('\n'));
        self.of(at) + usize::from(below)
    }
}

fn entries(table: &DeTable<'_>, lines: &Lines<'_>) -> Vec<Entry> {
    let entry = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| Entry {
        line: lines.of(name.span().start),
        name: AsRef::<str>::as_ref(name.get_ref()).to_owned(),
        node: node(value, lines),
    };
    let mut entries: Vec<Entry> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.line);
    entries
}

fn node(value: &toml::Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    Node {
        line: lines.of(value.span().start),
        value: match value.get_ref() {
            DeValue::String(text) => Value::Text {
                text: text.to_string(),
                line: lines.of_text(value.span().start),
            },
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Array(list) => {
                Value::List(list.iter().map(|value| node(value, lines)).collect())
            }
            DeValue::Table(table) => Value::Table(entries(table, lines)),
            other => Value::Other(format!("{other:?}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_knows_its_line() {
        let tree = parse("a = 1\n\n[b]\nc = [\n  'x',\n  { d = true },\n]\n").unwrap();
        let b = &tree.entries()[1];
        assert_eq!((b.name.as_str(), b.line), ("b", 3));
        let c = b.node.get("c").unwrap();
        assert_eq!(c.line, 4);
        assert_eq!((c.items()[0].line, c.items()[0].text()), (5, Some("x")));
        assert_eq!(c.items()[1].get("d").unwrap().flag(), Some(true));
        assert!(parse("a =").is_err());
    }
}
