//! The rows, by kind.

mod bodies;
mod cookies;
mod http2;
mod identity;
mod json;
mod keys;
mod methods;
mod names;
mod paths;
mod slow;
mod smuggling;
mod tokens;
mod types;
mod upgrades;
mod values;

use super::row::Row;

pub use self::keys::{KEYS, bodies, is_ours};
pub use self::types::TYPES;

/// A kind and its rows.
type Table = (&'static str, fn() -> Vec<Row>);

/// All of them.
pub fn all() -> Vec<Row> {
    let tables: [Table; 15] = [
        ("bodies", bodies::rows),
        ("cookies", cookies::rows),
        ("http2", http2::rows),
        ("identity", identity::rows),
        ("json", json::rows),
        ("keys", keys::rows),
        ("methods", methods::rows),
        ("names", names::rows),
        ("paths", paths::rows),
        ("slow", slow::rows),
        ("smuggling", smuggling::rows),
        ("tokens", tokens::rows),
        ("types", types::rows),
        ("upgrades", upgrades::rows),
        ("values", values::rows),
    ];
    let named = |(kind, rows): Table| {
        let kind = kind.to_owned();
        rows().into_iter().map(move |mut row| {
            row.name = format!("{kind}: {}", row.name);
            row
        })
    };
    tables.into_iter().flat_map(named).collect()
}
