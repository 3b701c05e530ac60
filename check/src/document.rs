//! The configuration document itself, as the core judges it, and the names of the secrets that it asks for.
//! Never needs a secret: every one is taken to be there, and long enough.

use wx_session_core::config::HostKind;
use wx_session_core::{Config, ConfigError};

use crate::tree::{Node, Value};
use crate::{Finding, yaml_tree};

/// In place of every secret, whose value is not known here: long enough, and in the form of all that can be one.
pub(crate) const SECRET: &str = "redis://unknown:unknown-unknown-unknown-unknown";

/// A document, and what stands in it.
pub(crate) struct Document {
    text: String,
    /// Where its fields stand.
    tree: Node,
    first_line: usize,
}

impl Document {
    /// A table of fields, or a text that is JSON.
    pub(crate) fn at(node: &Node) -> Self {
        let Value::Text { text, line } = &node.value else {
            return Self {
                text: node.to_json().to_string(),
                tree: node.clone(),
                first_line: node.line,
            };
        };
        Self::of_text(text, *line)
    }

    /// JSON whose first line is `line` of the file.
    pub(crate) fn of_text(text: &str, line: usize) -> Self {
        // What is not even JSON has no fields: the core says so.
        let mut tree = yaml_tree::parse_json(text).unwrap_or(Node {
            line: 1,
            value: Value::Null,
        });
        tree.shift(line.saturating_sub(1));
        Self {
            text: text.to_owned(),
            tree,
            first_line: line,
        }
    }

    /// What the core makes of it, or the first thing that it refuses.
    pub(crate) fn judge(&self, host: HostKind) -> Result<Config, Wrong> {
        // Of different names, different ones.
        let secret = |name: &str| Some(format!("{SECRET}-{name}"));
        Config::from_json(&self.text, host, &secret).map_err(|error| self.placed(error))
    }

    fn placed(&self, error: ConfigError) -> Wrong {
        // What is no JSON has no fields, but lines.
        let no_json = serde_json::from_str::<serde_json::Value>(&self.text).err();
        let (line, field) = match no_json {
            Some(no_json) => (
                self.first_line + no_json.line().saturating_sub(1),
                "configuration".to_owned(),
            ),
            None => (self.tree.line_of(&error.field), error.field),
        };
        Wrong {
            line,
            field,
            problem: error.problem,
        }
    }

    /// The secrets that it names.
    pub(crate) fn secret_names(&self) -> Vec<String> {
        let mut names = Config::secret_names(&self.text);
        names.sort();
        names.dedup();
        names
    }

    /// Where a secret of this name is asked for.
    pub(crate) fn line_of_secret(&self, name: &str) -> usize {
        let mut line = self.tree.line;
        self.tree.visit(&mut |node| {
            if node.text_at(&["env"]) == Some(name) {
                line = node.line;
            }
        });
        line
    }

    /// What stands at this path.
    pub(crate) fn line_of(&self, field: &str) -> usize {
        self.tree.line_of(field)
    }

    /// Whether it looks like one of ours, if nothing else than ours is to be expected.
    pub(crate) fn is_ours(&self) -> bool {
        self.tree.get("apps").is_some()
    }

    /// Whether it does among files of all kinds: others have `apps` too.
    pub(crate) fn is_surely_ours(&self) -> bool {
        let apps = self.tree.get("apps").map_or(&[][..], Node::items);
        apps.iter().any(|app| app.get("appid").is_some())
    }

    /// As a tree that knows its lines: for what the core does not judge (Higress' `_rules_`, `wechat_api`).
    pub(crate) fn tree(&self) -> &Node {
        &self.tree
    }
}

/// What the core refuses.
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) field: String,
    pub(crate) problem: String,
}

impl Wrong {
    pub(crate) fn in_file(self, file: &std::path::Path) -> Finding {
        Finding::new(file, self.line, self.field, self.problem)
    }
}
