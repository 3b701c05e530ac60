//! Answers that take long, and apps that close idle connections: what the shipped configuration cuts, and what not.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::client::{Connection, Request, Response};
use testkit::envoy::Config;
use testkit::fakes::awkward_app::{AwkwardApp, Habits};

use crate::rig::envoy_world::{EnvoyWorld, with_token};

/// Where the time for the beginning of an answer stands.
const PER_TRY: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0/route/retry_policy/per_try_timeout";

const NEVER: Duration = Duration::from_secs(3600);

fn edge_before(app: &AwkwardApp, change: impl FnOnce(Config) -> Config) -> EnvoyWorld {
    EnvoyWorld::with(|config| change(config.endpoint("app", app.addr())))
}

fn send(edge: &EnvoyWorld, request: &Request) -> Response {
    let mut connection = Connection::open(edge.envoy.addr(), Duration::from_secs(60)).unwrap();
    connection.send(request).unwrap()
}

#[track_caller]
fn assert_whole_download(answer: &Response, app: &AwkwardApp) {
    let got = (answer.status, answer.body.len());
    assert_eq!(got, (200, app.download_bytes()));
}

/// Route timeouts were 15 s, which is also what Envoy has where none is written.
#[test]
fn a_slow_download_and_an_event_stream_are_not_cut() {
    let app = AwkwardApp::start(Habits {
        takes: Duration::from_secs(17),
        keeps_alive: NEVER,
    });
    let edge = edge_before(&app, |config| config);
    let token = edge.login("a");
    let with_token = |path: &str| Request::get(path).header("x-wx-skey", &token);
    thread::scope(|scope| {
        let download = scope.spawn(|| send(&edge, &with_token("/download")));
        let public = scope.spawn(|| send(&edge, &Request::get("/public/events")));
        let events = send(&edge, &with_token("/events"));
        for answer in [events, public.join().unwrap()] {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.text().matches("data: ").count(), app.events());
        }
        assert_whole_download(&download.join().unwrap(), &app);
    });
    for entry in edge.access_log(4) {
        assert_eq!(entry["flags"], json!("-"), "{entry}");
    }
}

/// The time that an app has is that to the first byte, from the last one of the request: shortened here.
#[test]
fn an_app_that_never_begins_to_answer_is_given_up_and_one_that_has_begun_is_not() {
    let app = AwkwardApp::start(Habits {
        takes: Duration::from_secs(3),
        keeps_alive: NEVER,
    });
    let edge = edge_before(&app, |mut config| {
        let per_try: &mut Value = config.document.pointer_mut(PER_TRY).unwrap();
        assert_eq!(*per_try, json!("60s"));
        *per_try = json!("1s");
        config
    });
    let started = Instant::now();
    assert_eq!(send(&edge, &Request::get("/public/silent")).status, 504);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_whole_download(&send(&edge, &Request::get("/public/download")), &app);

    // An upload that takes longer than that.
    let mut slow = edge.connect();
    let upload = Request::post("/public/up").header("content-length", "3");
    slow.write_head(&upload).unwrap();
    for piece in ["a", "b", "c"] {
        thread::sleep(Duration::from_millis(700));
        slow.write(piece.as_bytes()).unwrap();
    }
    assert_eq!(slow.read_response("POST").unwrap().status, 200);
}

/// As Node.js does after 5 s and gunicorn after 2. Envoy itself has to close first.
#[test]
fn a_request_after_the_apps_keep_alive_is_answered() {
    let app = AwkwardApp::start(Habits {
        takes: Duration::ZERO,
        keeps_alive: Duration::from_millis(1500),
    });
    let edge = edge_before(&app, |config| config);
    let token = edge.login("a");
    assert_eq!(edge.send(&with_token(&token)).status, 200);
    for pause in [1600, 1900] {
        thread::sleep(Duration::from_millis(pause));
        let upload = Request::post("/up").header("x-wx-skey", &token);
        let answer = edge.send(&upload.body("x"));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
