//! A document as a tree in which everything knows its line, whatever it was written in. Never judges it.

use std::fmt;

use serde_json::Number;

/// A value, and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    /// `line` is where the first line of the text itself stands: for a block of YAML, below the sign that begins it.
    Text {
        text: String,
        line: usize,
    },
    Flag(bool),
    Number(Number),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// What JSON does not have.
    Other(String),
}

/// A name in a table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// Where something is in the document: `component.app.variables`.
#[derive(Clone, Debug, Default)]
pub(crate) struct At(String);

impl At {
    pub(crate) fn name(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{}.{name}", self.0))
        }
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Node {
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.node)
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// Follows names from table to table.
    pub(crate) fn at(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// Of a table; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// This node and all that are in it.
    pub(crate) fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Node)) {
        seen(self);
        for entry in self.entries() {
            entry.node.visit(seen);
        }
        for item in self.items() {
            item.visit(seen);
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Text { text, .. } | Value::Other(text) => text.clone().into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Number(number) => number.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(entries) => entries
                .iter()
                .map(|entry| (entry.name.clone(), entry.node.to_json()))
                .collect(),
        }
    }

    /// The line of a field by its path, such as `routes[2].session`; of what is not there, the line of what should
    /// hold it.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        let (mut node, mut line) = (self, self.line);
        let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
        for step in steps {
            let found = match step.strip_suffix(']') {
                Some(index) => index
                    .parse()
                    .ok()
                    .and_then(|index: usize| node.items().get(index))
                    .map(|item| (item, item.line)),
                None => node.entry(step).map(|entry| (&entry.node, entry.line)),
            };
            let Some(found) = found else { break };
            (node, line) = found;
        }
        line
    }
}
