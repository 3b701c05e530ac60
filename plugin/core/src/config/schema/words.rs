//! What each field means, in the words of the documentation's tables: said once, shown in editors and forms too.

use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Value, json};

use super::place::at;

const PAGES: [&str; 2] = [
    include_str!("../../../../../docs/configuration.md"),
    include_str!("../../../../../docs/spin.md"),
];

/// Of a rule, which the pages describe in prose.
#[rustfmt::skip]
const OF_A_ROUTE: [(&str, &str); 6] = [
    ("path", "the whole path, decoded"),
    ("prefix", "whole segments from the start of the path, decoded"),
    ("methods", "in capitals; without them the rule is for every method"),
    ("session", "required: 401 without a session; optional: forwarded either way; public: no session is looked for"),
    ("upgrades", "protocols that a request may be upgraded to, such as websocket"),
    ("outage", "what a request with a token gets while the store cannot be asked"),
];

pub(super) fn put(schema: &mut Value) {
    for (path, meaning) in OF_A_ROUTE {
        describe(schema, &format!("routes[].{path}"), meaning);
    }
    for (row, is_of_a_route) in PAGES.into_iter().flat_map(of_fields) {
        let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
        let (Some(names), Some(_), Some(meaning), None) =
            (cells.next(), cells.next(), cells.next(), cells.next())
        else {
            continue;
        };
        let meaning = plain(meaning);
        let mut table = String::new();
        for name in names.split('`').skip(1).step_by(2) {
            // `.unionid` after `identity_headers.openid` is of the same table.
            let path = match name.strip_prefix('.') {
                Some(name) => format!("{table}.{name}"),
                None => name.to_string(),
            };
            table = path
                .rsplit_once('.')
                .map_or("", |(table, _)| table)
                .to_string();
            let path = path.strip_suffix("[]").unwrap_or(&path);
            describe(schema, &format!("routes[].{path}"), &meaning);
            if !is_of_a_route {
                describe(schema, path, &meaning);
            }
        }
    }
}

/// The rows of the tables that have a field in each, and whether it is a route's alone: other tables speak of fields, too.
fn of_fields(page: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut head = "";
    page.lines().filter_map(move |line| {
        match line.split(" | ").next() {
            Some(first) if line.starts_with('|') && head.is_empty() => head = first,
            _ if line.starts_with('|') => {}
            _ => head = "",
        }
        let is_of_a_route = head == "| Field of the route";
        (is_of_a_route || head == "| Field").then_some((line, is_of_a_route))
    })
}

fn describe(schema: &mut Value, path: &str, meaning: &str) {
    if let Some(field) = at(schema, path) {
        field.entry("description").or_insert_with(|| json!(meaning));
    }
}

/// Without links and without what only points elsewhere on the page.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after
            .split_once("](")
            .and_then(|(name, end)| Some((name, end.split_once(')')?.1)));
        let Some((name, end)) = link else { break };
        plain.push_str(before);
        plain.push_str(name);
        rest = end;
    }
    plain.push_str(rest);
    let plain = plain.replace('`', "");
    let cut = [
        "; see below",
        ": see below",
        "; see Requests that wait",
        ": see Login on the way",
        ": pick one",
    ];
    let end = cut.iter().find_map(|words| plain.strip_suffix(words));
    end.unwrap_or(&plain).to_string()
}
