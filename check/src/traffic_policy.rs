//! What Envoy Gateway's ClientTrafficPolicy says of its listeners, where it stands in the same file as the filter.
//! <https://gateway.envoyproxy.io/docs/api/extension_types/#clientconnection>

use crate::plugin::Buffer;
use crate::tree::Node;

/// What Envoy Gateway takes where nothing is said: `tcpListenerPerConnectionBufferLimitBytes` of its translator.
const USUAL: Buffer = Buffer {
    bytes: 32768,
    of: "connection.bufferLimit of a ClientTrafficPolicy, which this file does not say,",
};

/// What its listeners buffer at most, or nothing if a policy says it in a way that is not read here.
pub(crate) fn buffer(documents: &[Node]) -> Option<Buffer> {
    let mut said = Vec::new();
    for document in documents {
        document.visit(&mut |object| {
            if object.text_at(&["kind"]) == Some("ClientTrafficPolicy") {
                said.extend(object.at(&["spec", "connection", "bufferLimit"]));
            }
        });
    }
    if said.is_empty() {
        return Some(USUAL);
    }
    // Which of several is that of the listener is a matter of their targets: the largest blames nobody wrongly.
    let all: Option<Vec<u64>> = said.into_iter().map(bytes).collect();
    all?.into_iter().max().map(|bytes| Buffer {
        bytes,
        of: "connection.bufferLimit of the ClientTrafficPolicy",
    })
}

/// A quantity of Kubernetes, in its usual forms.
fn bytes(quantity: &Node) -> Option<u64> {
    const UNITS: [(&str, u64); 4] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("k", 1000),
        ("M", 1_000_000),
    ];
    quantity.number().or_else(|| {
        let text = quantity.text()?;
        let (number, unit) = UNITS
            .iter()
            .find_map(|(end, unit)| Some((text.strip_suffix(end)?, unit)))?;
        number.parse::<u64>().ok()?.checked_mul(*unit)
    })
}
