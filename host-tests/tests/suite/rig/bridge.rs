//! Redis behind its two HTTP bridges, in memory: the few commands that the store sends, as strict as the real ones.
//! For hosts whose time is not real; the real servers are in `host_tests::redis`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What the environment holds for the stores.
pub const TOKEN: (&str, &str) = ("WX_STORE_TOKEN", "a-store-token");
pub const BASIC_AUTH: (&str, &str) = ("WX_WEBDIS_AUTH", "edge:webdis-password");
/// `BASIC_AUTH` as RFC 7617 has it.
const BASIC: &str = "Basic ZWRnZTp3ZWJkaXMtcGFzc3dvcmQ=";

/// The store in a plugin configuration.
pub fn rest() -> Value {
    json!({ "kind": "redis_rest", "token": { "env": TOKEN.0 } })
}

/// The store in a plugin configuration.
pub fn webdis() -> Value {
    json!({ "kind": "webdis", "basic_auth": { "env": BASIC_AUTH.0 } })
}

/// One Redis; clones share it.
#[derive(Clone, Debug, Default)]
pub struct FakeBridge(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<String, (String, u64)>,
    requests: Vec<String>,
    down: bool,
    /// webdis' answer to the request before, and whether the next one gets it.
    last: String,
    late: bool,
}

impl FakeBridge {
    /// Every request is answered as a proxy does for an upstream that is not there.
    pub fn fail(&self, down: bool) {
        self.0.lock().unwrap().down = down;
    }

    /// webdis gives its next requests the answer of the request before (seen with late answers), or no longer.
    pub fn answer_late(&self, late: bool) {
        self.0.lock().unwrap().late = late;
    }

    /// What another edge, or an operator, may do at any time.
    pub fn delete_all(&self) {
        self.0.lock().unwrap().entries.clear();
    }

    /// The first words of the commands of each request since the last look.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    /// Answers one request: status and body. `now` is in milliseconds.
    pub fn answer(
        &self,
        path: &str,
        content_type: &str,
        authorization: &str,
        body: &[u8],
        now: u64,
    ) -> (u16, String) {
        let mut inner = self.0.lock().unwrap();
        if inner.down {
            return (503, "upstream connect error".into());
        }
        let body = std::str::from_utf8(body).unwrap();
        if path == "/pipeline" {
            inner.rest(content_type, authorization, body, now)
        } else {
            let callback = path.strip_prefix("/?jsonp=").unwrap();
            let (status, body) = inner.webdis(authorization, body, now);
            let answer = if status == 200 {
                format!("{callback}({body});")
            } else {
                body
            };
            let last = std::mem::replace(&mut inner.last, answer.clone());
            (status, if inner.late { last } else { answer })
        }
    }
}

impl Inner {
    fn rest(
        &mut self,
        content_type: &str,
        authorization: &str,
        body: &str,
        now: u64,
    ) -> (u16, String) {
        if authorization != format!("Bearer {}", TOKEN.1) {
            return (401, json!({ "error": "Unauthorized" }).to_string());
        }
        assert_eq!(content_type, "application/json");
        let commands: Vec<Vec<String>> = serde_json::from_str(body).unwrap();
        self.note(&commands);
        let answer = |command: &Vec<String>| match self.run(command, now) {
            Ok(result) => json!({ "result": result }),
            Err(error) => json!({ "error": error }),
        };
        let answers: Vec<Value> = commands.iter().map(answer).collect();
        (200, json!(answers).to_string())
    }

    /// A status comes as `[true, "OK"]`, an error as `[false, …]`.
    fn webdis(&mut self, authorization: &str, body: &str, now: u64) -> (u16, String) {
        if authorization != BASIC {
            return (403, String::new());
        }
        let command: Vec<String> = body.split('/').map(decoded).collect();
        self.note(std::slice::from_ref(&command));
        let value = match self.run(&command, now) {
            Ok(Value::String(status)) if command[0] == "SET" => json!([true, status]),
            Ok(value) => value,
            Err(error) => json!([false, error]),
        };
        (200, json!({ (command[0].clone()): value }).to_string())
    }

    fn note(&mut self, commands: &[Vec<String>]) {
        let names: Vec<&str> = commands.iter().map(|command| &*command[0]).collect();
        self.requests.push(names.join(" "));
    }

    fn run(&mut self, command: &[String], now: u64) -> Result<Value, String> {
        self.entries.retain(|_, (_, expires_at)| now < *expires_at);
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match *words {
            ["GET", key] => Ok(json!(self.get(key))),
            ["SET", key, value, "PX", span] => self.set(key, value, span, now),
            ["SET", key, _, "PX", _, "NX"] if self.entries.contains_key(key) => Ok(Value::Null),
            ["SET", key, value, "PX", span, "NX"] => self.set(key, value, span, now),
            ["EVAL", script, "1", key, expected, value, span] => {
                assert!(script.starts_with("if redis.call('GET',KEYS[1])==ARGV[1] then"));
                if self.get(key) != Some(expected) {
                    return Ok(json!(0));
                }
                self.set(key, value, span, now).map(|_| json!(1))
            }
            ["DEL", key] => Ok(json!(u8::from(self.entries.remove(key).is_some()))),
            _ => Err(format!("ERR unknown command {words:?}")),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|(value, _)| value.as_str())
    }

    fn set(&mut self, key: &str, value: &str, span: &str, now: u64) -> Result<Value, String> {
        let span: u64 = span.parse().map_err(|_| "ERR value is not an integer")?;
        if span == 0 {
            return Err("ERR invalid expire time in 'set' command".into());
        }
        self.entries.insert(key.into(), (value.into(), now + span));
        Ok(json!("OK"))
    }
}

/// Percent-decoding, as webdis does with each argument.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: Option<u8>| (digit.unwrap() as char).to_digit(16).unwrap();
        bytes.push(match byte {
            b'%' => u8::try_from(hex(rest.next()) * 16 + hex(rest.next())).unwrap(),
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}
