//! Alerts and dashboards are written once, with the names that tags give, and made anew with the flat ones; and nothing
//! is counted that no panel shows. That Envoy shows what they ask for is a test of the suite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::path::{Path, PathBuf};

use wx_session_core::{Counter, Histogram};

/// Where the text begins that must be the same but for the names.
const PAIRS: [(&str, &str, &str); 2] = [
    ("alerts.yaml", "alerts-flat.yaml", "groups:"),
    ("wx-session.json", "wx-session-flat.json", "{"),
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../dashboards")
        .join(name)
}

/// `wx_session_login{result="ok"}` as `wx_session_login_ok`.
fn flat(text: &str) -> String {
    let mut flat = String::new();
    for (at, part) in text.split("{result=").enumerate() {
        let part = if at == 0 {
            part.to_owned()
        } else {
            let part = part.trim_start_matches(['\\', '"']);
            let (name, rest) = part.split_once('}').unwrap();
            format!("_{}{rest}", name.trim_end_matches(['\\', '"']))
        };
        flat.push_str(&part);
    }
    flat.replace(r#""uid": "wx-session""#, r#""uid": "wx-session-flat""#)
        .replace(
            r#""title": "wx-session""#,
            r#""title": "wx-session (flat names)""#,
        )
}

/// What a flat file is to be.
fn expected((tagged, flat_name, begin): (&str, &str, &str)) -> String {
    let text = std::fs::read_to_string(path(tagged)).unwrap();
    let own = std::fs::read_to_string(path(flat_name)).unwrap();
    let head = own.split(begin).next().unwrap();
    let body = &text[text.find(begin).unwrap()..];
    format!("{head}{}", flat(body))
}

#[test]
#[ignore = "writes the flat files of dashboards/"]
fn write() {
    for pair in PAIRS {
        std::fs::write(path(pair.1), expected(pair)).unwrap();
    }
}

#[test]
fn the_flat_files_are_the_others_with_other_names() {
    for pair in PAIRS {
        let is = std::fs::read_to_string(path(pair.1)).unwrap();
        assert!(
            is == expected(pair),
            "{} is another than {}: cargo test -p wx-session-check --test dashboards -- --ignored write",
            pair.1,
            pair.0
        );
    }
}

#[test]
fn the_dashboard_shows_whatever_is_counted_and_timed() {
    let text = std::fs::read_to_string(path("wx-session.json")).unwrap();
    for counter in Counter::ALL {
        let (group, result) = counter.name().rsplit_once('.').unwrap();
        let group = group.replace('.', "_");
        let selector = format!(r#"{group}{{result=\"{result}\"}}["#);
        assert!(text.contains(&selector), "{selector} has no panel");
    }
    for histogram in Histogram::ALL {
        let bucket = format!("{}_bucket[", histogram.name().replace('.', "_"));
        assert!(text.contains(&bucket), "{bucket} has no panel");
    }
}

/// Without one it has that of Prometheus' evaluation_interval, a minute: $__rate_interval is no longer where Envoy is
/// asked every 15 s, and of the one sample in it nothing comes.
#[test]
fn a_subquery_of_the_dashboard_has_a_step_of_its_own() {
    let text = std::fs::read_to_string(path("wx-session.json")).unwrap();
    assert!(text.contains("[$__rate_interval:15s]"));
    assert!(!text.contains(":]"));
}
