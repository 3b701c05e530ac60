//! What Higress' own ConfigMap says of its listeners, where it stands in the same file as the plugin.
//! <https://higress.cn/en/docs/latest/user/configmap/>

use crate::plugin::Buffer;
use crate::tree::Node;
use crate::yaml_tree;

/// What Higress takes where nothing is said.
const USUAL: Buffer = Buffer {
    bytes: 32768,
    of: "downstream.connectionBufferLimits in the ConfigMap higress-config, which this file does not have,",
};

/// What its listeners buffer at most.
pub(crate) fn buffer(documents: &[Node]) -> Buffer {
    let mut said = None;
    for document in documents {
        document.visit(&mut |object| said = said.or(limit(object)));
    }
    said.map_or(USUAL, |bytes| Buffer {
        bytes,
        of: "downstream.connectionBufferLimits in the ConfigMap higress-config",
    })
}

fn limit(object: &Node) -> Option<u64> {
    let is = |path: &[&str], text: &str| object.at(path).and_then(Node::text) == Some(text);
    if !is(&["kind"], "ConfigMap") || !is(&["metadata", "name"], "higress-config") {
        return None;
    }
    let config = yaml_tree::parse(object.at(&["data", "higress"])?.text()?).ok()?;
    let limit = ["downstream", "connectionBufferLimits"];
    config.first()?.at(&limit)?.number()
}
