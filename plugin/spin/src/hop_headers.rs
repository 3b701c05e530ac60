//! Headers of one connection, which Spin writes and no component may.

/// Headers of one connection, which a component may not send: with one of them left in, a client could make its own
/// request fail with 500. wasmtime-wasi-http, `DEFAULT_FORBIDDEN_HEADERS`.
const FORBIDDEN: [&str; 9] = [
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Whether a component may not send a header of this name, in lower case.
pub(crate) fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.contains(&name)
}
