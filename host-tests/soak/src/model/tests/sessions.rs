//! Sessions: which must be there, which must not, and which may.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::answer::Broken;
use crate::rules::{ABSOLUTE, CACHE, IDLE, MAX_FAILURES, MAX_PER_USER};
use crate::weather::EdgeName::{A, B};
use crate::weather::Part;

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
fn a_user_who_is_known_is_not_new() {
    let mut day = History::new();
    day.login(A);
    let answer = good(json!({ "token": "y".repeat(43), "event": "new" }));
    day.ask(B, Ask::Login { old: None }, answer);
    day.assert_found(&[Wrong::Lost]);
}
