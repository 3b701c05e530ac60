//! Which room of the core may name which, and that no two files of what ships name each other in a circle. A room is a file
//! or a folder of `src`. The table is written from the ground up: a room names none but those that stand before it, so what it says
//! can have no circle. Tests may name what they like.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each room with all that it names.
#[rustfmt::skip]
const ROOMS: &[(&str, &[&str])] = &[
    // The ground floor: they name nobody.
    ("auth_status", &[]),
    ("error_body", &[]),
    ("fold", &[]),
    ("head", &[]),
    ("header_names", &[]),
    ("hex", &[]),
    ("json_text", &[]),
    ("metrics", &[]),
    ("shared_text", &[]),
    ("time", &[]),
    // Plain parts: what can be read of a request, and the words of stores and of WeChat.
    ("spelling", &["fold"]),
    ("path", &["fold"]),
    ("release", &["head"]),
    ("reply", &["head", "header_names", "time"]),
    ("trace", &["head"]),
    ("wording", &["json_text"]),
    ("route", &["fold", "wording"]),
    ("store", &["hex", "time"]),
    ("wechat", &["fold", "hex", "json_text", "spelling", "time"]),
    // What there is to be told, and what the host gives.
    ("platform", &["wechat"]),
    ("config", &["header_names", "path", "platform", "release", "reply", "route", "spelling", "wechat", "wording"]),
    ("host", &["head", "metrics", "store", "time"]),
    ("log_lines", &["host", "json_text", "time"]),
    ("chosen_store", &["config", "hex", "host", "json_text", "log_lines", "metrics", "store", "time"]),
    ("needed", &["config", "head", "header_names", "spelling"]),
    ("seal", &["host", "store"]),
    ("single_flight", &["host"]),
    ("records", &["hex", "host", "seal", "shared_text", "store", "time", "wechat"]),
    // What is known, what is remembered, and how a request is refused.
    ("rejection", &["error_body", "host", "json_text", "metrics", "platform", "reply", "seal", "store", "wording"]),
    ("cookie", &["config", "head", "rejection"]),
    ("assertion", &["config", "json_text", "records", "time"]),
    ("bench", &["records", "seal", "time"]),
    ("limits", &["config", "host", "rejection", "time"]),
    ("memory", &["limits", "records", "store", "time", "wechat"]),
    ("placeholder", &["fold", "records"]),
    ("media_type", &["head", "placeholder", "rejection"]),
    ("presented", &["config", "cookie", "head", "header_names", "placeholder", "records", "rejection"]),
    ("profile", &["fold", "json_text", "records", "wechat"]),
    ("method", &["head", "header_names", "presented", "route"]),
    ("self_test", &["records", "seal", "time", "wechat"]),
    ("upgrade", &["head", "rejection", "reply", "route"]),
    // What a worker keeps, and what is done with it.
    ("access", &["config", "head", "header_names", "placeholder", "presented", "records", "reply", "seal"]),
    ("params", &["head", "header_names", "host", "media_type", "placeholder", "rejection"]),
    ("worker", &["access", "chosen_store", "config", "head", "header_names", "host", "limits", "log_lines", "memory", "needed", "records", "rejection", "release", "reply", "route", "seal", "single_flight", "store", "time", "wechat"]),
    ("platform_call", &["config", "host", "log_lines", "metrics", "platform", "rejection", "wechat", "worker"]),
    ("wechat_api", &["config", "host", "limits", "memory", "metrics", "platform", "platform_call", "records", "rejection", "seal", "single_flight", "store", "wechat", "worker"]),
    ("quota", &["host", "limits", "memory", "records", "rejection", "seal", "store", "time", "worker"]),
    ("session", &["chosen_store", "head", "host", "memory", "metrics", "presented", "quota", "records", "rejection", "store", "time", "worker"]),
    ("release_rule", &["config", "head", "host", "records", "rejection", "release", "worker"]),
    ("open_data", &["config", "host", "metrics", "params", "records", "rejection", "release_rule", "session", "store", "time", "wechat", "wechat_api", "worker"]),
    ("login", &["config", "cookie", "head", "header_names", "host", "json_text", "limits", "memory", "metrics", "open_data", "params", "placeholder", "platform", "platform_call", "presented", "profile", "quota", "records", "rejection", "release", "release_rule", "reply", "session", "single_flight", "store", "time", "wechat", "worker"]),
    ("taken", &["access", "config", "head", "header_names", "host", "json_text", "media_type", "params", "placeholder", "presented", "rejection", "reply", "route", "worker"]),
    ("refusal_line", &["head", "host", "json_text", "presented", "rejection", "worker"]),
    ("observe", &["access", "auth_status", "head", "header_names", "host", "refusal_line", "metrics", "rejection", "reply", "upgrade", "worker"]),
    // What becomes of a request.
    ("push", &["config", "head", "header_names", "host", "json_text", "log_lines", "memory", "metrics", "records", "rejection", "reply", "store", "time", "wechat", "worker"]),
    ("said", &["host", "json_text", "memory", "metrics", "records", "reply", "worker"]),
    ("endpoint", &["config", "cookie", "head", "host", "json_text", "limits", "login", "metrics", "open_data", "params", "presented", "profile", "quota", "records", "rejection", "release_rule", "route", "session", "wechat", "wechat_api", "worker"]),
    ("admin", &["config", "endpoint", "head", "host", "json_text", "memory", "metrics", "params", "records", "rejection", "reply", "route", "session", "shared_text", "store", "wechat", "wechat_api", "wording", "worker"]),
    ("gate", &["access", "assertion", "auth_status", "config", "head", "header_names", "host", "login", "metrics", "presented", "records", "refusal_line", "rejection", "reply", "route", "taken", "time", "upgrade", "worker"]),
    ("open_body", &["gate", "head", "host", "json_text", "media_type", "open_data", "params", "rejection", "reply", "route", "spelling", "wechat", "worker"]),
    ("pass_through", &["config", "head", "hex", "host", "log_lines", "metrics", "platform", "rejection", "release", "reply", "trace", "wechat", "worker"]),
    ("handle", &["access", "admin", "auth_status", "config", "endpoint", "gate", "head", "header_names", "host", "memory", "method", "metrics", "observe", "open_body", "pass_through", "path", "push", "quota", "refusal_line", "rejection", "release_rule", "reply", "route", "taken", "upgrade", "wording", "worker"]),
];

/// What a room is made of besides: files for tests alone, and the crate's own, which names every room.
const NOT_ROOMS: [&str; 5] = ["documented", "fake_host", "fuzz", "golden", "lib"];

struct File {
    /// `["store", "redis", "own_writes"]`
    module: Vec<String>,
    /// The paths that it names, from the crate's root on.
    names: BTreeSet<Vec<String>>,
}

#[test]
fn every_room_names_those_that_the_table_says_and_no_other() {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files("core") {
        let room = file.module[0].clone();
        let others = named.entry(room.clone()).or_default();
        let rooms = file.names.iter().map(|path| path[0].clone());
        others.extend(rooms.filter(|other| *other != room));
    }
    for room in NOT_ROOMS {
        named.remove(room);
    }
    let mut ground = BTreeSet::new();
    for (room, said) in ROOMS {
        let named = named.remove(*room);
        let named = named.unwrap_or_else(|| panic!("there is no room {room}"));
        let said: BTreeSet<String> = said.iter().map(ToString::to_string).collect();
        let above: Vec<_> = said.difference(&ground).collect();
        assert!(above.is_empty(), "{room} would name {above:?}, above it");
        let new: Vec<_> = named.difference(&said).collect();
        assert!(new.is_empty(), "{room} names {new:?}: may it?");
        let gone: Vec<_> = said.difference(&named).collect();
        assert!(gone.is_empty(), "{room} does not name {gone:?} any more");
        ground.insert((*room).to_string());
    }
    let rest: Vec<_> = named.keys().collect();
    assert!(rest.is_empty(), "not in the table: {rest:?}");
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    for plugin in ["core", "envoy", "spin"] {
        let circle = circle(files(plugin));
        assert!(circle.is_empty(), "{plugin}: {circle:#?}");
    }
}

/// The files that are in one, or between two, with those that they name.
fn circle(files: Vec<File>) -> Vec<String> {
    let files: Vec<_> = files
        .into_iter()
        .filter(|file| !NOT_ROOMS.contains(&&*file.module[0]))
        .collect();
    let modules: BTreeSet<_> = files.iter().map(|file| file.module.clone()).collect();
    let mut left: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for file in &files {
        let named = file.names.iter().filter_map(|path| {
            // The file that a path leads into: the longest beginning of it that is one.
            let lengths = (1..=path.len()).rev();
            let mut beginnings = lengths.map(|length| path[..length].to_vec());
            beginnings.find(|beginning| modules.contains(beginning))
        });
        let named = named.filter(|other| *other != file.module).collect();
        left.insert(file.module.clone(), named);
    }
    // Whoever names none of those that are left, or is named by none of them, is in no circle.
    loop {
        let before = left.len();
        let names: BTreeSet<_> = left.keys().cloned().collect();
        let named: BTreeSet<_> = left.values().flatten().cloned().collect();
        left.retain(|file, others| !others.is_disjoint(&names) && named.contains(file));
        if left.len() == before {
            break;
        }
    }
    left.iter()
        .map(|(file, named)| {
            let named = named.iter().filter(|other| left.contains_key(*other));
            let named: Vec<_> = named.map(|other| other.join("::")).collect();
            format!("{} -> {named:?}", file.join("::"))
        })
        .collect()
}

/// Those of one part of the plugin.
fn files(plugin: &str) -> Vec<File> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(plugin)
        .join("src");
    let mut folders = vec![source.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_stem().unwrap() != "tests" {
                files.push(File::read(&source, &path));
            }
        }
    }
    assert!(files.len() > 5, "{plugin}: {}", files.len());
    files
}

impl File {
    fn read(source: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let relative = path.strip_prefix(source).unwrap().with_extension("");
        let parts = relative.iter().map(|part| part.to_str().unwrap());
        let module: Vec<String> = parts
            .filter(|part| *part != "mod")
            .map(String::from)
            .collect();
        let names = paths(without_comments(before_tests(&text)).as_str())
            .into_iter()
            .filter_map(|named| from_the_root(&module, &named))
            .collect();
        Self { module, names }
    }
}

/// Tests stand last in a file.
fn before_tests(text: &str) -> &str {
    let modules = ["mod tests", "pub(crate) mod tests"];
    let ends = modules.map(|module| text.find(&format!("#[cfg(test)]\n{module}")));
    let end = ends.into_iter().flatten().min();
    &text[..end.unwrap_or(text.len())]
}

fn without_comments(text: &str) -> String {
    let code = text
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    code.collect::<Vec<_>>().join("\n")
}

/// What begins with `crate::`, `self::` or `super::`: in `use` with all that its braces hold.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("::") {
        let start = code[..at]
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
            .map_or(0, |before| before + 1);
        if ["crate", "self", "super"].contains(&&code[start..at]) && !code[..start].ends_with("::")
        {
            expand(&mut code[start..].chars().peekable(), &[], &mut paths);
        }
    }
    paths
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn expand(
    code: &mut std::iter::Peekable<std::str::Chars<'_>>,
    before: &[String],
    paths: &mut Vec<Vec<String>>,
) {
    let mut path = before.to_vec();
    loop {
        while code.next_if(|c| c.is_whitespace()).is_some() {}
        let mut word = String::new();
        while let Some(c) = code.next_if(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
        }
        if !word.is_empty() {
            path.push(word);
        }
        match code.peek() {
            Some(':') => {
                code.next();
                if code.next_if_eq(&':').is_none() {
                    break;
                }
            }
            Some('{') => {
                code.next();
                loop {
                    expand(code, &path, paths);
                    while code.next_if(|c| *c != ',' && *c != '}').is_some() {}
                    if code.next() != Some(',') {
                        return;
                    }
                }
            }
            _ => break,
        }
    }
    paths.push(path);
}

fn from_the_root(module: &[String], named: &[String]) -> Option<Vec<String>> {
    let mut words = named.iter();
    let mut root = Vec::new();
    for word in words.by_ref() {
        match word.as_str() {
            "crate" => {}
            "self" if root.is_empty() => root = module.to_vec(),
            "super" => {
                if root.is_empty() {
                    root = module.to_vec();
                }
                root.pop();
            }
            other => {
                root.push(other.into());
                break;
            }
        }
    }
    root.extend(words.cloned());
    (!root.is_empty()).then_some(root)
}
