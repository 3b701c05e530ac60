//! What a document is: wx-session's own alone, an object of Kubernetes, a part of Envoy's configuration, or something that
//! holds such in itself. Never judges what it finds there.

use std::path::Path;

use wx_session_core::config::Platform;

use crate::document::Document;
use crate::plugin::names_us;
use crate::tree::{Node, Value};
use crate::{Finding, envoy, kubernetes, yaml_tree};

/// What is wrong in a document, or nothing if wx-session is not in it.
pub(crate) fn check(file: &Path, document: &Node) -> Option<Vec<Finding>> {
    let is_json = file.extension().is_some_and(|end| end == "json");
    one(file, document, is_json)
}

fn one(file: &Path, node: &Node, is_json: bool) -> Option<Vec<Finding>> {
    if Document::at(node).is_ours() {
        return Some(alone(file, node, is_json));
    }
    in_others(file, node, is_json)
}

/// What is no document of ours by itself.
fn in_others(file: &Path, node: &Node, is_json: bool) -> Option<Vec<Finding>> {
    let Some(kind) = node.get("kind").and_then(Node::text) else {
        return envoy::check(file, node);
    };
    let object = node.merged();
    match kind {
        "List" => {
            let items = object.get("items").map_or(&[][..], Node::items).iter();
            all(items.filter_map(|item| one(file, item, is_json)))
        }
        "ConfigMap" => config_map(file, &object),
        _ => kubernetes::check(file, &object).or_else(|| envoy::check(file, &object)),
    }
}

/// The files in it, such as an `envoy.yaml`.
fn config_map(file: &Path, object: &Node) -> Option<Vec<Finding>> {
    let named = names_us(object.at(&["metadata", "name"]).and_then(Node::text));
    let entries = object.get("data").map_or(&[][..], Node::entries).iter();
    all(entries.filter_map(|entry| {
        let Value::Text { text, line } = &entry.node.value else {
            return None;
        };
        let end = Path::new(&entry.name).extension()?;
        let parsed = yaml_tree::parse_file(end.to_str()?, text)?;
        match parsed {
            Ok(mut documents) => {
                for own in &mut documents {
                    own.shift(line.saturating_sub(1));
                }
                let is_json = end == "json";
                let named = named || names_us(Some(&entry.name));
                all(documents.iter().filter_map(|own| {
                    if named || Document::at(own).is_surely_ours() {
                        one(file, own, is_json)
                    } else {
                        in_others(file, own, is_json)
                    }
                }))
            }
            Err(error) => names_us(Some(text)).then(|| {
                vec![Finding {
                    file: file.to_owned(),
                    line: entry.line,
                    field: format!("data.{}", entry.name),
                    problem: error.to_string(),
                }]
            }),
        }
    }))
}

fn all(found: impl Iterator<Item = Vec<Finding>>) -> Option<Vec<Finding>> {
    found.reduce(|mut all, more| {
        all.extend(more);
        all
    })
}

/// The document without anything around it: as JSON it is Spin's.
fn alone(file: &Path, node: &Node, is_json: bool) -> Vec<Finding> {
    let platform = if is_json {
        Platform::Spin
    } else {
        Platform::Envoy
    };
    let judged = Document::at(node).judge(platform);
    judged
        .err()
        .map(|wrong| wrong.in_file(file))
        .into_iter()
        .collect()
}
