//! Envoy's own configuration, whole or in a part: every Wasm filter in it, wherever it stands, also inside an
//! EnvoyFilter or an EnvoyPatchPolicy.
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/wasm/v3/wasm.proto>

use crate::context::Context;
use crate::fail_open::lets_in;
use crate::plugin::{Buffer, Clusters, Place, Plugin, texts};
use crate::tree::Node;
use crate::{Finding, capabilities, patches, switched_off, wasm};

const ENVIRONMENT: [&str; 2] = ["vm_config", "environment_variables"];

/// What is wrong in a document, or nothing if wx-session is not in it.
pub(crate) fn check(context: Context<'_>, document: &Node) -> Option<Vec<Finding>> {
    let mut filters = Vec::new();
    find(document, None, &mut filters);
    filters.retain(|filter| wasm::is_ours(filter.config));
    let patched = patches::check(context, document);
    let off = switched_off::check(context, document);
    if filters.is_empty() && patched.is_none() && off.is_none() {
        return None;
    }
    let clusters = clusters(document);
    let mut findings = patched.unwrap_or_default();
    findings.extend(off.unwrap_or_default());
    let file = context.file;
    for filter in &filters {
        findings.extend(plugin(filter, clusters.as_deref()).check(file));
        findings.extend(capabilities::check(file, filter.config, filter.document));
    }
    Some(findings)
}

/// A Wasm filter.
struct Filter<'a> {
    /// Its `PluginConfig`.
    config: &'a Node,
    /// wx-session's own document in it.
    document: Option<&'a Node>,
    /// What its listener buffers at most, if the listener is here.
    buffer: Option<Buffer>,
}

fn find<'a>(node: &'a Node, around: Option<Buffer>, found: &mut Vec<Filter<'a>>) {
    let buffer = buffer(node).or(around);
    found.extend(wasm::config(node).map(|config| Filter {
        config,
        document: config.at(&["configuration", "value"]),
        buffer,
    }));
    for child in node.children() {
        find(child, buffer, found);
    }
}

/// What a listener buffers at most, or a part of one that says it.
fn buffer(node: &Node) -> Option<Buffer> {
    let said = node.field("per_connection_buffer_limit_bytes");
    if let Some(bytes) = said.and_then(|entry| entry.node.number()) {
        let of = "the listener's per_connection_buffer_limit_bytes";
        return Some(Buffer { bytes, of });
    }
    let has = |name: &str| node.field(name).is_some();
    let is_whole = has("address") && (has("filter_chains") || has("default_filter_chain"));
    is_whole.then_some(Buffer {
        bytes: 1_048_576,
        of: "the listener's per_connection_buffer_limit_bytes, which is not there,",
    })
}

fn plugin<'a>(filter: &Filter<'a>, clusters: Option<&[String]>) -> Plugin<'a> {
    let config = filter.config;
    let environment = config.field_at(&ENVIRONMENT);
    let list = environment.and_then(|all| all.field_at(&["host_env_keys"]));
    let inline = environment.and_then(|all| all.field_at(&["key_values"]));
    let open = config.entries().iter().find(|entry| lets_in(entry));
    let sees_bodies = config.field_at(&["allow_on_headers_stop_iteration"]);
    Plugin {
        place: Place::new(config.line, "config.configuration"),
        document: filter.document,
        passed_on: texts(list),
        inline: inline
            .map_or(&[][..], Node::entries)
            .iter()
            .map(|entry| (entry.name.clone(), entry.line))
            .collect(),
        list: Place::new(
            list.map_or(config.line, |list| list.line),
            "vm_config.environment_variables.host_env_keys",
        ),
        fails_open: open.map(|entry| Place::new(entry.line, &entry.name)),
        clusters: clusters.map_or(Clusters::Unknown, |names| Clusters::These(names.to_vec())),
        sees_bodies: Some(sees_bodies.is_some_and(Node::is_true)),
        buffer: filter.buffer,
    }
}

/// The names of all clusters, where they are all in the file.
fn clusters(document: &Node) -> Option<Vec<String>> {
    let is_whole = document.field("dynamic_resources").is_none();
    let list = document
        .field_at(&["static_resources", "clusters"])
        .filter(|_| is_whole)?;
    let names = list.items().iter().filter_map(|one| one.text_at(&["name"]));
    Some(names.map(str::to_owned).collect())
}
