//! What a document is: wx-session's own alone, an object of Kubernetes, a part of Envoy's configuration, or something that
//! holds such in itself. Never judges what it finds there.

use std::path::Path;

use wx_session_core::config::HostKind;

use crate::context::Context;
use crate::document::Document;
use crate::plugin::names_us;
use crate::tree::{Node, Value};
use crate::{Finding, envoy, kubernetes, yaml_tree};

/// What is wrong in a document, or nothing if wx-session is not in it.
pub(crate) fn check(context: Context<'_>, node: &Node) -> Option<Vec<Finding>> {
    if Document::at(node).is_ours() {
        return Some(alone(context, node));
    }
    in_others(context, node)
}

/// What is no document of ours by itself.
fn in_others(context: Context<'_>, node: &Node) -> Option<Vec<Finding>> {
    let Some(kind) = node.text_at(&["kind"]) else {
        return envoy::check(context, node);
    };
    let object = node.merged();
    match kind {
        "List" => {
            let items = object.get("items").map_or(&[][..], Node::items).iter();
            all(items.filter_map(|item| check(context, item)))
        }
        "ConfigMap" => config_map(context, &object),
        _ => kubernetes::check(context.file, &object, context.buffers)
            .or_else(|| envoy::check(context, &object)),
    }
}

/// The files in it, such as an `envoy.yaml`.
fn config_map(context: Context<'_>, object: &Node) -> Option<Vec<Finding>> {
    let named = names_us(object.text_at(&["metadata", "name"]));
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
                let context = Context {
                    is_json: end == "json",
                    known: &context.known.with(&documents),
                    ..context
                };
                let named = named || names_us(Some(&entry.name));
                all(documents.iter().filter_map(|own| {
                    if named || Document::at(own).is_surely_ours() {
                        check(context, own)
                    } else {
                        in_others(context, own)
                    }
                }))
            }
            Err(error) => names_us(Some(text)).then(|| {
                let field = format!("data.{}", entry.name);
                vec![Finding::new(
                    context.file,
                    entry.line,
                    field,
                    error.to_string(),
                )]
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
fn alone(context: Context<'_>, node: &Node) -> Vec<Finding> {
    let host = if context.is_json {
        HostKind::Spin
    } else {
        HostKind::Envoy
    };
    let judged = Document::at(node).judge(host);
    judged
        .err()
        .map(|wrong| wrong.in_file(context.file))
        .into_iter()
        .collect()
}
