//! Where in the schema a field is.

use alloc::string::String;

use serde_json::{Map, Value, json};

/// The schema of a field by its path: `session.cookie`, `apps[].appid`.
pub(super) fn at<'a>(schema: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    let mut here = schema;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let (name, is_list) = match name.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (name, false),
        };
        here = here.get_mut("properties")?.get_mut(name)?;
        if is_list {
            here = here.get_mut("items")?;
        }
    }
    if here.is_boolean() {
        *here = json!({});
    }
    here.as_object_mut()
}
