//! The form in Higress' `spec.yaml`: the schema in what OpenAPI 3 has of it. Its console draws fields from that.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::root;

const FILE: &str = "deploy/higress/spec.yaml";
/// What follows this line is made.
const BEGIN: &str = "    openAPIV3Schema:\n";

fn text() -> String {
    std::fs::read_to_string(root().join(FILE)).unwrap()
}

pub(crate) fn write(schema: &Value) {
    let text = text();
    let (head, _) = text.split_once(BEGIN).unwrap();
    std::fs::write(
        root().join(FILE),
        format!("{head}{BEGIN}{}", yaml(&form(schema), 6)),
    )
    .unwrap();
}

pub(crate) fn is_current(schema: &Value) -> bool {
    text()
        .split_once(BEGIN)
        .is_some_and(|(_, made)| made == yaml(&form(schema), 6))
}

/// Types, names, defaults, limits and words; no alternatives and no conditions.
fn form(schema: &Value) -> Value {
    const KEPT: [&str; 14] = [
        "default",
        "description",
        "enum",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
    ];
    let mut form = Map::new();
    for (name, value) in schema
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
    {
        let value = match (name.as_str(), value) {
            // One type, and what may be left out need not be null.
            ("type", Value::Array(types)) => types[0].clone(),
            ("enum", Value::Array(values)) => values
                .iter()
                .filter(|value| !value.is_null())
                .cloned()
                .collect(),
            ("items", items) => self::form(items),
            ("properties", Value::Object(fields)) => fields
                .iter()
                .map(|(name, field)| (name.clone(), self::form(field)))
                .collect(),
            _ => value.clone(),
        };
        form.insert(name.clone(), value);
    }
    // A text or a secret: in a form, a text.
    if form.get("type").is_none() {
        form.insert("type".to_owned(), "string".into());
    }
    Value::Object(form)
}

/// Block YAML, all texts in quotes.
fn yaml(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let Some(map) = value.as_object() else {
        return format!("{value}\n");
    };
    let line = |(name, value): (&String, &Value)| match value {
        Value::Object(inside) if !inside.is_empty() => {
            format!("{pad}{name}:\n{}", yaml(value, indent + 2))
        }
        _ => format!("{pad}{name}: {value}\n"),
    };
    // By name, whatever order the build keeps.
    let sorted: BTreeMap<&String, &Value> = map.iter().collect();
    sorted.into_iter().map(line).collect()
}
