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
pub(crate) struct FieldPath(String);

impl FieldPath {
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

impl fmt::Display for FieldPath {
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

    /// As protobuf's JSON names its fields: `fail_open` may be written `failOpen`.
    pub(crate) fn field(&self, name: &str) -> Option<&Entry> {
        let camel = camel(name);
        self.entries()
            .iter()
            .find(|entry| entry.name == name || entry.name == camel)
    }

    /// Follows such names from table to table.
    pub(crate) fn field_at(&self, names: &[&str]) -> Option<&Node> {
        names
            .iter()
            .try_fold(self, |node, name| Some(&node.field(name)?.node))
    }

    /// Follows names from table to table.
    pub(crate) fn at(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The text there, if it is one.
    pub(crate) fn text_at(&self, names: &[&str]) -> Option<&str> {
        self.at(names)?.text()
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

    /// A whole number, in quotes too, as protobuf's JSON has them.
    pub(crate) fn number(&self) -> Option<u64> {
        match &self.value {
            Value::Number(number) => number.as_u64(),
            Value::Text { text, .. } => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether it is a flag that is set: protobuf's JSON lets one stand in quotes too.
    pub(crate) fn is_true(&self) -> bool {
        let yes = ["true", "t", "yes", "y", "1"];
        let says = |text: &str| yes.iter().any(|yes| text.eq_ignore_ascii_case(yes));
        self.flag().or(self.text().map(says)) == Some(true)
    }

    /// What is in it.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Node> {
        let values = self.entries().iter().map(|entry| &entry.node);
        values.chain(self.items())
    }

    /// This node and all that are in it.
    pub(crate) fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Node)) {
        seen(self);
        for child in self.children() {
            child.visit(seen);
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

    /// With all its lines so much further below.
    pub(crate) fn shift(&mut self, by: usize) {
        self.line += by;
        match &mut self.value {
            Value::Text { line, .. } => *line += by,
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(by)),
            Value::Table(entries) => {
                for entry in entries {
                    entry.line += by;
                    entry.node.shift(by);
                }
            }
            _ => {}
        }
    }

    /// With all that its merge keys (`<<`) stand for, as `kubectl` reads them; Envoy knows none.
    /// <https://yaml.org/type/merge.html>
    pub(crate) fn merged(&self) -> Self {
        let value = match &self.value {
            Value::List(items) => Value::List(items.iter().map(Self::merged).collect()),
            Value::Table(_) => Value::Table(self.merged_entries()),
            other => other.clone(),
        };
        Self {
            line: self.line,
            value,
        }
    }

    fn merged_entries(&self) -> Vec<Entry> {
        let (merges, own): (Vec<&Entry>, Vec<&Entry>) =
            self.entries().iter().partition(|entry| entry.name == "<<");
        let mut entries: Vec<Entry> = Vec::new();
        for entry in own {
            entries.push(Entry {
                node: entry.node.merged(),
                ..entry.clone()
            });
        }
        // What is written beside a merge key counts more, and so does the first of several tables.
        for merge in merges {
            let tables = match &merge.node.value {
                Value::List(tables) => tables.as_slice(),
                _ => std::slice::from_ref(&merge.node),
            };
            for entry in tables.iter().flat_map(Self::merged_entries) {
                if !entries.iter().any(|known| known.name == entry.name) {
                    entries.push(entry);
                }
            }
        }
        entries
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

/// `fail_open` as `failOpen`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        all.chars().chain(capital).chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::camel;
    use crate::yaml_tree::parse;

    #[test]
    fn a_merge_key_gives_what_is_not_written_beside_it() {
        let text = "a: &a { x: 1, y: { z: 2 } }\nb: &b { y: 3, w: 4 }\nc: { <<: [*a, *b], x: 5 }\n";
        let tree = parse(text).unwrap().remove(0).merged();
        let merged = tree.get("c").unwrap().to_json();
        assert_eq!(merged.to_string(), r#"{"w":4,"x":5,"y":{"z":2}}"#);
    }

    #[test]
    fn protobufs_names_are_written_in_two_ways() {
        assert_eq!(camel("host_env_keys"), "hostEnvKeys");
        let tree = parse("{ failOpen: true, allow_all: false }")
            .unwrap()
            .remove(0);
        assert_eq!(tree.field("fail_open").unwrap().name, "failOpen");
        assert_eq!(tree.field("allow_all").unwrap().name, "allow_all");
        assert!(tree.field("failopen").is_none());
    }
}
