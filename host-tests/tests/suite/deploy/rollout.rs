//! The queries of `docs/rollout.md`, which say when the next step may come: where they find nothing, somebody goes on who
//! should not.

use project::root;

use super::promtool::asks;

const PAGES: [&str; 2] = ["docs/rollout.md", "docs/zh/rollout.md"];

/// A line each.
fn queries(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let blocks = text.split("```promql\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines.map(str::to_owned).collect()
}

/// What is counted in a minute, under the names that tags give or the flat ones.
fn counted(is_tagged: bool) -> Vec<(String, u64)> {
    let each = [
        ("observed", "ok", 5),
        ("observed", "no_session", 3),
        ("observed", "bad_path", 2),
        ("session", "hit", 4),
        ("session", "miss", 2),
        ("session", "absent", 1),
        ("session", "denied", 1),
        ("login", "ok", 6),
        ("login", "repeated", 3),
        ("login", "failed", 1),
        // A histogram, which is no result.
        ("login", "ms_count", 10),
    ];
    let named = each.map(|(group, result, count)| {
        let name = if is_tagged && result != "ms_count" {
            format!("wx_session_{group}{{result=\"{result}\"}}")
        } else {
            format!("wx_session_{group}_{result}{{}}")
        };
        (name, count)
    });
    named.to_vec()
}

#[test]
fn the_queries_find_what_is_counted_under_either_names() {
    // Of a day, or of all; a thousand times.
    const DAY: u64 = 24 * 60 * 1000;
    let no_session = (r#"{result="no_session"}"#, 3 * DAY);
    let bad_path = (r#"{result="bad_path"}"#, 2 * DAY);
    let expected = [
        vec![bad_path, no_session],
        vec![("{}", 500)],
        vec![("{}", 10 * DAY)],
        vec![bad_path],
        vec![("{}", 750)],
        vec![("{}", 900)],
        vec![("{}", 500)],
        vec![("{}", 250)],
    ];
    for page in PAGES {
        let queries = queries(page);
        assert_eq!(queries.len(), expected.len(), "{page}: {queries:?}");
        let asked = queries.iter().map(String::as_str).zip(expected.clone());
        let asked: Vec<_> = asked.collect();
        asks(&[], &counted(true), &asked);
        asks(&["labels-flat.yaml"], &counted(false), &asked);
    }
}
