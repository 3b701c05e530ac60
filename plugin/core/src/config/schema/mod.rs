//! The JSON Schema of the configuration document, for editors, forms and pipelines: made from the types of `raw`, with
//! what `check_*` demand beside the types (`limits`, `rules`) and the words of `docs` (`words`). Never judges a document
//! itself, and is in nothing that ships.

mod limits;
mod place;
mod rules;
mod words;

pub use limits::{Limit, NUMBERS};

use alloc::string::ToString;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw::Document;

/// The schema, in the dialect 2020-12, without references.
#[must_use]
pub fn schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let made = settings.into_generator().into_root_schema_for::<Document>();
    let mut schema = made.to_value();
    tidy(&mut schema);
    limits::put(&mut schema);
    words::put(&mut schema);
    rules::put(&mut schema);
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".to_string(), json!("wx-session"));
    }
    schema
}

/// Takes off what says nothing to an author: Rust's names of types and of numbers.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let is_keyword = |value: &Value| value.is_string();
            for name in ["title", "format", "description"] {
                if map.get(name).is_some_and(is_keyword) {
                    map.remove(name);
                }
            }
            // What may be left out is `null` for serde; in a form and in an editor it is only one more way to say so.
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            // The default of a whole table is said at each of its fields.
            if map.get("default").is_some_and(Value::is_object) {
                map.remove("default");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        _ => {}
    }
}
