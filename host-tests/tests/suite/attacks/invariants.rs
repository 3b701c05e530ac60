//! What holds of every row, whatever it is.
//!
//! * The app never sees what a client says in the edge's name, nor a protected path without a verified session, nor another
//!   openid than the token's.
//! * Each request gets one answer or the connection ends, soon; what comes behind it on the connection is answered as
//!   itself.
//! * No token, key or secret is in an answer or a request for the app.
//! * An answer of the edge says so, in headers and in JSON.

use std::net::Ipv4Addr;

use serde_json::Value;
use testkit::fakes::app::SeenByApp;

use super::known::{Known, found};
use super::row::{Door, Must, Row, shown};
use super::seen;
use super::talk::{Answer, Ended, Talk};

/// The header in which Envoy's router says who has sent a request: over whatever a client wrote there.
pub const SENT_FROM: &str = "x-sent-from";

/// A row that was sent, and what came of it.
pub struct Sent<'a> {
    pub row: &'a Row,
    pub door: Door,
    pub in_http2: bool,
    pub from: Ipv4Addr,
    pub talk: Talk,
    /// What the app saw of it, the good request behind it too.
    pub seen: Vec<SeenByApp>,
    /// In the path of the good request.
    pub mark: String,
}

/// What is wrong with it: nothing.
pub fn broken(sent: &Sent<'_>, known: &Known, hidden: &[String]) -> Vec<String> {
    let mut broken = Vec::new();
    answers(sent, hidden, &mut broken);
    let is_good = |seen: &&SeenByApp| seen.path == sent.mark;
    let goods: Vec<_> = sent.seen.iter().filter(is_good).collect();
    for good in &goods {
        if good.header("x-wx-openid") != Some(known.victim.openid.as_bytes()) {
            broken.push(format!("the good request was somebody else's: {good:?}"));
        }
    }
    if goods.len() > 1 || (goods.is_empty() && sent.talk.good.is_some()) {
        broken.push(format!(
            "the app saw the good request {} times",
            goods.len()
        ));
    }
    let own: Vec<_> = sent.seen.iter().filter(|seen| !is_good(seen)).collect();
    for seen in &own {
        let openid = known.openid(sent.row.who);
        if let Err(what) = seen::judge(seen, sent, openid.as_deref(), hidden) {
            broken.push(format!("{what}: {}", in_short(seen)));
        }
    }
    must(sent, &own, &mut broken);
    broken
}

pub fn in_short(seen: &SeenByApp) -> String {
    let (headers, body) = (in_lines(&seen.headers), shown(&seen.body));
    format!("{} {} {headers:?} {body}", seen.method, seen.path)
}

fn in_lines(headers: &[(String, Vec<u8>)]) -> Vec<String> {
    let line = |(name, value): &(String, Vec<u8>)| format!("{name}: {}", shown(value));
    headers.iter().map(line).collect()
}

fn must(sent: &Sent<'_>, own: &[&SeenByApp], broken: &mut Vec<String>) {
    let first = sent.talk.answers.first();
    let status = first.map(|answer| answer.status);
    match sent.row.must {
        Must::Hold => {}
        Must::NotPass if own.is_empty() => {}
        Must::NotPass => broken.push(format!("the app saw it: {}", in_short(own[0]))),
        Must::Pass if own.len() == 1 && status == Some(200) => {}
        Must::Pass => broken.push(format!("{status:?}, and the app saw {} of it", own.len())),
        Must::Refuse(error) => {
            let told = first.and_then(|answer| answer.header("x-wx-error"));
            if told.as_deref() != Some(error) || !own.is_empty() {
                let seen = own.len();
                broken.push(format!(
                    "{status:?} {told:?} for {error}, and the app saw {seen}"
                ));
            }
        }
    }
}

pub fn answers(sent: &Sent<'_>, hidden: &[String], broken: &mut Vec<String>) {
    let Talk {
        answers,
        good,
        stray,
        ended,
    } = &sent.talk;
    match ended {
        Ended::Closed => {}
        Ended::Silent => broken.push("no answer, and no end".to_owned()),
        Ended::Broken(how) => broken.push(how.clone()),
    }
    if !stray.is_empty() {
        let stray = shown(stray);
        broken.push(format!("more answers than requests: {stray}"));
    }
    if answers.len() > sent.row.requests {
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        broken.push(format!("answered {statuses:?}"));
    }
    if let Some(good) = good
        && (good.status != 200 || !good.is_of(&sent.mark))
    {
        broken.push(format!(
            "the good request got {} {}",
            good.status,
            shown(&good.body)
        ));
    }
    for answer in answers.iter().chain(good) {
        if let Err(what) = answered(answer, sent.door, hidden) {
            let body = shown(&answer.body);
            broken.push(format!(
                "{what}: {} {:?} {body}",
                answer.status, answer.headers
            ));
        }
    }
}

fn answered(answer: &Answer, door: Door, hidden: &[String]) -> Result<(), String> {
    let headers = answer
        .headers
        .iter()
        .flat_map(|(_, value)| [&value[..], b"\n"].concat());
    let text: Vec<u8> = headers.chain(answer.body.iter().copied()).collect();
    if let Some(secret) = found(hidden, &text) {
        return Err(format!("an answer with {secret}"));
    }
    // What a server does not know is its own affair: 501 and 505 are Envoy's, and an empty 500 is Spin's for a header that
    // is no text.
    let is_servers = match door {
        Door::Spin => answer.status == 500 && answer.body.is_empty(),
        _ => [501, 505].contains(&answer.status),
    };
    if answer.status >= 500 && !is_servers {
        return Err("it is blamed on somebody else".to_owned());
    }
    if answer.status == 101 {
        return Err("an upgrade".to_owned());
    }
    for of_the_app in ["x-wx-session-end", "x-wx-session-attributes"] {
        if answer.header(of_the_app).is_some() {
            return Err(format!("{of_the_app} reached a client"));
        }
    }
    let error = answer.header("x-wx-error");
    match error.as_deref() {
        Some("none") | None => Ok(()),
        Some(error) => refusal(answer, error),
    }
}

/// An answer that the edge has made, whole. One to HEAD has no body.
fn refusal(answer: &Answer, error: &str) -> Result<(), String> {
    if answer.header("cache-control").as_deref() != Some("no-store") {
        return Err("a refusal that may be kept".to_owned());
    }
    if answer.body.is_empty() {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    // Wafer's clients have names of their own.
    let is_wafers = body["error"] == "ERR_INVALID_SESSION";
    let is_named = is_wafers || body["error"] == error;
    let action = answer.header("x-wx-action");
    if is_named && body["action"].as_str() == action.as_deref() && body["msg"].is_string() {
        Ok(())
    } else {
        Err("a refusal that says two things".to_owned())
    }
}
