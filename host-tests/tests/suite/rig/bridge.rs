//! Redis behind its two HTTP bridges, in memory: the few commands that the store sends, as strict as the real ones.
//! For hosts whose time is not real; the real servers are in `testkit::redis`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What the environment holds for the stores.
pub const TOKEN: (&str, &str) = ("WX_STORE_TOKEN", "a-store-token");
pub const BASIC_AUTH: (&str, &str) = ("WX_WEBDIS_AUTH", "edge:webdis-password");
/// `BASIC_AUTH` as RFC 7617 has it.
const BASIC: &str = "Basic ZWRnZTp3ZWJkaXMtcGFzc3dvcmQ=";

/// How a database with read replicas says what it has, and is told what is to be there.
const SYNC_TOKEN: &str = "upstash-sync-token";

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

type Entries = BTreeMap<String, (String, u64)>;

#[derive(Debug, Default)]
struct Inner {
    entries: Entries,
    /// How late a replica hears of what the primary took, in milliseconds; what it was after each request that may
    /// write, with the time of that.
    lag: Option<u64>,
    states: Vec<(u64, Entries)>,
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

    /// From now on a GET through the REST dialect is answered by a replica that hears of everything so much later, or
    /// by one that is as far as the request's `upstash-sync-token` says.
    pub fn replicate(&self, lag_ms: u64) {
        self.0.lock().unwrap().lag = Some(lag_ms);
    }

    /// What another edge, or an operator, may do at any time.
    pub fn delete_all(&self) {
        self.0.lock().unwrap().entries.clear();
    }

    /// Everything that it holds: names and values.
    pub fn values(&self) -> BTreeMap<String, String> {
        let inner = self.0.lock().unwrap();
        let values = inner.entries.iter();
        values
            .map(|(name, (value, _))| (name.clone(), value.clone()))
            .collect()
    }

    /// What another edge may do at any time: of each value this is made, of the same name and life.
    pub fn rewrite(&self, change: impl Fn(&str, &str) -> String) {
        for (name, (value, _)) in &mut self.0.lock().unwrap().entries {
            *value = change(name, value);
        }
    }

    /// The first words of the commands of each request since the last look.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    /// Answers one request: status, body and sync token. `header` gives the request's own, `now` is in milliseconds.
    pub fn answer<'a>(
        &self,
        path: &str,
        header: impl Fn(&str) -> &'a str,
        body: &[u8],
        now: u64,
    ) -> (u16, String, Option<String>) {
        let mut inner = self.0.lock().unwrap();
        if inner.down {
            return (503, "upstream connect error".into(), None);
        }
        let body = std::str::from_utf8(body).unwrap();
        let authorization = header("authorization");
        if path == "/pipeline" {
            let sync_token = header(SYNC_TOKEN);
            let (status, body) =
                inner.rest(header("content-type"), authorization, sync_token, body, now);
            let told = inner.lag.map(|_| format!("state={}", inner.states.len()));
            (status, body, told)
        } else {
            let (command, callback) = path.split_once("?jsonp=").unwrap();
            let command = match command.strip_prefix('/').unwrap() {
                "" => body,
                command => {
                    assert_eq!(body, "", "a GET has its command in the path");
                    command
                }
            };
            let (status, body) = inner.webdis(authorization, command, now);
            let answer = if status == 200 {
                format!("{callback}({body});")
            } else {
                body
            };
            let last = std::mem::replace(&mut inner.last, answer.clone());
            (status, if inner.late { last } else { answer }, None)
        }
    }
}

impl Inner {
    fn rest(
        &mut self,
        content_type: &str,
        authorization: &str,
        sync_token: &str,
        body: &str,
        now: u64,
    ) -> (u16, String) {
        if authorization != format!("Bearer {}", TOKEN.1) {
            return (401, json!({ "error": "Unauthorized" }).to_string());
        }
        assert_eq!(content_type, "application/json");
        let commands: Vec<Vec<String>> = serde_json::from_str(body).unwrap();
        self.note(&commands);
        let lag = self.lag.unwrap_or(0);
        let from_replica = self.lag.is_some() && commands.iter().all(|command| command[0] == "GET");
        let primary = from_replica.then(|| {
            let seen = sync_token.strip_prefix("state=");
            let seen = seen.map_or(0, |number| number.parse::<usize>().unwrap());
            let heard = |(at, _): &&(u64, Entries)| at + lag <= now;
            let heard = self.states.iter().take_while(heard).count();
            let state = seen.max(heard).checked_sub(1);
            let replica = state.map_or_else(Entries::new, |state| self.states[state].1.clone());
            std::mem::replace(&mut self.entries, replica)
        });
        let answers: Vec<Value> = commands
            .iter()
            .map(|command| match self.run(command, now) {
                Ok(result) => json!({ "result": result }),
                Err(error) => json!({ "error": error }),
            })
            .collect();
        match primary {
            Some(primary) => self.entries = primary,
            None if self.lag.is_some() => self.states.push((now, self.entries.clone())),
            None => {}
        }
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
            ["EVAL", "return redis.call('GET',KEYS[1])", "1", key] => Ok(json!(self.get(key))),
            ["EVAL", script, "1", key, expected, value, span] => {
                let head = "local v=redis.call('GET',KEYS[1]) if (v or '*')==ARGV[1] then";
                assert!(script.starts_with(head));
                match self.get(key) {
                    found if found.unwrap_or("*") == expected => {
                        self.set(key, value, span, now).map(|_| json!(1))
                    }
                    found => Ok(found.map_or(json!(0), |found| json!(found))),
                }
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
