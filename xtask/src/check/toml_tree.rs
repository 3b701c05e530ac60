//! A TOML document as a tree in which everything knows its line. Never judges it.

use std::fmt;

use anyhow::Result;
use toml::de::{DeTable, DeValue};

/// A value, and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    Other,
}

/// A name in a table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) line: usize,
    pub(super) node: Node,
}

/// Where something is in the document: `component.app.variables`.
#[derive(Clone, Debug, Default)]
pub(super) struct At(String);

impl At {
    pub(super) fn name(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{}.{name}", self.0))
        }
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Node> {
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
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Array(list) => {
                Value::List(list.iter().map(|value| node(value, lines)).collect())
            }
            DeValue::Table(table) => Value::Table(entries(table, lines)),
            _ => Value::Other,
        },
    }
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let entry = self.entries().iter().find(|entry| entry.name == name)?;
        Some(&entry.node)
    }

    /// Of a table; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Of a list; none of anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
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
