//! Objects of Kubernetes that put wx-session into a gateway: Istio's WasmPlugin and TrafficExtension, Higress'
//! WasmPlugin, Envoy Gateway's EnvoyExtensionPolicy. What holds other objects is opened in `objects`.

use std::path::Path;

use crate::Finding;
use crate::plugin::{Buffer, Clusters, Place, Plugin, names_us, texts};
use crate::tree::Node;

/// What listeners buffer at most, by who makes them.
#[derive(Clone, Copy)]
pub(crate) struct Buffers {
    pub(crate) higress: Buffer,
    /// Nothing if that is not known.
    pub(crate) envoy_gateway: Option<Buffer>,
}

/// What is wrong in an object, or nothing if wx-session is not in it.
pub(crate) fn check(file: &Path, object: &Node, buffers: Buffers) -> Option<Vec<Finding>> {
    let text = |name: &str| object.text_at(&[name]).unwrap_or_default();
    let spec = object.get("spec")?;
    let named = names_us(object.text_at(&["metadata", "name"]));
    match (
        text("kind"),
        text("apiVersion").split('/').next().unwrap_or_default(),
    ) {
        ("WasmPlugin", "extensions.higress.io") if named || is_ours(spec) => {
            Some(higress(file, spec, buffers.higress))
        }
        ("WasmPlugin", _) if named || is_ours(spec) => Some(istio(spec, "spec").check(file)),
        ("TrafficExtension", _) => {
            let wasm = spec.get("wasm")?;
            (named || is_ours(wasm)).then(|| istio(wasm, "spec.wasm").check(file))
        }
        ("EnvoyExtensionPolicy", _) => {
            let all = spec.get("wasm").map_or(&[][..], Node::items);
            // The policy's name says which only where none of them has one of ours itself.
            let by_policy = named && !all.iter().any(is_ours_there);
            let ours = all.iter().enumerate();
            let ours = ours.filter(|(_, wasm)| by_policy || is_ours_there(wasm));
            let found: Vec<_> = ours
                .map(|(index, wasm)| envoy_gateway(wasm, index, buffers.envoy_gateway).check(file))
                .collect();
            (!found.is_empty()).then(|| found.concat())
        }
        _ => None,
    }
}

fn is_ours(plugin: &Node) -> bool {
    names_us(plugin.text_at(&["url"])) || names_us(plugin.text_at(&["pluginName"]))
}

/// One `wasm` of an EnvoyExtensionPolicy.
fn is_ours_there(wasm: &Node) -> bool {
    let places = [
        &["name"][..],
        &["code", "image", "url"],
        &["code", "http", "url"],
    ];
    places.iter().any(|place| names_us(wasm.text_at(place)))
}

/// <https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/>
fn istio<'a>(plugin: &'a Node, at: &str) -> Plugin<'a> {
    let list = plugin.at(&["vmConfig", "env"]);
    let field = format!("{at}.vmConfig.env");
    let mut passed_on = Vec::new();
    let mut inline = Vec::new();
    for entry in list.map_or(&[][..], Node::items) {
        let name = entry.text_at(&["name"]).unwrap_or_default().to_owned();
        // Istio refuses one that has both, and its value stands in the file all the same.
        let is_passed_on = entry.text_at(&["valueFrom"]) == Some("HOST");
        if !is_passed_on || entry.get("value").is_some() {
            inline.push((name, entry.line));
        } else {
            passed_on.push(name);
        }
    }
    let strategy = plugin.entry("failStrategy");
    let open = strategy.filter(|entry| entry.node.text() == Some("FAIL_OPEN"));
    Plugin {
        place: Place::new(plugin.line, &format!("{at}.pluginConfig")),
        document: plugin.get("pluginConfig"),
        passed_on,
        inline,
        list: Place::new(list.map_or(plugin.line, |list| list.line), &field),
        fails_open: open.map(|entry| Place::new(entry.line, &format!("{at}.failStrategy"))),
        clusters: Clusters::Begin("outbound|"),
        sees_bodies: Some(false),
        buffer: None,
    }
}

/// As Istio's, with rules of its own, and the document under another name.
/// <https://higress.cn/en/docs/latest/user/wasm-plugin/>
fn higress(file: &Path, spec: &Node, buffer: Buffer) -> Vec<Finding> {
    let mut plugin = istio(spec, "spec");
    plugin.sees_bodies = Some(true);
    plugin.buffer = Some(buffer);
    if plugin.document.is_none() {
        plugin.document = spec.get("defaultConfig");
        plugin.place = Place::new(spec.line, "spec.defaultConfig");
    }
    let mut findings = plugin.check(file);
    let mut find = |line: usize, field: String, problem: &str| {
        findings.push(Finding::new(file, line, field, problem));
    };
    for (index, rule) in spec
        .get("matchRules")
        .map_or(&[][..], Node::items)
        .iter()
        .enumerate()
    {
        let disabled = rule.entry("configDisable");
        let disabled = disabled.filter(|entry| entry.node.flag() == Some(true));
        let (line, problem) = match disabled {
            Some(entry) => (
                entry.line,
                "Higress drops such a rule, and wx-session stays on for its domains: say in `routes` which paths need no \
                 session",
            ),
            None => (
                rule.line,
                "wx-session takes one document for all domains: say in its `routes` what needs a session",
            ),
        };
        find(line, format!("spec.matchRules[{index}]"), problem);
    }
    let disabled = spec.entry("defaultConfigDisable");
    let disabled = disabled.filter(|entry| entry.node.flag() == Some(true));
    // Higress looks at it only where there is no pluginConfig.
    if let Some(entry) = disabled.filter(|_| spec.get("pluginConfig").is_none()) {
        find(
            entry.line,
            "spec.defaultConfigDisable".to_owned(),
            "lets everyone in: Higress sends no filter at all",
        );
    }
    if spec.get("failStrategy").is_none() {
        find(
            spec.line,
            "spec.failStrategy".to_owned(),
            "is missing: write FAIL_CLOSE, so that nobody passes a filter that fails",
        );
    }
    findings
}

/// <https://gateway.envoyproxy.io/docs/api/extension_types/#wasm>
fn envoy_gateway(wasm: &Node, index: usize, buffer: Option<Buffer>) -> Plugin<'_> {
    let at = format!("spec.wasm[{index}]");
    let list = wasm.at(&["env", "hostKeys"]);
    let open = wasm
        .entry("failOpen")
        .filter(|entry| entry.node.flag() == Some(true));
    Plugin {
        place: Place::new(wasm.line, &format!("{at}.config")),
        document: wasm.get("config"),
        passed_on: texts(list),
        inline: Vec::new(),
        list: Place::new(
            list.map_or(wasm.line, |list| list.line),
            &format!("{at}.env.hostKeys"),
        ),
        fails_open: open.map(|entry| Place::new(entry.line, &format!("{at}.failOpen"))),
        // They stand in an EnvoyProxy, in a file of its own, and the flag in an EnvoyPatchPolicy.
        clusters: Clusters::Unknown,
        sees_bodies: None,
        buffer,
    }
}
