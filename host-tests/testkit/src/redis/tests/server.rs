//! The server: rights, memory, death and return.

use super::{PATIENCE, lives};
use crate::redis::{Login, Server, Value, resp};

fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

fn error(server: &Server, login: Option<&Login>, command: &[&str]) -> String {
    let mut connection = match resp::connect(server.addr(), login, PATIENCE) {
        Ok(connection) => connection,
        Err(error) => return error.to_string(),
    };
    match resp::ask(&mut connection, command).unwrap() {
        Value::ServerError(error) => resp::error_text(&error),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_server_answers_and_is_gone_when_dropped() {
    let server = Server::start().unwrap();
    server.command(&["SET", "key", "a/b %"]).unwrap();
    assert_eq!(text(&server.command(&["GET", "key"]).unwrap()), "a/b %");
    assert_eq!(server.command(&["GET", "none"]).unwrap(), Value::Nil);
    assert!(server.command(&["GET"]).is_err());
    let (pid, addr) = (server.pid(), server.addr());
    assert!(lives(pid));
    drop(server);
    assert!(!lives(pid) && std::net::TcpStream::connect(addr).is_err());
}

#[test]
fn a_password_and_acl_users_bind_others_but_not_us() {
    let server = Server::options()
        .password("pw")
        .acl("user app on >secret ~s:* +get +set")
        .start()
        .unwrap();
    let app = Login::new("app", "secret");
    assert_eq!(
        error(&server, None, &["GET", "s:1"]),
        "NOAUTH Authentication required."
    );
    assert_eq!(error(&server, Some(&app), &["SET", "s:1", "v"]), "ok");
    assert!(error(&server, Some(&app), &["SET", "u:1", "v"]).starts_with("NOPERM"));
    assert!(
        error(&server, Some(&Login::new("default", "no")), &["PING"]).contains("Authentication")
    );
    server.set_acl("user app reset on >secret ~* +get").unwrap();
    assert!(error(&server, Some(&app), &["SET", "s:1", "v"]).starts_with("NOPERM"));
    assert_eq!(text(&server.command(&["GET", "s:1"]).unwrap()), "v");
}

#[test]
fn a_full_server_refuses_writes() {
    let server = Server::options()
        .maxmemory("1kb", "noeviction")
        .start()
        .unwrap();
    assert!(error(&server, None, &["SET", "key", "v"]).starts_with("OOM "));
    server.config_set("maxmemory", "0").unwrap();
    assert_eq!(error(&server, None, &["SET", "key", "v"]), "ok");
}

#[test]
fn what_was_saved_survives_a_kill_and_what_was_not_is_lost() {
    let server = Server::start().unwrap();
    server.command(&["SET", "saved", "1"]).unwrap();
    let dump = server.save_rdb().unwrap();
    assert!(std::fs::read(dump).unwrap().starts_with(b"REDIS"));
    server.command(&["SET", "unsaved", "1"]).unwrap();
    let (addr, pid) = (server.addr(), server.pid());
    server.kill9();
    assert!(server.command(&["PING"]).is_err() && !lives(pid));
    server.restart(false).unwrap();
    assert_eq!(server.addr(), addr);
    assert_eq!(text(&server.command(&["GET", "saved"]).unwrap()), "1");
    assert_eq!(server.command(&["GET", "unsaved"]).unwrap(), Value::Nil);
}

#[test]
fn a_restart_keeps_what_is_there_unless_it_is_to_be_empty() {
    let server = Server::start().unwrap();
    server.command(&["SET", "key", "1"]).unwrap();
    server.restart(false).unwrap();
    assert_eq!(text(&server.command(&["GET", "key"]).unwrap()), "1");
    server.restart(true).unwrap();
    assert_eq!(server.command(&["DBSIZE"]).unwrap(), Value::Int(0));
}

#[test]
fn a_frozen_server_answers_nothing_until_it_is_continued() {
    let server = Server::start().unwrap();
    let login = None;
    let mut connection = resp::connect(server.addr(), login, super::IMPATIENCE).unwrap();
    server.stop_process().unwrap();
    assert!(
        resp::ask(&mut connection, &["PING"])
            .unwrap_err()
            .is_timeout()
    );
    server.continue_process().unwrap();
    server.command(&["PING"]).unwrap();
    server.stop_process().unwrap();
    let pid = server.pid();
    drop(server);
    assert!(!lives(pid), "a frozen one must be gone too");
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let error = Server::options()
        .setting("maxmemory", "lots")
        .start()
        .unwrap_err();
    assert!(
        format!("{error:#}").contains("argument must be a memory value"),
        "{error:#}"
    );
}
