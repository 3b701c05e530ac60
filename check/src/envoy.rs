//! Envoy's own configuration, whole or in a part: every Wasm filter in it, wherever it stands, also inside an
//! EnvoyFilter or an EnvoyPatchPolicy.
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/wasm/v3/wasm.proto>

use std::path::Path;

use crate::Finding;
use crate::plugin::{Clusters, Place, Plugin, names_us, texts};
use crate::tree::Node;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
const ENVIRONMENT: [&str; 2] = ["vm_config", "environment_variables"];
/// Callbacks that have to be allowed where capabilities are restricted: Envoy passes over one that is not, without a word.
const CALLBACKS: [&str; 3] = [
    "proxy_on_configure",
    "proxy_on_request_headers",
    "proxy_on_request_body",
];

/// As well, where answers of WeChat's are looked at.
const OF_ANSWERS: &str = "proxy_on_response_body";

/// What is wrong in a document, or nothing if wx-session is not in it.
pub(crate) fn check(file: &Path, document: &Node) -> Option<Vec<Finding>> {
    let mut filters = Vec::new();
    document.visit(&mut |node| filters.extend(filter(node)));
    let ours: Vec<&Node> = filters.into_iter().filter(|node| is_ours(node)).collect();
    if ours.is_empty() {
        return None;
    }
    let clusters = clusters(document);
    let findings = ours.into_iter().flat_map(|config| {
        let mut found = plugin(config, clusters.as_deref()).check(file);
        found.extend(restricted(file, config));
        found
    });
    Some(findings.collect())
}

/// The `PluginConfig` of a Wasm filter.
fn filter(node: &Node) -> Option<&Node> {
    let is = |name: &str| {
        node.get(name)
            .and_then(Node::text)
            .is_some_and(|text| text.ends_with(WASM))
    };
    if is("@type") {
        return node.get("config");
    }
    // As a TypedStruct.
    if is("type_url") {
        return node.at(&["value", "config"]);
    }
    None
}

fn is_ours(config: &Node) -> bool {
    let code = ["vm_config", "code"];
    let places = [&["local", "filename"][..], &["remote", "http_uri", "uri"]];
    let of_code = |place: &&[&str]| {
        names_us(
            config
                .at(&code)
                .and_then(|code| code.at(place))
                .and_then(Node::text),
        )
    };
    names_us(config.get("name").and_then(Node::text)) || places.iter().any(of_code)
}

fn plugin<'a>(config: &'a Node, clusters: Option<&[String]>) -> Plugin<'a> {
    let environment = config.at(&ENVIRONMENT);
    let list = environment.and_then(|all| all.get("host_env_keys"));
    let inline = environment.and_then(|all| all.get("key_values"));
    let open = config
        .entry("failure_policy")
        .filter(|entry| entry.node.text() == Some("FAIL_OPEN"));
    let open = open.or(config
        .entry("fail_open")
        .filter(|entry| entry.node.flag() == Some(true)));
    Plugin {
        place: Place::new(config.line, "config.configuration"),
        document: config.at(&["configuration", "value"]),
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
    }
}

/// The names of all clusters, where they are all in the file.
fn clusters(document: &Node) -> Option<Vec<String>> {
    let is_whole = document.get("dynamic_resources").is_none();
    let list = document
        .at(&["static_resources", "clusters"])
        .filter(|_| is_whole)?;
    let names = list
        .items()
        .iter()
        .filter_map(|one| one.get("name")?.text());
    Some(names.map(str::to_owned).collect())
}

/// A list of capabilities from which a callback is missing: then the filter is not asked, and everybody passes.
fn restricted(file: &Path, config: &Node) -> Vec<Finding> {
    let name = "capability_restriction_config";
    let places = [
        config.get("vm_config").and_then(|vm| vm.entry(name)),
        config.entry(name),
    ];
    let mut findings = Vec::new();
    for entry in places.into_iter().flatten() {
        let allowed = entry.node.get("allowed_capabilities");
        let lacks = |callback: &str| {
            allowed.is_some_and(|list| !list.entries().is_empty() && list.get(callback).is_none())
        };
        let serves_api = config
            .at(&["configuration", "value", "wechat_api"])
            .is_some();
        if serves_api && lacks(OF_ANSWERS) {
            findings.push(Finding {
                file: file.to_owned(),
                line: entry.line,
                field: format!("{name}.allowed_capabilities"),
                problem: format!(
                    "lacks {OF_ANSWERS}: with wechat_api, nobody would notice that a token is dead"
                ),
            });
        }
        for callback in CALLBACKS {
            if lacks(callback) {
                findings.push(Finding {
                    file: file.to_owned(),
                    line: entry.line,
                    field: format!("{name}.allowed_capabilities"),
                    problem: format!(
                        "lacks {callback}: Envoy never calls the filter there, and the app is open"
                    ),
                });
            }
        }
    }
    findings
}
