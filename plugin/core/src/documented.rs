//! The tables of `docs/` against the code that they speak of, in both languages. Prose is not judged here.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::auth_status::AuthStatus;
use crate::config::HostKind;
use crate::metrics::{Counter, Histogram};
use crate::rejection;
use crate::testing::test;
use crate::{Config, ConfigError};

/// A page in both languages.
struct Page {
    languages: [&'static str; 2],
}

const CONFIGURATION: Page = Page {
    languages: [
        include_str!("../../../docs/configuration.md"),
        include_str!("../../../docs/zh/configuration.md"),
    ],
};
const SPIN: Page = Page {
    languages: [
        include_str!("../../../docs/spin.md"),
        include_str!("../../../docs/zh/spin.md"),
    ],
};
const HTTP_API: Page = Page {
    languages: [
        include_str!("../../../docs/http-api.md"),
        include_str!("../../../docs/zh/http-api.md"),
    ],
};
const OPERATIONS: Page = Page {
    languages: [
        include_str!("../../../docs/operations.md"),
        include_str!("../../../docs/zh/operations.md"),
    ],
};

/// The cells of every row of every table of `text`.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_error_table_is_the_one_that_answers() {
    let expected: BTreeSet<String> = rejection::tests::table()
        .map(|(http, status, error, action)| format!("{http} {status} {error} {action}"))
        .collect();
    for text in HTTP_API.languages {
        let documented: Vec<String> = rows(text)
            .filter(|cells| cells.len() == 5 && cells[0].parse::<u16>().is_ok())
            .map(|cells| format!("{} {} {} {}", cells[0], cells[1], cells[2], cells[3]))
            .map(|row| row.replace('`', ""))
            .collect();
        assert_eq!(
            documented.iter().collect::<BTreeSet<_>>().len(),
            documented.len(),
            "a row stands there twice"
        );
        assert_eq!(documented.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

#[test]
fn the_table_of_levels_has_each_refusal_that_is_no_information() {
    use crate::host::Level;
    for text in OPERATIONS.languages {
        for (name, level) in [("error", Level::Error), ("warning", Level::Warn)] {
            let mut found = rows(text).filter(|cells| cells[0] == name);
            let row = found.next().expect(name);
            let told: BTreeSet<&str> = quoted(row[1]).collect();
            for (error, own) in rejection::tests::levels() {
                assert_eq!(told.contains(error), own == level, "{error} at {name}");
            }
        }
    }
}

#[test]
fn the_table_of_counters_has_each_of_them() {
    let names = Counter::ALL.iter().map(|counter| counter.name());
    let counters: BTreeSet<String> = names.map(ToString::to_string).collect();
    let names = Histogram::ALL.iter().map(|histogram| histogram.name());
    let histograms: BTreeSet<String> = names.map(|name| name.replace('.', "_")).collect();
    for text in OPERATIONS.languages {
        let (mut counted, mut timed) = (BTreeSet::new(), BTreeSet::new());
        for cells in rows(text).filter(|cells| cells[0].starts_with("`wx_session_")) {
            let named: Vec<&str> = quoted(cells[0]).collect();
            if let [group] = named[..]
                && !group.ends_with("_ms")
            {
                let group = group.trim_start_matches("wx_session_");
                let results = quoted(cells[1]).filter(|name| *name != "outage");
                counted.extend(results.map(|result| format!("wx_session.{group}.{result}")));
            } else {
                timed.extend(named.into_iter().map(ToString::to_string));
            }
        }
        assert_eq!(counted, counters);
        assert_eq!(timed, histograms);
    }
}

#[test]
fn each_word_that_an_app_is_told_of_a_request_is_in_every_list() {
    let words: BTreeSet<&str> = AuthStatus::ALL.iter().map(|status| status.word()).collect();
    for page in [HTTP_API, CONFIGURATION, OPERATIONS] {
        for text in page.languages {
            let lists = text
                .lines()
                .filter(|line| line.contains("`X-WX-Auth-Status`"))
                .map(|line| quoted(line).collect::<BTreeSet<_>>());
            let missing = lists.map(|list| words.difference(&list).copied().collect::<Vec<_>>());
            // The page may speak of the header elsewhere too.
            let least = missing.min_by_key(Vec::len).expect("a list");
            assert!(least.is_empty(), "not in the list: {least:?}");
        }
    }
}

/// The fields that the core takes below `path`, as its own refusal of another one names them.
fn fields_below(path: &[&str]) -> BTreeSet<String> {
    let mut document = String::from(r#"{"no such field":0}"#);
    for name in path.iter().rev() {
        document = match name.strip_suffix("[]") {
            Some(name) => format!(r#"{{"{name}":[{document}]}}"#),
            None => format!(r#"{{"{name}":{document}}}"#),
        };
    }
    let Err(ConfigError { problem, .. }) = Config::from_json(&document, HostKind::Envoy, &|_| None)
    else {
        panic!("{document} is taken");
    };
    let (_, expected) = problem.split_once("expected").expect("it names them");
    let prefix = path.join(".");
    quoted(expected)
        .map(|field| match &*prefix {
            "" => field.to_string(),
            prefix => format!("{prefix}.{field}"),
        })
        .collect()
}

#[test]
fn every_field_of_the_configuration_is_documented_and_no_other() {
    let sections = [
        "apps[]",
        "apps[].push",
        "push",
        "wechat",
        "wechat_api",
        "qq",
        "douyin",
        "kuaishou",
        "store",
        "upstream",
        "session",
        "endpoints",
        "identity_headers",
        "assertion",
        "login",
        "open_data",
        "limits",
        "answers",
        "responses",
        "admin",
    ];
    let mut expected = fields_below(&[]);
    for section in sections {
        expected.remove(section.trim_end_matches("[]"));
        let path: Vec<&str> = section.split('.').collect();
        expected.extend(fields_below(&path));
    }
    for kind in ["ok", "session", "other"] {
        assert!(expected.remove(&format!("answers.{kind}")));
        expected.extend(fields_below(&["answers", kind]));
    }
    assert!(expected.remove("admin.tokens"));
    expected.insert("admin.tokens[]".to_string());
    for field in ["master_keys", "routes"] {
        assert!(expected.remove(field));
        expected.insert(format!("{field}[]"));
    }
    let routes = fields_below(&["routes[]"]);
    for language in [0, 1] {
        let (configuration, spin) = (CONFIGURATION.languages[language], SPIN.languages[language]);
        let mut documented = BTreeSet::new();
        for cells in rows(configuration).chain(rows(spin)) {
            let mut section = "";
            for field in quoted(cells[0]) {
                // `.unionid` after `identity_headers.openid` is short for a field beside it.
                let field = match field.strip_prefix('.') {
                    Some(name) => format!("{section}.{name}"),
                    None => field.to_string(),
                };
                let known = expected.get(&field);
                if let Some(known) = known {
                    documented.insert(known.clone());
                }
                section = cells[0]
                    .split('`')
                    .nth(1)
                    .and_then(|first| first.rsplit_once('.'))
                    .map_or("", |(section, _)| section);
                let looks_like_one = field.contains('.') && field.is_ascii() && {
                    let (first, _) = field.split_once('.').unwrap_or_default();
                    sections.contains(&first)
                };
                assert!(
                    known.is_some() || !looks_like_one,
                    "`{field}` is documented, but there is no such field"
                );
            }
        }
        let missing: Vec<_> = expected.difference(&documented).collect();
        assert!(missing.is_empty(), "not documented: {missing:?}");
        for field in &routes {
            let field = field.trim_start_matches("routes[].");
            assert!(
                configuration.contains(&format!("`{field}`"))
                    || configuration.contains(&format!("{field}: ")),
                "`{field}` of a route is not documented"
            );
        }
    }
}

#[test]
fn the_documented_defaults_are_those_of_the_code() {
    let defaults = crate::config::tests::defaults();
    for text in CONFIGURATION.languages {
        let mut seen = BTreeSet::new();
        for cells in rows(text) {
            let Some(field) = quoted(cells[0]).next() else {
                continue;
            };
            // Chinese lists have a comma of their own.
            let plain = |cell: &&str| cell.replace('`', "").replace('、', ", ");
            let Some(default) = cells.get(1).map(plain) else {
                continue;
            };
            if let Some((name, expected)) = defaults.iter().find(|(name, _)| *name == field) {
                assert_eq!(default, *expected, "the default of {name}");
                seen.insert(*name);
            } else {
                assert!(
                    default.parse::<u64>().is_err() && default != "false" && default != "true",
                    "nothing holds the default of {field}: add it to config::tests::defaults"
                );
            }
        }
        for (name, _) in &defaults {
            assert!(seen.contains(name), "{name} has no row");
        }
    }
}
