//! What reaches the app: as whom, how often, and what of it.

use serde_json::json;

use super::*;
use crate::ask::Refusal;
use crate::weather::EdgeName::A;

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
