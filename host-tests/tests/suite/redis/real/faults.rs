//! The fault matrix on real servers: whatever breaks behind the edge, nobody passes, nobody is told to log in anew,
//! an answer comes in time, and the edge recovers by itself.
//! Which answers of Redis are good is not decided here: the core's own tests know every shape.

mod answers;

use std::time::{Duration, Instant};

use testkit::client::{Connection, send};
use testkit::redis::{FaultyProxy, Login as RedisLogin, RestServer, Server, Webdis};

use super::trial::{Hurts, TIMED_OUT, Trial, recovered};
use crate::rig::backend::{Backend, Bridge};
use crate::rig::{assert_unavailable, bridge, relogin_refusal};

/// Something that happens to Redis, what it keeps from working and what the log may say of it (webdis, REST), and its
/// end.
struct Case {
    name: &'static str,
    hurts: [Hurts; 2],
    problems: [&'static [&'static str]; 2],
    strike: fn(&Backend),
    mend: fn(&Backend),
}

const PATIENCE: Duration = Duration::from_secs(5);
const IMPATIENCE: Duration = Duration::from_millis(100);

const DOWN: [&str; 2] = [
    "HTTP 503",
    "HTTP 500: SRH: Unable to connect to the Redis server. See SRH logs for more information.",
];

const CASES: [Case; 9] = [
    Case {
        name: "Redis killed",
        hurts: [Hurts::Everything; 2],
        problems: [&[DOWN[0]], &[DOWN[1]]],
        strike: |backend| {
            backend.redis.save_rdb().unwrap();
            backend.redis.kill9();
        },
        mend: |backend| backend.redis.restart(false).unwrap(),
    },
    Case {
        name: "Redis frozen",
        hurts: [Hurts::Everything; 2],
        problems: [&[TIMED_OUT]; 2],
        strike: |backend| backend.redis.stop_process().unwrap(),
        mend: |backend| {
            backend.redis.continue_process().unwrap();
            take_late_answers(backend);
        },
    },
    Case {
        name: "GET forbidden",
        hurts: [Hurts::Everything; 2],
        // What a worker has just written it reads by a script.
        problems: [&[
            "NOPERM this user has no permissions to run the 'get' command",
            "ERR The user executing the script can't run this command or subcommand",
        ]; 2],
        strike: |backend| may(backend, "-get"),
        mend: open,
    },
    Case {
        name: "keys forbidden",
        hurts: [Hurts::Everything; 2],
        problems: [&[
            "NOPERM this user has no permissions to access one of the keys used as arguments",
        ]; 2],
        strike: |backend| may(backend, "resetkeys ~other:*"),
        mend: open,
    },
    Case {
        name: "password needed, none given",
        hurts: [Hurts::Everything; 2],
        problems: [&["NOAUTH Authentication required."]; 2],
        strike: |backend| {
            may(backend, "resetpass >secret");
            drop_connections(backend, true);
        },
        mend: open,
    },
    Case {
        name: "SET forbidden",
        hurts: [Hurts::Writes; 2],
        problems: [&["NOPERM this user has no permissions to run the 'set' command"]; 2],
        strike: |backend| may(backend, "-set"),
        mend: open,
    },
    Case {
        name: "EVAL forbidden",
        // Before a database that may have replicas, what this worker has just written is read by a script.
        hurts: [Hurts::Writes, Hurts::WritesAndLookUps],
        problems: [&["NOPERM this user has no permissions to run the 'eval' command"]; 2],
        strike: |backend| may(backend, "-eval"),
        mend: open,
    },
    Case {
        name: "memory full",
        hurts: [Hurts::Writes; 2],
        problems: [&["OOM command not allowed when used memory > 'maxmemory'."]; 2],
        strike: |backend| backend.redis.config_set("maxmemory", "1kb").unwrap(),
        mend: |backend| backend.redis.config_set("maxmemory", "0").unwrap(),
    },
    Case {
        name: "Redis has become a replica",
        hurts: [Hurts::Writes; 2],
        problems: [&["READONLY You can't write against a read only replica."]; 2],
        strike: |backend| command(backend, &["REPLICAOF", "127.0.0.1", "1"]),
        mend: |backend| command(backend, &["REPLICAOF", "NO", "ONE"]),
    },
];

#[test]
fn whatever_happens_to_redis_behind_webdis_is_an_outage_and_passes() {
    survives_all(Trial::direct(("webdis", Backend::webdis())), 0);
}

#[test]
fn whatever_happens_to_redis_behind_rest_is_an_outage_and_passes() {
    survives_all(Trial::direct(("redis_rest", Backend::rest())), 1);
}

fn survives_all(mut trial: Trial, dialect: usize) {
    for case in CASES {
        let problems = case.problems[dialect];
        trial.survives(
            case.name,
            case.hurts[dialect],
            problems,
            case.strike,
            case.mend,
        );
    }
    loses_everything(&mut trial);
    trial.assert_log_is_clean();
}

/// Changes what the bridge may do.
fn may(backend: &Backend, rules: &str) {
    backend
        .redis
        .set_acl(&format!("user default {rules}"))
        .unwrap();
}

fn open(backend: &Backend) {
    may(backend, "reset on nopass ~* &* +@all");
}

/// webdis gives late answers to whoever comes next (see `webdis_gives_a_late_answer_to_whoever_comes_next`); the plugin
/// takes them for an outage, which is over when they are.
fn take_late_answers(backend: &Backend) {
    let Bridge::Webdis(webdis) = &backend.bridge else {
        return;
    };
    for _ in 0..32 {
        drop(send(
            webdis.addr(),
            &webdis.request("GET/nothing"),
            PATIENCE,
        ));
    }
}

fn command(backend: &Backend, command: &[&str]) {
    backend.redis.command(command).unwrap();
}

/// Connections keep their login until they are closed. webdis opens them again by itself, the other when it is asked.
fn drop_connections(backend: &Backend, until_they_are_back: bool) {
    let count = || {
        let list = backend.redis.command(&["CLIENT", "LIST", "TYPE", "normal"]);
        format!("{:?}", list.unwrap()).matches("addr=").count()
    };
    let before = count();
    command(backend, &["CLIENT", "KILL", "TYPE", "normal"]);
    while until_they_are_back && matches!(backend.bridge, Bridge::Webdis(_)) && count() < before {
        std::thread::yield_now();
    }
}

#[test]
fn a_redis_whose_password_was_changed_is_an_outage() {
    let password = "the-first-password";
    let redis = || Server::options().password(password).start().unwrap();
    let (user, secret) = bridge::BASIC_AUTH.1.split_once(':').unwrap();
    let behind_webdis = redis();
    let webdis = Webdis::options(behind_webdis.addr())
        .redis_password(password)
        .basic_auth(user, secret)
        .start()
        .unwrap();
    let behind_rest = redis();
    let login = RedisLogin::new("default", password);
    let rest = RestServer::start_as(behind_rest.addr(), bridge::TOKEN.1, Some(login));
    // webdis takes such a connection for none, or sends commands on it before it knows.
    let of_webdis = [DOWN[0], "NOAUTH Authentication required."];
    let of_rest = [DOWN[1]];
    for (name, problems, redis, bridge) in [
        (
            "webdis",
            &of_webdis[..],
            behind_webdis,
            Bridge::Webdis(webdis),
        ),
        ("redis_rest", &of_rest, behind_rest, Bridge::Rest(rest)),
    ] {
        let proxy = FaultyProxy::start(redis.addr());
        let backend = Backend {
            proxy,
            bridge,
            redis,
            _replica: None,
        };
        Trial::direct((name, backend)).survives(
            "wrong password",
            Hurts::Everything,
            problems,
            |backend| {
                may(backend, "resetpass >the-second-password");
                drop_connections(backend, false);
            },
            |backend| may(backend, "resetpass >the-first-password"),
        );
    }
}

/// Then all sessions are gone, and the clients are told so as soon as Redis can be asked.
fn loses_everything(trial: &mut Trial) {
    let name = format!("{} | Redis restarted without data", trial.kind);
    trial.backend.redis.kill9();
    trial.assert_unavailable(&name);
    trial.backend.redis.restart(true).unwrap();
    let mended = Instant::now();
    let got = trial.in_the_end(&name, Trial::check);
    recovered(&name, mended);
    relogin_refusal(&got, 401, "invalid_token");
    trial.log_in_the_owner();
    trial.assert_passes();
}

#[test]
fn webdis_may_be_killed_frozen_and_restarted() {
    fn webdis(backend: &Backend) -> &Webdis {
        match &backend.bridge {
            Bridge::Webdis(webdis) => webdis,
            Bridge::Rest(_) => unreachable!(),
        }
    }
    let mut trial = Trial::direct(("webdis", Backend::webdis()));
    trial.survives(
        "webdis killed",
        Hurts::Everything,
        &[DOWN[0]],
        |backend| webdis(backend).kill9(),
        |backend| webdis(backend).restart().unwrap(),
    );
    trial.survives(
        "webdis frozen",
        Hurts::Everything,
        &[TIMED_OUT],
        |backend| webdis(backend).stop_process().unwrap(),
        |backend| {
            webdis(backend).continue_process().unwrap();
            take_late_answers(backend);
        },
    );
    webdis(&trial.backend).restart().unwrap();
    let restarted = Instant::now();
    trial.assert_passes();
    recovered("webdis | webdis restarted between two requests", restarted);
}

/// Why each call to webdis carries a nonce: an answer goes to the file descriptor of its request, whoever has that by then.
/// Who that is, the kernel says: on a busy machine not each time the next one.
#[test]
fn webdis_gives_a_late_answer_to_whoever_comes_next() {
    let redis = Server::start().unwrap();
    let webdis = Webdis::start(redis.addr()).unwrap();
    redis.command(&["SET", "k", "v"]).unwrap();
    let next_is_told = || {
        redis.stop_process().unwrap();
        let in_vain = send(webdis.addr(), &webdis.request("GET/k"), IMPATIENCE);
        assert!(in_vain.is_err());
        // Takes the place of the first one, once webdis has seen that it is gone.
        std::thread::sleep(IMPATIENCE);
        let mut next = Connection::open(webdis.addr(), 4 * IMPATIENCE).unwrap();
        std::thread::sleep(IMPATIENCE);
        redis.continue_process().unwrap();
        let unasked = next.read_response("POST");
        unasked.is_ok_and(|unasked| unasked.text() == r#"{"GET":"v"}"#)
    };
    assert!((0..10).any(|_| next_is_told()));
}

#[test]
fn an_edge_with_wrong_credentials_is_down_and_the_others_are_not() {
    for (kind, backend) in Backend::both() {
        let mut trial = Trial::direct((kind, backend));
        let redis = trial.backend.redis.addr();
        let (elsewhere, problem) = match kind {
            "webdis" => {
                let webdis = Webdis::options(redis).basic_auth("edge", "another");
                (Bridge::Webdis(webdis.start().unwrap()), "HTTP 403")
            }
            _ => {
                let rest = RestServer::start(redis, "another-token");
                (Bridge::Rest(rest), "HTTP 401: Unauthorized")
            }
        };
        let right_bridge = std::mem::replace(&mut trial.backend.bridge, elsewhere);
        let wrong = trial.another_edge();
        let right = std::mem::replace(&mut trial.edge, wrong);
        let name = format!("{kind} | wrong credentials");
        trial.assert_unavailable(&name);
        let code = trial.code();
        assert_unavailable(&trial.login(&code), &name);
        trial.assert_logged(&name, &[problem]);
        trial.assert_log_is_clean();

        trial.edge = right;
        trial.assert_passes();
        let got = trial.in_the_end(&name, |trial| trial.login(&code));
        trial.logged_in(&got);
        drop(right_bridge);
    }
}
