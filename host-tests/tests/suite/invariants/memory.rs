//! The module's own memory: what a worker holds at rest, and that no number of requests makes it hold more.
//! Never looks at what Envoy holds around it.

use std::time::Duration;

use serde_json::json;

use crate::rig::wasm_world::WasmWorld;
use crate::rig::{Ask, Login, Rig};

/// What a worker may hold in its VM, in bytes.
const MOST: u64 = 2 << 20;

const PAGE: u64 = 64 << 10;

/// Sessions that take turns: more than the worker's cache holds, so that it fills and forgets.
const SESSIONS: usize = 1100;

/// A login, a decryption, a refusal, a token that nobody issued and a logout among each hundred session checks.
const MIX: u64 = 100;

struct Crowd {
    stage: WasmWorld,
    tokens: Vec<String>,
    asked: u64,
}

impl Crowd {
    fn new() -> Self {
        let mut stage = WasmWorld::new(&json!({}));
        let tokens = (0..SESSIONS)
            .map(|number| login(&mut stage, number))
            .collect();
        Self {
            stage,
            tokens,
            asked: 0,
        }
    }

    fn bytes(&mut self) -> u64 {
        self.stage.rig.vm.memory_pages() * PAGE
    }

    /// Sends so many requests, with some time between them.
    fn run(&mut self, requests: u64) {
        for _ in 0..requests {
            self.asked += 1;
            let at = usize::try_from(self.asked).unwrap() * 7919 % SESSIONS;
            self.one(at);
            if self.asked.is_multiple_of(1000) {
                self.stage.rig.advance(Duration::from_secs(1));
                self.stage.rig.vm.forget_the_past();
            }
        }
    }

    fn one(&mut self, at: usize) {
        let token = &self.tokens[at];
        let (ask, status) = match self.asked % MIX {
            0 => {
                self.tokens[at] = login(&mut self.stage, at);
                return;
            }
            20 => {
                let data = self.stage.wechat.phone(&format!("user{at}")).user_info();
                let body = json!({ "encryptedData": data.encrypted_data, "iv": data.iv });
                (Ask::post("/wx/decrypt", &body).token(token), 200)
            }
            40 => (Ask::get("/api/orders"), 401),
            60 => (Ask::get("/api/orders").token(&"F".repeat(43)), 401),
            80 => {
                let out = Ask::post("/wx/logout", &json!({})).token(token);
                assert_eq!(self.stage.rig.ask(vec![out])[0].status, 200);
                self.tokens[at] = login(&mut self.stage, at);
                return;
            }
            _ => (Ask::get("/api/orders").token(token), 200),
        };
        assert_eq!(self.stage.rig.ask(vec![ask])[0].status, status);
    }
}

fn login(stage: &mut WasmWorld, number: usize) -> String {
    let code = stage.wechat.phone(&format!("user{number}")).login();
    let ask = Ask::post("/wx/login", &json!({ "code": code }));
    Login::from(&stage.rig.ask(vec![ask])[0]).token
}

/// Sends `requests` after a tenth of that, and at least so many that each session has had its turn more than once: what
/// is held then is held to the end. Says what is held when.
fn assert_flat(requests: u64) {
    let at_rest = WasmWorld::new(&json!({})).rig.vm.memory_pages() * PAGE;
    let mut crowd = Crowd::new();
    crowd.run((requests / 10).max(3 * SESSIONS as u64));
    let early = crowd.bytes();
    crowd.run(requests);
    let late = crowd.bytes();
    let asked = crowd.asked;
    println!("memory {at_rest} {early} {late} {asked}");
    assert!(at_rest <= MOST, "{at_rest} bytes at rest");
    assert_eq!(late, early, "the memory grew in {requests} requests");
    assert!(late <= MOST, "{late} bytes under load");
}

#[test]
fn a_worker_holds_no_more_after_thousands_of_requests() {
    assert_flat(10_000);
}

#[test]
#[ignore = "takes minutes: `cargo xtask bench` runs it"]
fn a_worker_holds_no_more_after_a_million_requests() {
    assert_flat(1_000_000);
}
