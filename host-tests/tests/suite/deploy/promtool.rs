//! Prometheus' own tool for trying rules: given how counters grow, which alerts fire.
//! <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>

use std::process::Command;

use project::debian::program;
use project::root;
use serde_json::{Value, json};

/// What a real Envoy shows: each counter, and how much it has.
pub struct Scrape(Vec<(String, u64)>);

impl Scrape {
    /// All counters of wx-session, and of the machine that runs it, in `/stats/prometheus`.
    pub fn of(text: &str) -> Self {
        let ours = |line: &&str| line.starts_with("wx_session_") || line.starts_with("envoy_wasm_");
        let number = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter(ours).filter_map(number).collect())
    }

    /// Whether there is a series of this name, with this label.
    pub fn has(&self, name: &str, label: &str) -> bool {
        let named = |series: &str| {
            series
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('{') && rest.contains(label))
        };
        self.0.iter().any(|(series, _)| named(series))
    }

    /// Which alerts of `dashboards/…` fire when all of this happens again every minute.
    pub fn alerts(&self, rules: &str, expected: &[&str]) {
        let series = |(name, value): &(String, u64)| json!({ "series": name, "values": format!("0+{value}x40") });
        let fire =
            |name: &&str| json!({ "labels": format!("{{alertname=\"{name}\"}}"), "value": 1 });
        let test = json!({
            "rule_files": [root().join("dashboards").join(rules)],
            "evaluation_interval": "1m",
            "tests": [{
                "interval": "1m",
                "input_series": self.0.iter().map(series).collect::<Vec<Value>>(),
                "promql_expr_test": [{
                    "expr": "count by (alertname) (ALERTS{alertstate=\"firing\"})",
                    "eval_time": "35m",
                    "exp_samples": expected.iter().map(fire).collect::<Vec<Value>>(),
                }],
            }],
        });
        run(&test, &format!("{rules}, {expected:?}"));
    }
}

/// What each query comes to, under these rules of `dashboards/…`, when of each of `series` so much is counted every minute
/// for longer than a day. Expected are the labels of each sample with a thousand times its value, rounded.
pub fn asks(rules: &[&str], series: &[(String, u64)], queries: &[(&str, Vec<(&str, u64)>)]) {
    let dashboards = root().join("dashboards");
    let files: Vec<_> = rules.iter().map(|file| dashboards.join(file)).collect();
    let counted = |(name, value): &(String, u64)| json!({ "series": name, "values": format!("0+{value}x1500") });
    let asked = |(query, expected): &(&str, Vec<(&str, u64)>)| {
        let sample = |(labels, value): &(&str, u64)| json!({ "labels": labels, "value": value });
        json!({
            "expr": format!("round(1000 * ({query}))"),
            "eval_time": "1500m",
            "exp_samples": expected.iter().map(sample).collect::<Vec<Value>>(),
        })
    };
    let test = json!({
        "rule_files": files,
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": series.iter().map(counted).collect::<Vec<Value>>(),
            "promql_expr_test": queries.iter().map(asked).collect::<Vec<Value>>(),
        }],
    });
    run(&test, &format!("{rules:?}"));
}

fn run(test: &Value, what: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    // JSON is YAML.
    std::fs::write(file.path(), test.to_string()).unwrap();
    let promtool = program("promtool", "prometheus").unwrap();
    let output = Command::new(promtool)
        .args(["test", "rules"])
        .arg(file.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
}
