//! Whatever a bridge may answer, or not answer: at every request, and at the writes of a login, where half of it may
//! have happened.

use std::time::Duration;

use serde_json::json;
use testkit::redis::BridgeFault;

use crate::redis::real::trial::{Hurts, TIMED_OUT, Trial};
use crate::rig::backend::Backend;
use crate::rig::{Ask, Got, assert_unavailable, relogin_refusal};

const NO_COMMAND: &str = "an answer to a command that Redis does not give";
const NO_PIPELINE: &str = "an answer to a pipeline that Redis does not give";
const NOT_FOR_US: &str = "an answer to something else";
const NO_GET: &str = "an answer to GET that Redis does not give";
const NOT_OURS: &str = "an entry under the prefix was not written by wx-session";
const BROKEN: &str = "no answer: it was given up by the proxy";
const TOO_LONG: &str = "the answer is too long";
const UNREACHABLE: &str = "HTTP 503";

/// What the dialects' answers may be besides good, with what the log says of each when it answers a GET.
fn faults(kind: &str) -> Vec<(BridgeFault, &'static str)> {
    let (not_json, empty) = if kind == "webdis" {
        (NOT_FOR_US, NO_COMMAND)
    } else {
        (NO_PIPELINE, NO_PIPELINE)
    };
    let bodies: &[(&str, &str)] = match kind {
        "webdis" => &[
            (r#"{"GET":7}"#, NO_GET),
            (r#"{"GET":["a"]}"#, NO_COMMAND),
            (r#"{"GET":[true,"OK"]}"#, NOT_OURS),
            (r#"{"GET":"not base64!"}"#, NOT_OURS),
            (r#"{"GET":null,"SET":null}"#, NO_COMMAND),
            ("[]", NO_COMMAND),
            ("null", NO_COMMAND),
        ],
        _ => &[
            (r#"[{"result":7}]"#, NO_GET),
            (r#"[{"result":["a"]}]"#, NO_COMMAND),
            (r#"[{"result":"not base64!"}]"#, NOT_OURS),
            (r#"[{"result":null},{"result":null}]"#, NO_PIPELINE),
            (r#"{"result":null}"#, NO_PIPELINE),
            ("[{}]", NO_COMMAND),
            ("[]", NO_PIPELINE),
            ("null", NO_PIPELINE),
        ],
    };
    let bodies = bodies
        .iter()
        .map(|(body, problem)| (BridgeFault::Body((*body).to_owned()), *problem));
    let mut faults = vec![
        (BridgeFault::Refuse, UNREACHABLE),
        (BridgeFault::Hang, TIMED_OUT),
        (BridgeFault::ResetMidBody, BROKEN),
        (BridgeFault::Truncated, not_json),
        (BridgeFault::EmptyObject, empty),
        (BridgeFault::BigBody, TOO_LONG),
        (BridgeFault::Html, not_json),
        (BridgeFault::Status503, UNREACHABLE),
        (BridgeFault::SlowDrip(Duration::from_millis(40)), BROKEN),
        (BridgeFault::Delay(Duration::from_millis(500)), TIMED_OUT),
        (BridgeFault::LoseAnswer, UNREACHABLE),
    ];
    faults.extend(bodies);
    faults
}

/// One of each way to go wrong: without an answer, with half of one, with a wrong one; with and without an effect.
fn faults_of_writes() -> [BridgeFault; 8] {
    [
        BridgeFault::Refuse,
        BridgeFault::Hang,
        BridgeFault::ResetMidBody,
        BridgeFault::Truncated,
        BridgeFault::EmptyObject,
        BridgeFault::Status503,
        BridgeFault::Delay(Duration::from_millis(500)),
        BridgeFault::LoseAnswer,
    ]
}

/// Whether Redis carried the command out all the same.
fn takes_effect(fault: &BridgeFault) -> bool {
    use BridgeFault::{Delay, LoseAnswer, Pass, ResetMidBody, SlowDrip, Truncated};
    matches!(
        fault,
        Pass | ResetMidBody | Truncated | SlowDrip(_) | Delay(_) | LoseAnswer
    )
}

#[test]
fn whatever_webdis_answers_is_an_outage_and_passes() {
    survives_all(Trial::through_proxy(("webdis", Backend::webdis())));
}

#[test]
fn whatever_rest_answers_is_an_outage_and_passes() {
    survives_all(Trial::through_proxy(("redis_rest", Backend::rest())));
}

fn survives_all(mut trial: Trial) {
    // A slow answer is an answer.
    let slow = BridgeFault::Delay(Duration::from_millis(50));
    trial.backend.proxy.set(slow);
    trial.assert_passes();
    trial.log_in();
    assert!(trial.problems().is_empty());
    trial.backend.proxy.set(BridgeFault::Pass);
    for (fault, problem) in faults(trial.kind) {
        trial.survives(
            &format!("{fault:?}"),
            Hurts::Everything,
            &[problem],
            |backend| backend.proxy.set(fault.clone()),
            |backend| backend.proxy.set(BridgeFault::Pass),
        );
    }
    trial.assert_log_is_clean();
}

#[test]
fn what_a_failed_login_has_written_through_webdis_can_be_ended() {
    let mut trial = Trial::through_proxy(("webdis", Backend::webdis()));
    for fault in faults_of_writes() {
        fails_half_way(&mut trial, &fault, None);
    }
    // The writes are requests of their own here, of which any may fail alone.
    for fault in [BridgeFault::LoseAnswer, BridgeFault::EmptyObject] {
        for write in 0..4 {
            fails_half_way(&mut trial, &fault, Some(write));
        }
    }
    println!("sessions whose token nobody has: {}", trial.sessions() - 1);
    trial.assert_log_is_clean();
}

#[test]
fn what_a_failed_login_has_written_through_rest_can_be_ended() {
    let mut trial = Trial::through_proxy(("redis_rest", Backend::rest()));
    for fault in faults_of_writes() {
        let stands = fails_half_way(&mut trial, &fault, None);
        // One request: it put the session on the user's list and remembered the code, or neither.
        assert_eq!(stands, takes_effect(&fault), "{fault:?}");
    }
    println!("sessions whose token nobody has: {}", trial.sessions() - 1);
    trial.assert_log_is_clean();
}

/// The newcomer logs in, and `fault` happens to the writes, or to one of them. Whatever they left, the newcomer can
/// log in, and end everything. Whether the login stood.
fn fails_half_way(trial: &mut Trial, fault: &BridgeFault, write: Option<usize>) -> bool {
    let name = format!("{} | {fault:?} at write {write:?} of a login", trial.kind);
    let code = trial.code();
    let proxy = &trial.backend.proxy;
    // First comes the look-up of the code; then the session is written while the user is read, in one request or two.
    let before = if trial.kind == "webdis" { 3 } else { 2 };
    match write {
        None => {
            proxy.set(fault.clone());
            proxy.script(std::iter::repeat_n(BridgeFault::Pass, before));
        }
        Some(write) => {
            proxy.script(std::iter::repeat_n(BridgeFault::Pass, 1 + write));
            proxy.script([fault.clone()]);
        }
    }
    assert_unavailable(&trial.login(&code), &name);
    trial.backend.proxy.set(BridgeFault::Pass);

    // The same code again: the very login, or an end that sends the client to wx.login.
    let again = trial.in_the_end(&name, |trial| trial.login(&code));
    let stands = again.status == 200;
    let mut tokens = Vec::new();
    if stands {
        tokens.push(trial.logged_in(&again).token);
    } else {
        relogin_refusal(&again, 401, "code_used");
    }
    tokens.push(trial.log_in().token);
    for token in &tokens {
        let got = trial.in_the_end(&name, |trial| session(trial, token));
        assert_eq!(got.status, 200, "{name}");
    }

    let last = tokens.last().unwrap();
    let everywhere = Ask::post("/wx/logout", &json!({ "everywhere": true })).token(last);
    let got = trial.in_the_end(&name, |trial| trial.ask(everywhere.clone()));
    assert_eq!(got.status, 200, "{name}");
    for token in &tokens {
        let got = trial.in_the_end(&name, |trial| session(trial, token));
        relogin_refusal(&got, 401, "invalid_token");
    }
    if stands {
        // Nor does the memory of the code give it out any more.
        let late = trial.in_the_end(&name, |trial| trial.login(&code));
        relogin_refusal(&late, 401, "code_used");
    }
    trial.assert_passes();
    trial.note_entries();
    stands
}

fn session(trial: &mut Trial, token: &str) -> Got {
    trial.ask(Ask::get("/api/orders").token(token))
}
