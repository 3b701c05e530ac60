//! What one request of each kind costs, counted and not timed, held against `budgets.toml`.
//! A change that costs more fails here; so does one that costs much less, so that what was won is not lost again.

mod envoy;
mod file;
mod spin;

use file::{Budgets, Costs};
use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::{FakeWechat, Message};

use crate::rig::{APPID, Ask, PUSH_KEY, PUSH_TOKEN};

/// Where messages come sealed.
fn with_push() -> Value {
    let push = json!({ "token": { "env": "WX_PUSH_TOKEN" }, "encoding_aes_key": { "env": "WX_PUSH_KEY" } });
    json!({ "apps": [{ "appid": APPID, "secret": { "env": "WX_SECRET" }, "push": push }] })
}

/// A text that a user has written.
fn a_push(wechat: &FakeWechat, number: u64) -> Ask {
    let account = wechat.push_account(APPID, PUSH_TOKEN, PUSH_KEY, "/wx/push");
    let from = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY";
    // As long as WeChat's own.
    let id = 23_456_789_012_345_678 + number;
    Ask::from(&account.push(&Message::text(from, wechat.now(), id, "hello")))
}

#[allow(clippy::unnecessary_wraps, reason = "a script of the app's")]
fn success(_: &SeenByApp) -> Option<Scripted> {
    Some(Scripted {
        status: 200,
        body: "success".into(),
        ..Scripted::default()
    })
}

#[test]
fn everything_costs_what_its_budget_says() {
    let budgets = Budgets::read();
    let mut costs = Costs::new();
    envoy::measure(&mut costs);
    spin::measure(&mut costs);
    let differences = budgets.differences(&costs);
    budgets.write(&costs);
    assert!(
        differences.is_empty(),
        "budget → measured:\n{}\nThe whole file as measured is target/budgets.toml. If the change is meant, copy it over \
         host-tests/budgets.toml and say in the commit why.",
        differences.join("\n")
    );
}
