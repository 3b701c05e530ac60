//! What Higress' own ConfigMap says of its listeners, where it stands in the same file as the plugin.
//! <https://higress.cn/en/docs/latest/user/configmap/>

use crate::plugin::Buffer;
use crate::tree::Node;
use crate::yaml_tree;

/// What Higress takes where nothing is said.
const USUAL: u64 = 32768;

/// What its listeners buffer at most.
pub(crate) fn buffer(documents: &[Node]) -> Buffer {
    let mut map = None;
    for document in documents {
        document.visit(&mut |object| map = map.or(is_map(object).then_some(object)));
    }
    let said = map.and_then(limit);
    let of = match (map, said) {
        (_, Some(_)) => "downstream.connectionBufferLimits in the ConfigMap higress-config",
        (Some(_), None) => {
            "downstream.connectionBufferLimits, which the ConfigMap higress-config does not say,"
        }
        (None, None) => {
            "downstream.connectionBufferLimits in the ConfigMap higress-config, which this file does not have,"
        }
    };
    let bytes = said.unwrap_or(USUAL);
    Buffer { bytes, of }
}

fn is_map(object: &Node) -> bool {
    let is = |path: &[&str], text: &str| object.text_at(path) == Some(text);
    is(&["kind"], "ConfigMap") && is(&["metadata", "name"], "higress-config")
}

fn limit(map: &Node) -> Option<u64> {
    let config = yaml_tree::parse(map.text_at(&["data", "higress"])?).ok()?;
    let limit = ["downstream", "connectionBufferLimits"];
    config.first()?.at(&limit)?.number()
}
