//! What attackers send: tables of rows, one file for each kind, and what holds of every row, whatever it is
//! ([`invariants`]). All of it against one real Envoy with everything on, a part against one with its sessions in Redis,
//! a part against the listener that leads a backend to WeChat's API ([`backends`]), and a part of what HTTP/1.1 has against
//! Spin.
//!
//! A new row goes into the table of its kind, in `tables`: bytes, frames or a request, who sends it, and what must come of
//! it if that is more than the invariants. What is true of a behaviour that an operator knows by name is a scenario.

mod backends;
mod doors;
mod features;
mod frameworks;
mod http1;
mod http2;
mod invariants;
mod known;
mod length;
mod message;
mod row;
mod run;
mod seen;
mod tables;
mod talk;

use std::collections::BTreeMap;

use testkit::fakes::wechat::FakeWechat;

use self::invariants::{Sent, broken};
use self::known::{Known, found};
use self::row::Door;
use crate::rig::backend::Backend;
use crate::rig::envoy_world::{EnvoyWorld, with_token};
use crate::rig::{APPID, SECRET, SpinRig, Way};
use testkit::client::{self, Request};
use testkit::eventually;
use testkit::fakes::app::FakeApp;

/// Of so many rows Spin, and an Envoy on Redis, are tried with one: no table repeats itself after so many.
const PART: usize = 7;

/// So many rows are told of.
const MOST: usize = 80;

#[track_caller]
fn assert_unbroken(all: &[Sent<'_>], known: &Known) {
    let hidden = known.hidden();
    assert_nothing(all, |sent| broken(sent, known, &hidden));
}

/// `broken`: what is wrong with one.
#[track_caller]
fn assert_nothing(all: &[Sent<'_>], broken: impl Fn(&Sent<'_>) -> Vec<String>) {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sent in all {
        let protocol = if sent.in_http2 { 2 } else { 1 };
        let place = format!("{:?} in HTTP/{protocol}", sent.door);
        let what = broken(sent);
        if !what.is_empty() {
            let what = format!("{place}: {}", what.join("; "));
            found.entry(sent.row.name.clone()).or_default().push(what);
        }
    }
    let told = found
        .iter()
        .map(|(row, what)| format!("{row}\n    {}", what.join("\n    ")));
    let told: Vec<String> = told.take(MOST).collect();
    assert!(
        found.is_empty(),
        "{} rows:\n\n{}",
        found.len(),
        told.join("\n\n")
    );
    let goods = all.iter().filter(|sent| sent.talk.good.is_some()).count();
    let passed = all
        .iter()
        .filter(|sent| sent.seen.len() > usize::from(sent.talk.good.is_some()))
        .count();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for sent in all {
        let kind = sent.row.name.split(':').next().unwrap_or_default();
        *kinds.entry(kind).or_default() += 1;
    }
    let all_sent = all.len();
    println!("{all_sent} sent, {passed} passed, {goods} good ones answered behind them: {kinds:?}");
    assert!(goods * 3 > all.len() && passed > 0, "nobody was let in");
}

/// VMs that run, and that were ever started.
fn vms(edge: &EnvoyWorld) -> Vec<(String, u64)> {
    let stats = edge.envoy.stats().unwrap();
    let own = |(name, _): &(String, u64)| name.starts_with("wasm.envoy.wasm.runtime.");
    stats.into_iter().filter(own).collect()
}

#[test]
fn nothing_that_an_attacker_sends_to_a_real_envoy_breaks_an_invariant() {
    assert_unbroken_on_envoy(&doors::envoy(), 1);
}

/// What is decided while nobody waits is decided as well while a request is held.
#[test]
fn nothing_that_an_attacker_sends_to_an_envoy_with_redis_breaks_an_invariant() {
    let backend = Backend::webdis();
    assert_unbroken_on_envoy(&doors::envoy_on(&backend), PART);
}

/// Whatever comes to where only a backend should be.
#[test]
fn nothing_that_an_attacker_sends_to_the_backends_listener_breaks_an_invariant() {
    let wechat = FakeApp::start();
    let edge = backends::edge(&wechat);
    let known = Known::nobody(&edge.wechat);
    let before = vms(&edge);
    let rows = tables::all();
    let attempts = run::attempts(&rows, &[Door::Shipped]);
    let attempts: Vec<_> = attempts.into_iter().step_by(PART).collect();
    let sent = run::at_envoy(
        &attempts,
        &known,
        |_| edge.envoy.addr(),
        || {
            eventually(|| edge.envoy.stats().unwrap()[backends::ACTIVE] == 0);
            backends::heard(&wechat)
        },
    );
    assert_nothing(&sent, backends::broken);
    assert_eq!(vms(&edge), before);
}

/// With each `part`th of the rows.
fn assert_unbroken_on_envoy(edge: &EnvoyWorld, part: usize) {
    let places = doors::OF_ENVOY.map(|door| (door, doors::addr(edge, door)));
    let addr = |door: Door| places.iter().find(|(own, _)| *own == door).unwrap().1;
    let known = Known::at(addr(Door::Shipped), &edge.wechat);
    let before = vms(edge);
    let rows = tables::all();
    let attempts = run::attempts(&rows, &doors::OF_ENVOY);
    let attempts: Vec<_> = attempts.into_iter().skip(part / 3).step_by(part).collect();
    let sent = run::at_envoy(&attempts, &known, addr, || {
        eventually(|| edge.active_requests() == 0);
        edge.app.take()
    });
    assert_unbroken(&sent, &known);
    // Who was in is in, and nothing was started anew.
    for session in [&known.attacker, &known.other, &known.victim] {
        let answer = edge.send(&with_token(&session.token));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    edge.assert_sound();
    assert_eq!(vms(edge), before);
    let (log, hidden) = (edge.envoy.log(), known.hidden());
    assert_eq!(found(&hidden, log.as_bytes()), None);
    for line in edge.envoy.access_log() {
        assert_eq!(found(&hidden, line.to_string().as_bytes()), None);
    }
}

#[test]
fn nothing_that_an_attacker_sends_to_a_service_of_spin_breaks_an_invariant() {
    assert_unbroken_on_spin(Way::Service);
}

#[test]
fn nothing_that_an_attacker_sends_to_a_middleware_of_spin_breaks_an_invariant() {
    assert_unbroken_on_spin(Way::Middleware);
}

/// With a part of the rows, for each another one: what is decided is decided as at Envoy.
fn assert_unbroken_on_spin(way: Way) {
    let wechat = FakeWechat::new(APPID, SECRET);
    let edge = SpinRig::start(way, &wechat, &features::all());
    let addr = edge.spin.addr();
    let known = Known::at(addr, &wechat);
    let rows = tables::all();
    let attempts = run::attempts(&rows, &[Door::Spin]);
    let first = if way == Way::Service { 0 } else { PART / 2 };
    let attempts: Vec<_> = attempts.into_iter().skip(first).step_by(PART).collect();
    let settled = || edge.spin.settle();
    let sent = run::one_by_one(&attempts, &known, &edge.app, addr, settled);
    assert_unbroken(&sent, &known);
    for session in [&known.attacker, &known.other, &known.victim] {
        let request = Request::get("/api/orders").header("x-wx-skey", &session.token);
        let answer = client::send(addr, &request, talk::PATIENCE).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    edge.spin.settle();
    let log = edge.spin.log();
    let hidden = known.hidden();
    assert_eq!(found(&hidden, log.as_bytes()), None);
}
