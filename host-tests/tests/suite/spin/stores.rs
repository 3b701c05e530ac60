//! The stores that Spin has, held to the conformance suite: the plugin's own code in a component that does as it is
//! told over HTTP (`host-tests/spin-store`). What runs at once is at once in one instance.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use spin_host::{Manifest, SpinHost, Upstream};
use testkit::client::{self, Request};
use testkit::redis::Server;
use wx_session_core::UnixMillis;
use wx_session_core::store::{Change, Key, Life, Space, Store, StoreError, Write, Written};

use crate::rig::spin_world::TIMEOUT;
use crate::store::conformance::Subject;

/// The store in the component, seen from here.
pub struct Probe {
    spin: SpinHost,
}

impl Probe {
    fn start(variables: &[(&str, &str)], change: impl FnOnce(&mut Manifest)) -> Self {
        static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
        let component =
            BUILT.get_or_init(|| spin_host::components::component("spin-store").unwrap());
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut manifest = Manifest {
            variables: variables.iter().map(owned).collect(),
            ..Manifest::default()
        };
        change(&mut manifest);
        Self {
            spin: SpinHost::start(component, manifest).unwrap(),
        }
    }

    /// On a thread of its own, so that others may go on.
    async fn ask(&self, operation: Value) -> Result<Value, StoreError> {
        let answer = self.answer(operation).await;
        match answer.get("error") {
            None => Ok(answer["value"].clone()),
            Some(error) => panic!("{error}: {}", self.spin.log()),
        }
    }

    async fn answer(&self, operation: Value) -> Value {
        let addr = self.spin.addr();
        let mut asked: Option<JoinHandle<Value>> = None;
        std::future::poll_fn(|context| {
            let Some(thread) = asked.take() else {
                let (waker, operation) = (context.waker().clone(), operation.clone());
                asked = Some(std::thread::spawn(move || {
                    // Also if the exchange fails.
                    let _woken = WakeAtEnd(waker);
                    let request = Request::post("/").json(&operation);
                    let answer = client::send(addr, &request, TIMEOUT).unwrap();
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    answer.json().unwrap()
                }));
                return Poll::Pending;
            };
            if !thread.is_finished() {
                asked = Some(thread);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(thread.join().unwrap())
        })
        .await
    }
}

struct WakeAtEnd(std::task::Waker);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}

fn key(key: &Key) -> Value {
    json!({ "users": key.space == Space::Users, "name": key.name })
}

fn life(life: &Life) -> Value {
    json!({ "now": life.now.0, "expires_at": life.expires_at.0 })
}

fn change(change: &Change) -> Value {
    match change {
        Change::Put(value, of) => json!({ "put": value, "life": life(of) }),
        Change::Swap {
            expected,
            value,
            life: of,
        } => json!({ "swap": value, "expected": expected, "life": life(of) }),
        Change::Delete => json!({}),
    }
}

impl Store for Probe {
    async fn get(&self, of: &Key, now: UnixMillis) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.ask(json!({ "get": key(of), "now": now.0 })).await?;
        Ok(serde_json::from_value(value).unwrap())
    }

    async fn write(&self, writes: &[Write]) -> Result<Written, StoreError> {
        let write =
            |write: &Write| json!({ "key": key(&write.key), "change": change(&write.change) });
        let writes: Vec<Value> = writes.iter().map(write).collect();
        let value = self.ask(json!({ "write": writes })).await?;
        if value["all"] == true {
            return Ok(Written::All);
        }
        let found = serde_json::from_value(value["found"].clone()).unwrap();
        Ok(Written::Found(found))
    }
}

/// Runs a future that others wake.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        std::thread::park();
    }
}

/// The component is told the time with each operation.
struct KeyValue {
    store: Probe,
    now: Cell<UnixMillis>,
}

impl KeyValue {
    fn start() -> Self {
        let store = Probe::start(&[], |manifest| {
            manifest.key_value_stores.push("default".into());
        });
        Self {
            store,
            now: Cell::new(UnixMillis(1_700_000_000_000)),
        }
    }
}

impl Subject for KeyValue {
    type Store = Probe;

    const PRECISION: Duration = Duration::from_millis(1);

    fn store(&self) -> &Probe {
        &self.store
    }

    fn now(&self) -> UnixMillis {
        self.now.get()
    }

    fn pass(&self, span: Duration) {
        self.now.set(self.now.get().after(span));
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        block_on(work)
    }
}

/// A real Redis, whose time is real.
struct OnRedis {
    store: Probe,
    _redis: Server,
}

impl OnRedis {
    fn start() -> Self {
        let redis = Server::start().unwrap();
        let at = Upstream::plain(redis.addr());
        let store = Probe::start(&[("address", "redis://sessions:6379")], |manifest| {
            manifest.outbound.insert("sessions:6379".into(), at);
        });
        Self {
            store,
            _redis: redis,
        }
    }
}

impl Subject for OnRedis {
    type Store = Probe;

    const PRECISION: Duration = Duration::from_millis(500);

    fn store(&self) -> &Probe {
        &self.store
    }

    fn now(&self) -> UnixMillis {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        UnixMillis(u64::try_from(now.as_millis()).unwrap())
    }

    fn pass(&self, span: Duration) {
        std::thread::sleep(span);
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        block_on(work)
    }
}

mod spin_kv {
    use super::KeyValue;
    use crate::store::conformance::Subject as _;

    crate::store::conformance::conformance!(KeyValue::start());
}

mod spin_redis {
    use super::OnRedis;
    use crate::store::conformance::Subject as _;

    crate::store::conformance::conformance!(OnRedis::start());
}

/// Spin's stores do not expire anything by themselves.
#[test]
fn an_expired_entry_is_deleted_when_it_is_met() {
    let subject = KeyValue::start();
    let session = crate::store::session("met");
    subject.run(async {
        let life = subject.life(Duration::from_millis(5));
        subject.store.put(&session, b"value", life).await.unwrap();
        assert_eq!(subject.store.spin.keys("default"), ["met"]);
        subject.pass(Duration::from_millis(5));
        let met = subject.store.get(&session, subject.now()).await;
        assert_eq!(met.unwrap(), None);
    });
    assert!(subject.store.spin.keys("default").is_empty());
}

/// Whoever finds it expired may come after somebody who has written it anew.
#[test]
fn what_is_written_anew_while_the_old_is_found_expired_stays() {
    let session = crate::store::session("anew");
    let expired = |subject: &KeyValue| {
        let life = subject.life(Duration::from_millis(5));
        subject.run(async { subject.store.put(&session, b"old", life).await.unwrap() });
        subject.pass(Duration::from_millis(5));
        subject.store.spin.settle();
        subject.store.spin.take_calls();
    };
    let alone = KeyValue::start();
    expired(&alone);
    let met = alone.run(alone.store.get(&session, alone.now()));
    assert_eq!(met.unwrap(), None);
    alone.store.spin.settle();
    let steps = alone.store.spin.take_calls();
    assert!(steps.iter().any(|step| step == "delete ends"), "{steps:?}");
    // From then on it is alone with the entry, and whoever writes waits for it.
    let first_look = steps.iter().position(|step| step == "get ends").unwrap();
    for (step, name) in steps.iter().enumerate() {
        let subject = KeyValue::start();
        expired(&subject);
        let (store, now, long) = (&subject.store, subject.now(), subject.long());
        let put = || block_on(store.put(&session, b"new", long)).unwrap();
        std::thread::scope(|scope| {
            let held = store.spin.hold(step);
            scope.spawn(|| block_on(store.get(&session, now)).unwrap());
            held.reached();
            if step <= first_look {
                put();
            } else {
                drop(store.spin.take_calls());
                scope.spawn(put);
                while store.spin.take_calls().is_empty() {
                    std::thread::yield_now();
                }
            }
        });
        let after = subject.run(store.get(&session, now)).unwrap();
        assert_eq!(after.as_deref(), Some(&b"new"[..]), "{step} {name}");
    }
}

/// A later release may lay entries out otherwise: this one neither takes them for nothing nor for expired.
#[test]
fn an_entry_of_a_newer_version_is_an_error_and_stays_as_it_is() {
    let subject = KeyValue::start();
    let session = crate::store::session("newer");
    let (store, long) = (&subject.store, subject.long());
    subject.run(store.put(&session, b"value", long)).unwrap();
    let own = store.spin.entry("default", "newer").unwrap();
    let mut moment = long.expires_at.0.to_be_bytes();
    moment[0] = 1;
    assert_eq!(own, [&moment[..], b"value"].concat(), "its first form");
    let mut newer = own.clone();
    newer[0] = 2;
    store.spin.set_entry("default", "newer", &newer);
    let swap = Change::Swap {
        expected: Some(b"value".to_vec()),
        value: b"other".to_vec(),
        life: long,
    };
    let ends = subject.now().after(Duration::from_secs(1 << 40));
    for operation in [
        json!({ "get": key(&session), "now": subject.now().0 }),
        json!({ "get": key(&session), "now": ends.0 }),
        json!({ "write": [{ "key": key(&session), "change": change(&swap) }] }),
    ] {
        let answer = subject.run(store.answer(operation));
        let error = r#"Newer(Newer { what: "entry", version: 2 })"#;
        assert_eq!(answer["error"], error);
        assert_eq!(store.spin.entry("default", "newer").unwrap(), newer);
    }
    store.spin.set_entry("default", "newer", &own);
    let found = subject.run(store.get(&session, subject.now()));
    assert_eq!(found.unwrap().as_deref(), Some(&b"value"[..]));
}
