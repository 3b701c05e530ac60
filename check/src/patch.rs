//! What a patch of an EnvoyPatchPolicy or an EnvoyFilter puts where, by itself. Never judges it.

use crate::tree::Node;

/// What a patch puts in the place of something.
pub(crate) fn replacement(patch: &Node) -> Option<&Node> {
    let names = ["op", "operation"];
    let operation = names.iter().find_map(|name| patch.text_at(&[name]));
    let replaces = operation.is_some_and(|operation| operation.eq_ignore_ascii_case("replace"));
    patch.get("value").filter(|_| replaces)
}

/// The names by which filters that a patch puts into a chain ask for what they are told.
pub(crate) fn asked_for(patch: &Node) -> Vec<&str> {
    let target = patch.field_at(&["apply_to"]).and_then(Node::text);
    let operation = patch.text_at(&["patch", "operation"]);
    let mut names = Vec::new();
    match (target, operation) {
        // A list that is merged gets longer, a filter that is merged was there before.
        (None, _) | (_, None | Some("REMOVE")) | (Some("HTTP_FILTER"), Some("MERGE")) => {}
        _ => patch.visit(&mut |node| {
            let asks = node.field("config_discovery").is_some();
            names.extend(node.text_at(&["name"]).filter(|_| asks));
        }),
    }
    names
}
