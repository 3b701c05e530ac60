//! Made-up histories. Each thing that must never be is found in one, and is not found in its neighbour, where it is allowed.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::answer::Broken;
use crate::ask::{Protocol, Refusal, Route};
use crate::rules::{ABSOLUTE, APPID, CACHE, IDLE, MAX_FAILURES, MAX_PER_USER};
use crate::weather::{Fault, Part};

const OPENID: &str = "o-of-this-user";

fn seconds(seconds: f64) -> Moment {
    Duration::from_secs_f64(seconds)
}

/// A user and a sky, and what was found.
struct History {
    user: User,
    weather: Weather,
    found: Vec<Wrong>,
    unexplained: usize,
    now: f64,
}

impl History {
    fn new() -> Self {
        Self {
            user: User::new(0, OPENID, Duration::from_secs(10)),
            weather: Weather::default(),
            found: Vec::new(),
            unexplained: 0,
            now: 1.0,
        }
    }

    fn wait(&mut self, seconds: f64) -> &mut Self {
        self.now += seconds;
        self
    }

    fn wait_for(&mut self, span: Duration) -> &mut Self {
        self.wait(span.as_secs_f64())
    }

    /// From now for so long.
    fn fault(&mut self, fault: Fault, lasts: f64) -> &mut Self {
        self.weather.begins(fault, seconds(self.now));
        self.now += lasts;
        self.weather.passes(seconds(self.now));
        self
    }

    fn begin(&mut self, edge: EdgeName, ask: Ask) -> u64 {
        self.now += 0.01;
        let at = seconds(self.now);
        self.user.asks(edge, Protocol::Http1, at, ask)
    }

    fn end(&mut self, number: u64, answer: Answer) -> Option<Token> {
        self.now += 0.01;
        let at = seconds(self.now);
        let verdict = self.user.is_answered(number, at, &answer, &self.weather);
        self.found
            .extend(verdict.violations.iter().map(|own| own.wrong));
        self.unexplained += usize::from(verdict.is_unexplained);
        verdict.token
    }

    fn arrive(&mut self, number: u64, arrived: &Arrived) {
        let verdict = self.user.has_arrived(number, arrived, &self.weather);
        self.found
            .extend(verdict.violations.iter().map(|own| own.wrong));
    }

    fn ask(&mut self, edge: EdgeName, ask: Ask, answer: Answer) -> Option<Token> {
        let number = self.begin(edge, ask);
        self.end(number, answer)
    }

    fn login(&mut self, edge: EdgeName) -> Token {
        self.login_instead(edge, None)
    }

    fn login_instead(&mut self, edge: EdgeName, old: Option<&Token>) -> Token {
        let old = old.cloned();
        let answer = self.login_answer();
        self.ask(edge, Ask::Login { old }, answer).expect("a token")
    }

    fn login_answer(&self) -> Answer {
        let text = format!("{:0>43}", self.user.asked);
        good(json!({ "token": text, "event": "returning" }))
    }

    /// The app gets it, and answers.
    fn pass(&mut self, edge: EdgeName, route: Route, token: &Token) -> &mut Self {
        let number = self.begin(edge, app(route, token));
        self.arrive(number, &own(&[]));
        let id = self.user.id(number);
        self.end(number, Answer::App { status: 200, id });
        self
    }

    fn refuse(&mut self, edge: EdgeName, route: Route, token: &Token) -> &mut Self {
        self.ask(edge, app(route, token), refused(401, "invalid_token"));
        self
    }

    fn logout(&mut self, edge: EdgeName, token: &Token, everywhere: bool, answer: Answer) {
        let token = token.clone();
        self.ask(edge, Ask::Logout { token, everywhere }, answer);
    }

    #[track_caller]
    fn assert_found(&self, expected: &[Wrong]) {
        assert_eq!(self.found, expected, "{:#?}", self.user.history(30));
    }
}

fn app(route: Route, token: &Token) -> Ask {
    Ask::App {
        route,
        token: Some(token.clone()),
        body: Vec::new(),
    }
}

fn good(data: Value) -> Answer {
    Answer::Good(data)
}

fn ended(count: usize) -> Answer {
    good(json!({ "ended": count }))
}

fn refused(status: u16, error: &str) -> Answer {
    let error = error.to_owned();
    Answer::Refused { status, error }
}

/// As the app sees this user.
fn own(body: &[u8]) -> Arrived {
    Arrived {
        openids: vec![OPENID.to_owned()],
        appids: vec![APPID.to_owned()],
        body: body.to_vec(),
        ..Arrived::default()
    }
}

use EdgeName::{A, B};

#[test]
fn a_day_without_a_fault_is_one() {
    let mut day = History::new();
    let first = day.login(A);
    day.pass(A, Route::Orders, &first)
        .pass(B, Route::Catalog, &first);
    let second = day.login_instead(B, Some(&first));
    day.wait_for(CACHE + Duration::from_secs(2))
        .refuse(A, Route::Orders, &first)
        .pass(A, Route::Orders, &second);
    day.logout(A, &second, false, ended(1));
    day.wait_for(CACHE + Duration::from_secs(2))
        .refuse(B, Route::Orders, &second);
    day.assert_found(&[]);
    assert_eq!(day.unexplained, 0);
}

#[test]
fn a_session_that_nothing_has_ended_must_be_there() {
    let look = |look: &dyn Fn(&mut History, &Token)| {
        let mut day = History::new();
        let token = day.login(A);
        look(&mut day, &token);
        day.found
    };
    let lost = [Wrong::Lost];
    let refuse = |day: &mut History, token: &Token| {
        day.refuse(B, Route::Orders, token);
    };
    assert_eq!(look(&refuse), lost);
    let session = |has: bool, expired: bool| {
        look(&|day: &mut History, token: &Token| {
            let answer = good(json!({ "hasSession": has, "expired": expired }));
            let token = token.clone();
            day.ask(B, Ask::Session { token }, answer);
        })
    };
    assert_eq!(session(true, false), []);
    assert_eq!(session(false, false), lost);
    assert_eq!(session(true, true), lost);
    let logout = |everywhere: bool, count: usize| {
        look(&|day: &mut History, token: &Token| {
            day.login(A);
            day.logout(B, token, everywhere, ended(count));
        })
    };
    assert_eq!(logout(false, 1), []);
    assert_eq!(logout(false, 0), lost);
    assert_eq!(logout(true, 2), []);
    assert_eq!(logout(true, 1), lost);
}

#[test]
fn a_session_may_be_gone_when_its_login_came_right_before_redis_was_killed() {
    for (before, expected) in [(1.0, &[][..]), (10.0, &[Wrong::Lost])] {
        let mut day = History::new();
        let token = day.login(A);
        day.wait(before)
            .fault(Fault::Kill(Part::Redis), 5.0)
            .wait(5.0)
            .refuse(A, Route::Orders, &token);
        day.assert_found(expected);
    }
    // One that ends in good order forgets nothing.
    let mut day = History::new();
    let token = day.login(A);
    day.fault(Fault::Restart(Part::Redis), 5.0)
        .refuse(A, Route::Orders, &token);
    day.assert_found(&[Wrong::Lost]);
}

#[test]
fn a_session_that_was_ended_must_not_be_there() {
    // At the edge with one worker at once, elsewhere after the time of the cache.
    let slack = CACHE.as_secs_f64();
    let cases = [
        (B, B, 0.1, true),
        (A, B, 0.1, false),
        (B, A, 0.1, false),
        (A, A, 0.1, false),
        (A, B, slack - 0.5, false),
        (A, B, slack + 1.5, true),
        (A, A, slack + 1.5, true),
    ];
    for (there, here, after, is_wrong) in cases {
        let mut day = History::new();
        let token = day.login(A);
        day.logout(there, &token, false, ended(1));
        day.wait(after).pass(here, Route::Orders, &token);
        let expected = is_wrong.then_some(Wrong::Alive);
        day.assert_found(expected.as_slice());
    }
}

#[test]
fn what_looks_into_the_store_itself_sees_an_end_at_once() {
    for (what, answer) in [
        ("session", json!({ "hasSession": true, "expired": false })),
        ("logout", json!({ "ended": 1 })),
    ] {
        let mut day = History::new();
        let token = day.login(A);
        day.logout(A, &token, false, ended(1));
        let ask = match what {
            "session" => Ask::Session { token },
            _ => Ask::Logout {
                token,
                everywhere: false,
            },
        };
        day.ask(B, ask, good(answer));
        day.assert_found(&[Wrong::Alive]);
    }
}

#[test]
fn an_end_that_nobody_has_confirmed_may_have_been_one_or_not() {
    let answers = [
        Answer::None(Broken::Left),
        refused(503, "store_unavailable"),
    ];
    for answer in answers {
        let mut day = History::new();
        let token = day.login(A);
        day.fault(Fault::Freeze(Part::Redis), 1.0);
        day.logout(A, &token, false, answer.clone());
        day.wait(20.0).pass(B, Route::Orders, &token);
        day.refuse(B, Route::Orders, &token);
        day.assert_found(&[]);
    }
}

#[test]
fn an_end_may_be_undone_when_redis_is_killed_right_after() {
    for (after, expected) in [(1.0, &[][..]), (10.0, &[Wrong::Alive])] {
        let mut day = History::new();
        let token = day.login(A);
        day.wait(10.0);
        day.logout(A, &token, false, ended(1));
        day.wait(after)
            .fault(Fault::Kill(Part::Redis), 5.0)
            .wait(10.0)
            .pass(B, Route::Orders, &token);
        day.assert_found(expected);
    }
}

#[test]
fn a_logout_everywhere_ends_all_that_there_were_and_none_that_comes() {
    let mut day = History::new();
    let [one, two] = [day.login(A), day.login(A)];
    day.logout(B, &one, true, ended(2));
    let three = day.login(A);
    day.pass(B, Route::Orders, &three)
        .refuse(B, Route::Orders, &two);
    day.assert_found(&[]);
    day.pass(B, Route::Orders, &two);
    day.assert_found(&[Wrong::Alive]);
    day.refuse(B, Route::Orders, &three);
    day.assert_found(&[Wrong::Alive, Wrong::Lost]);
}

#[test]
fn a_login_in_place_of_a_session_ends_it() {
    let mut day = History::new();
    let one = day.login(B);
    day.login_instead(B, Some(&one));
    day.pass(B, Route::Orders, &one);
    day.assert_found(&[Wrong::Alive]);
}

#[test]
fn a_session_runs_out_and_not_before() {
    let mut day = History::new();
    let token = day.login(A);
    day.wait_for(IDLE + CACHE + Duration::from_secs(2));
    day.pass(A, Route::Orders, &token);
    day.assert_found(&[Wrong::Alive]);

    let mut day = History::new();
    let token = day.login(A);
    let mut used = 0.0;
    while used < ABSOLUTE.as_secs_f64() - 20.0 {
        day.wait(10.0).pass(A, Route::Orders, &token);
        used += 10.0;
    }
    day.assert_found(&[]);
    day.refuse(A, Route::Orders, &token);
    day.assert_found(&[Wrong::Lost]);
    day.wait(30.0).refuse(A, Route::Orders, &token);
    day.assert_found(&[Wrong::Lost]);
    day.pass(A, Route::Orders, &token);
    day.assert_found(&[Wrong::Lost, Wrong::Alive]);
}

#[test]
fn too_many_sessions_and_too_much_bad_data_may_end_one() {
    let mut day = History::new();
    let token = day.login(A);
    for _ in 0..MAX_PER_USER {
        day.login(A);
    }
    day.refuse(A, Route::Orders, &token);
    day.assert_found(&[]);

    let mut day = History::new();
    let token = day.login(A);
    for _ in 0..MAX_FAILURES {
        let token = token.clone();
        let ask = Ask::Decrypt { token, good: false };
        day.ask(A, ask, refused(422, "session_key_stale"));
    }
    day.refuse(A, Route::Orders, &token);
    day.assert_found(&[]);
}

#[test]
fn the_same_code_gives_the_same_session() {
    let mut day = History::new();
    let first = day.login(A);
    let again = || Ask::Again {
        first: first.clone(),
    };
    let same = good(json!({ "token": &*first.text, "event": "new" }));
    day.ask(B, again(), same);
    day.assert_found(&[]);
    day.ask(B, again(), refused(401, "code_used"));
    day.assert_found(&[Wrong::Lost]);
    day.ask(B, again(), good(json!({ "token": "x".repeat(43) })));
    day.assert_found(&[Wrong::Lost, Wrong::Lost]);
}

#[test]
fn nobody_is_taken_for_somebody_else() {
    let arrived = |change: &dyn Fn(&mut Arrived)| {
        let mut day = History::new();
        let token = day.login(A);
        let number = day.begin(A, app(Route::Orders, &token));
        let mut arrived = own(&[]);
        change(&mut arrived);
        day.arrive(number, &arrived);
        day.found
    };
    assert_eq!(arrived(&|_| {}), []);
    let identity = [Wrong::Identity];
    let other = || "o-of-another".to_owned();
    assert_eq!(arrived(&|own| own.openids = vec![other()]), identity);
    assert_eq!(
        arrived(&|own| own.openids.push("forged".to_owned())),
        identity
    );
    assert_eq!(arrived(&|own| own.openids.clear()), identity);
    assert_eq!(arrived(&|own| own.appids = vec![other()]), identity);
    assert_eq!(arrived(&|own| own.has_token = true), [Wrong::LetThrough]);
}

#[test]
fn an_answer_to_another_request_is_found() {
    let mut day = History::new();
    let token = day.login(A);
    let number = day.begin(A, app(Route::Orders, &token));
    day.arrive(number, &own(&[]));
    let id = day.user.id(number + 1);
    day.end(number, Answer::App { status: 200, id });
    day.assert_found(&[Wrong::Identity]);
}

#[test]
fn open_data_of_somebody_else_is_found() {
    let mut day = History::new();
    let token = day.login(A);
    let decrypt = |good| Ask::Decrypt {
        token: token.clone(),
        good,
    };
    day.ask(A, decrypt(true), good(json!({ "openId": OPENID })));
    day.assert_found(&[]);
    day.ask(A, decrypt(true), good(json!({ "openId": "o-of-another" })));
    day.assert_found(&[Wrong::Identity]);
    day.ask(A, decrypt(false), good(json!({ "openId": OPENID })));
    day.assert_found(&[Wrong::Identity, Wrong::Unpromised]);
    day.ask(A, decrypt(true), refused(422, "session_key_stale"));
    assert_eq!(day.found.last(), Some(&Wrong::Lost));
}

#[test]
fn open_data_in_a_body_must_be_the_users_and_leave_the_rest() {
    let sent = json!({ "order": 7, "encryptedData": "sealed", "iv": "iv" }).to_string();
    let right = json!({ "order": 7, "openData": { "openId": OPENID } });
    let mut other = right.clone();
    other["openData"]["openId"] = json!("o-of-another");
    let mut changed = right.clone();
    changed["order"] = json!(8);
    let cases = [
        (right.to_string(), &[][..]),
        (other.to_string(), &[Wrong::Identity]),
        (changed.to_string(), &[Wrong::Changed]),
        (sent.clone(), &[Wrong::Identity]),
    ];
    for (got, expected) in cases {
        let mut day = History::new();
        let token = day.login(A);
        let ask = Ask::App {
            route: Route::Profile,
            token: Some(token),
            body: sent.clone().into_bytes(),
        };
        let number = day.begin(A, ask);
        day.arrive(number, &own(got.as_bytes()));
        day.assert_found(expected);
    }
}

#[test]
fn what_is_refused_must_not_reach_the_app_nor_anything_twice() {
    let mut day = History::new();
    let token = day.login(A);
    day.logout(A, &token, false, ended(1));
    for arrives_first in [true, false] {
        let number = day.begin(A, app(Route::Orders, &token));
        if arrives_first {
            day.arrive(number, &own(&[]));
        }
        day.end(number, refused(401, "invalid_token"));
        if !arrives_first {
            day.arrive(number, &own(&[]));
        }
    }
    day.assert_found(&[Wrong::LetThrough, Wrong::LetThrough]);

    let mut day = History::new();
    let token = day.login(A);
    let number = day.begin(A, app(Route::Orders, &token));
    day.arrive(number, &own(&[]));
    day.arrive(number, &own(&[]));
    day.assert_found(&[Wrong::Twice]);

    let mut day = History::new();
    let ask = Ask::Refused {
        why: Refusal::TwoPaths,
        token: None,
    };
    let number = day.begin(A, ask);
    day.arrive(number, &own(&[]));
    day.end(number, refused(400, "bad_path"));
    day.assert_found(&[Wrong::LetThrough, Wrong::LetThrough]);
}

#[test]
fn what_must_be_refused_gets_its_own_error() {
    let ask = |why| Ask::Refused { why, token: None };
    for why in Refusal::ALL {
        let mut day = History::new();
        let right = match why.expected() {
            (status, Some(error)) => refused(status, error),
            (status, None) => Answer::Strange {
                status,
                said: String::new(),
            },
        };
        day.ask(A, ask(why), right);
        day.assert_found(&[]);
        day.ask(A, ask(why), refused(403, "upgrade_refused"));
        day.assert_found(&[Wrong::Unpromised]);
        let id = day.user.id(2);
        day.ask(A, ask(why), Answer::App { status: 200, id });
        day.assert_found(&[Wrong::Unpromised, Wrong::LetThrough]);
    }
}

#[test]
fn on_the_optional_route_nobody_is_somebody_only_if_the_session_may_be_over() {
    for (status, is_over, expected) in [
        ("invalid", true, &[][..]),
        ("invalid", false, &[Wrong::Lost]),
        ("verified", true, &[Wrong::Identity]),
    ] {
        let mut day = History::new();
        let token = day.login(A);
        if is_over {
            day.logout(A, &token, false, ended(1));
        }
        let number = day.begin(A, app(Route::Feed, &token));
        let status = Some(status.to_owned());
        day.arrive(
            number,
            &Arrived {
                status,
                ..Arrived::default()
            },
        );
        day.assert_found(expected);
    }
}

#[test]
fn an_upload_must_come_whole() {
    for (got, expected) in [(&b"all of it"[..], &[][..]), (b"all of", &[Wrong::Changed])] {
        let mut day = History::new();
        let token = day.login(A);
        let ask = Ask::App {
            route: Route::Upload,
            token: Some(token),
            body: b"all of it".to_vec(),
        };
        let number = day.begin(A, ask);
        day.arrive(number, &own(got));
        day.assert_found(expected);
    }
}

#[test]
fn envoy_speaks_itself_only_for_an_app_that_is_gone() {
    let strange = |status| Answer::Strange {
        status,
        said: "upstream connect error".to_owned(),
    };
    let mut day = History::new();
    let token = day.login(A);
    day.ask(A, app(Route::Orders, &token), strange(503));
    day.assert_found(&[Wrong::EnvoysOwn]);
    day.fault(Fault::Kill(Part::App), 1.0);
    day.ask(A, app(Route::Orders, &token), strange(503));
    day.assert_found(&[Wrong::EnvoysOwn]);
    day.ask(A, Ask::Session { token }, strange(503));
    day.assert_found(&[Wrong::EnvoysOwn; 2]);
}

#[test]
fn no_answer_is_one_only_of_an_edge_that_is_gone() {
    let cases = [
        (Broken::Refused, Fault::Kill(Part::Edge(A)), true),
        (Broken::Refused, Fault::Kill(Part::Edge(B)), false),
        (Broken::Refused, Fault::Freeze(Part::Edge(A)), false),
        (Broken::Refused, Fault::Kill(Part::Redis), false),
        (Broken::Silent, Fault::Freeze(Part::Edge(A)), true),
        (Broken::Silent, Fault::Freeze(Part::Redis), false),
        (
            Broken::Ended { reused: false },
            Fault::Restart(Part::Edge(A)),
            true,
        ),
        (Broken::Ended { reused: true }, Fault::Update(A), true),
        (Broken::Ended { reused: true }, Fault::Update(B), false),
        (Broken::Ended { reused: false }, Fault::Update(A), false),
        (Broken::Tls("expired".to_owned()), Fault::Renew, false),
    ];
    for (broken, fault, is_allowed) in cases {
        let mut day = History::new();
        let token = day.login(A);
        day.fault(fault, 1.0);
        let what = format!("{broken:?}, {fault}");
        day.ask(A, app(Route::Orders, &token), Answer::None(broken));
        let expected = (!is_allowed).then_some(Wrong::NoAnswer);
        assert_eq!(day.found, expected.as_slice(), "{what}");
    }
}

#[test]
fn an_outage_is_counted_when_nothing_explains_it_and_wrong_when_nothing_can() {
    let mut day = History::new();
    let token = day.login(A);
    let orders = || app(Route::Orders, &token);
    day.ask(A, orders(), refused(503, "store_unavailable"));
    assert_eq!(day.unexplained, 1);
    day.fault(Fault::Kill(Part::Webdis(A)), 1.0);
    day.ask(A, orders(), refused(503, "store_unavailable"));
    assert_eq!(day.unexplained, 1);
    day.ask(B, orders(), refused(503, "store_unavailable"));
    assert_eq!(day.unexplained, 2);
    day.assert_found(&[]);
    day.ask(A, orders(), refused(503, "wechat_unavailable"));
    day.ask(A, orders(), refused(500, "internal_error"));
    let public = app(Route::Public, &token);
    day.ask(A, public, refused(503, "store_unavailable"));
    day.assert_found(&[Wrong::Unpromised; 3]);
}

#[test]
fn an_answer_without_the_form_of_all_is_wrong() {
    let mut day = History::new();
    let token = day.login(A);
    let answer = Answer::Misshapen("no msg".to_owned());
    day.ask(A, app(Route::Orders, &token), answer);
    day.assert_found(&[Wrong::Misshapen]);
}

#[test]
fn a_user_who_is_known_is_not_new() {
    let mut day = History::new();
    day.login(A);
    let answer = good(json!({ "token": "y".repeat(43), "event": "new" }));
    day.ask(B, Ask::Login { old: None }, answer);
    day.assert_found(&[Wrong::Lost]);
}
