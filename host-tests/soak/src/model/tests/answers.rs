//! Answers: whose words they are, and whether a fault explains them.

use super::*;
use crate::answer::Broken;
use crate::ask::Refusal;
use crate::weather::EdgeName::{A, B};
use crate::weather::Part;

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
