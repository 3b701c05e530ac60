//! Alerts and dashboards against what a real Envoy shows: a metric that is renamed fails here.

use std::collections::BTreeSet;
use std::time::Duration;

use project::root;
use serde_json::json;
use testkit::client::Request;
use testkit::fakes::app::Scripted;
use testkit::fakes::wechat::{Fault, Message, Mode, PushFormat};

use super::promtool::Scrape;
use testkit::eventually;

use crate::rig::envoy_world::{APPID, EnvoyWorld, SECRET, login_request, with_token};

/// Which files speak of which names.
struct Names {
    alerts: &'static str,
    dashboard: &'static str,
    is_tagged: bool,
}

const TAGGED: Names = Names {
    alerts: "alerts.yaml",
    dashboard: "wx-session.json",
    is_tagged: true,
};
/// As on a platform that gives no tags.
const FLAT: Names = Names {
    alerts: "alerts-flat.yaml",
    dashboard: "wx-session-flat.json",
    is_tagged: false,
};

impl Names {
    fn edge(&self) -> EnvoyWorld {
        EnvoyWorld::alone(|config| {
            let config = config.patch_plugin(&json!({ "login": { "failures_per_minute": 0 } }));
            if self.is_tagged {
                config
            } else {
                config.patch(&json!({ "stats_config": { "stats_tags": null } }))
            }
        })
    }

    fn scrape(&self, edge: &EnvoyWorld, logins: u64) -> Scrape {
        // Histograms are brought together every 100 ms.
        let line = format!("wx_session_login_ms_count{{}} {logins}");
        eventually(|| {
            edge.envoy
                .envoy()
                .prometheus()
                .unwrap()
                .lines()
                .any(|own| own == line)
        });
        Scrape::of(&edge.envoy.envoy().prometheus_told().unwrap())
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(root().join("dashboards").join(file)).unwrap()
    }
}

/// Names of metrics in a query, each with what stands behind it in braces.
fn selectors(text: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("wx_session_") {
        // Not in the middle of a name, such as that of the machine that runs it.
        if text[..at].ends_with(|before: char| before.is_alphanumeric() || "_?".contains(before))
            || text[..at].ends_with(")?")
        {
            continue;
        }
        let rest = &text[at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let label = rest[end..]
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .map_or("", |(label, _)| label);
        found.insert((rest[..end].to_owned(), label.replace('\\', "")));
    }
    found
}

fn every_name_is_there(names: &Names) {
    let edge = names.edge();
    edge.login("a");
    let scrape = names.scrape(&edge, 1);
    for file in [names.alerts, names.dashboard] {
        let text = names.text(file);
        // The comments and titles are prose.
        let queries: Vec<&str> = text.lines().filter(|line| line.contains("expr")).collect();
        let selectors = selectors(&queries.join("\n"));
        assert!(selectors.len() > 10, "{file}: {selectors:?}");
        for (name, label) in selectors {
            assert!(
                scrape.has(&name, &label),
                "{file} asks for {name}{{{label}}}, which Envoy does not show"
            );
        }
    }
    for filter in ["", "wechat_api_"] {
        for outcome in ["success", "failure"] {
            let name = format!("envoy_wasm_wx_session_{filter}vm_reload_{outcome}");
            assert!(scrape.has(&name, ""), "{name}");
        }
    }
}

#[test]
fn every_metric_that_they_ask_for_is_shown() {
    every_name_is_there(&TAGGED);
    every_name_is_there(&FLAT);
}

/// People log in and come back, and a few codes are stale.
fn healthy(edge: &EnvoyWorld) -> u64 {
    let token = edge.login("a");
    for _ in 0..20 {
        edge.send(&with_token(&token));
    }
    edge.send(&login_request("0nevermade0nevermade0nevermade00"));
    edge.send(&Request::get("/orders"));
    2
}

#[test]
fn nothing_fires_while_all_is_well() {
    for names in [TAGGED, FLAT] {
        let edge = names.edge();
        let logins = healthy(&edge);
        names.scrape(&edge, logins).alerts(names.alerts, &[]);
    }
}

/// Each filter counts under a name of its own, with no label that would tell it from the others.
#[test]
fn a_filter_that_is_started_anew_is_told_whichever_it_is() {
    let filters = ["", "wechat_api_", "inside_"];
    let scrape = |which: &[&str], outcome: &str| {
        let counted = |filter: &&str| u8::from(which.contains(filter));
        let series = filters.iter().map(|filter| {
            let name = format!("envoy_wasm_wx_session_{filter}vm_reload_{outcome}");
            format!("{name}{{}} {}\n", counted(filter))
        });
        Scrape::of(&series.collect::<String>())
    };
    for names in [TAGGED, FLAT] {
        for (outcome, alert) in [
            ("success", "WxSessionReloads"),
            ("failure", "WxSessionReloadsFail"),
        ] {
            scrape(&[], outcome).alerts(names.alerts, &[]);
            for filter in filters {
                scrape(&[filter], outcome).alerts(names.alerts, &[alert]);
            }
            scrape(&filters, outcome).alerts(names.alerts, &[alert]);
        }
    }
    // As Istio names it.
    let name = "envoy_wasm_istio_system_wx_session_vm_reload_success{} 1";
    Scrape::of(name).alerts(FLAT.alerts, &["WxSessionReloads"]);
}

#[test]
fn guesses_at_the_back_channel_are_told_and_sessions_that_live_on() {
    for (group, result, alert) in [
        ("admin", "wrong_token", "WxSessionWrongAdminTokens"),
        ("session", "not_ended", "WxSessionNotEnded"),
    ] {
        let tagged = format!("wx_session_{group}{{result=\"{result}\"}} 2");
        Scrape::of(&tagged).alerts(TAGGED.alerts, &[alert]);
        let flat = format!("wx_session_{group}_{result}{{}} 2");
        Scrape::of(&flat).alerts(FLAT.alerts, &[alert]);
    }
}

#[test]
fn wechat_in_trouble_is_told() {
    for names in [TAGGED, FLAT] {
        let edge = names.edge();
        let mut logins = healthy(&edge);
        edge.wechat
            .script([Fault::Slow(Duration::from_millis(1100))]);
        edge.login("slow");
        edge.wechat.script([Fault::Html, Fault::Html]);
        for user in ["b", "c"] {
            assert_eq!(
                edge.send(&login_request(&edge.wechat.phone(user).login()))
                    .status,
                503
            );
        }
        logins += 3;
        let expected = [
            "WxSessionLoginsFail",
            "WxSessionWechatSlow",
            "WxSessionWechatUnavailable",
        ];
        names.scrape(&edge, logins).alerts(names.alerts, &expected);
    }
}

#[test]
fn the_breaker_is_told() {
    let edge = TAGGED.edge();
    edge.wechat.script(vec![Fault::Html; 10]);
    let mut logins = 0;
    while edge.counter("wechat.breaker_open") == 0 {
        edge.send(&login_request(
            &edge.wechat.phone(&logins.to_string()).login(),
        ));
        logins += 1;
        assert!(logins < 20);
    }
    let expected = [
        "WxSessionBreakerOpen",
        "WxSessionLoginsFail",
        "WxSessionWechatUnavailable",
    ];
    TAGGED
        .scrape(&edge, logins)
        .alerts(TAGGED.alerts, &expected);
}

#[test]
fn a_message_that_the_app_does_not_take_is_told() {
    let push = json!({ "token": { "env": "WX_SECRET" } });
    let app = json!({ "appid": APPID, "secret": { "env": "WX_SECRET" }, "push": push });
    let edge = EnvoyWorld::alone(|config| config.patch_plugin(&json!({ "apps": [app] })));
    let logins = healthy(&edge);
    let account = edge.wechat.push_account(APPID, SECRET, "", "/wx/push");
    let account = account.in_mode(Mode::Plain, PushFormat::Json);
    let message = Message::text(
        "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
        edge.wechat.now(),
        1,
        "hello",
    );
    edge.app.answer_with(|_| {
        Some(Scripted {
            status: 500,
            ..Scripted::default()
        })
    });
    assert_eq!(account.send_to(edge.envoy.addr(), &message).len(), 3);
    let expected = ["WxSessionMessagesFail"];
    TAGGED
        .scrape(&edge, logins)
        .alerts(TAGGED.alerts, &expected);
}

#[test]
fn a_store_that_is_not_there_is_told() {
    for names in [TAGGED, FLAT] {
        let edge = EnvoyWorld::alone(|mut config| {
            let nobody = json!({ "address": "127.0.0.1", "port_value": 1 });
            let endpoint = json!({ "endpoint": { "address": { "socket_address": nobody } } });
            config.document["static_resources"]["clusters"].as_array_mut().unwrap().push(json!({
                "name": "sessions",
                "type": "STATIC",
                "load_assignment": { "cluster_name": "sessions", "endpoints": [{ "lb_endpoints": [endpoint] }] },
            }));
            let config = config.patch_plugin(&json!({ "store": { "kind": "webdis" } }));
            if names.is_tagged {
                config
            } else {
                config.patch(&json!({ "stats_config": { "stats_tags": null } }))
            }
        });
        let login = login_request(&edge.wechat.phone("a").login());
        assert_eq!(edge.send(&login).status, 503);
        let expected = ["WxSessionLoginsFail", "WxSessionStoreFails"];
        names.scrape(&edge, 1).alerts(names.alerts, &expected);
    }
}
