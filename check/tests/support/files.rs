//! Shipped files with something wrong in them, and what is found.

use std::path::Path;

use wx_session_check::check;

use super::root;

/// One of each kind.
pub(crate) const ENVOY: &str = "envoy.yaml";
pub(crate) const ENVOY_FILTER: &str = "deploy/istio/envoyfilter.yaml";
pub(crate) const WASM_PLUGIN: &str = "deploy/istio/wasmplugin.yaml";
pub(crate) const TRAFFIC_EXTENSION: &str = "deploy/istio/trafficextension.yaml";
pub(crate) const ENVOY_GATEWAY: &str = "deploy/envoy-gateway/policy.yaml";
pub(crate) const HIGRESS: &str = "deploy/higress/wasmplugin.yaml";

/// Of what a route says of a filter.
pub(crate) const FILTER_CONFIG: &str =
    "\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig";

pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// What is found in this text, under the name of a shipped file.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(Path::new(path).file_name().unwrap());
    std::fs::write(&file, text).unwrap();
    let found = check(&file).unwrap();
    let said = found
        .iter()
        .map(|one| format!("{}: {}: {}", one.line, one.field, one.problem));
    said.collect()
}

/// A text of which this is found and nothing else.
#[track_caller]
pub(crate) fn only(text: &str, expected: &str) {
    let found = findings("part.yaml", text);
    assert!(
        found.len() == 1 && found[0].contains(expected),
        "{text}\n{expected}: {found:#?}"
    );
}

/// With `old` written as `new`, this is found and nothing else, in the line where `new` stands.
#[track_caller]
pub(crate) fn one(path: &str, old: &str, new: &str, expected: &str) {
    let text = text(path);
    assert!(text.contains(old), "{path} has no {old}");
    let changed = text.replacen(old, new, 1);
    let line = 1 + changed
        .lines()
        .position(|line| line.contains(new.lines().last().unwrap()))
        .unwrap();
    let found = findings(path, &changed);
    let [only] = found.as_slice() else {
        panic!("{path}, {new}: {found:#?}")
    };
    assert!(
        only.starts_with(&format!("{line}: {expected}")),
        "{path}, {new}: {only}"
    );
}
