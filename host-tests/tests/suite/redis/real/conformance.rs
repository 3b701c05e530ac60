//! The conformance suite of the stores, over real servers.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use testkit::client::{self, Request};
use wx_session_core::config::{HostKind, StoreKind};
use wx_session_core::store::redis::Redis;
use wx_session_core::{
    Bridge as HttpBridge, CallError, Config, Counter, Histogram, Host, HttpCall, HttpResponse,
    Level, NoEntropy, UnixMillis,
};

use crate::rig::backend::{Backend, Bridge};
use crate::rig::fake_store::FakeStore;
use crate::rig::schedule::alone;
use crate::rig::{ENVIRONMENT, SECRET, bridge};
use crate::store::conformance::Subject;

/// Calls wait: what is at once, is so on threads of its own.
pub struct NetHost {
    bridge: SocketAddr,
}

impl Host for NetHost {
    type Store = FakeStore;

    fn store(&self) -> Option<&FakeStore> {
        None
    }

    async fn call(&self, call: HttpCall) -> Result<HttpResponse, CallError> {
        let mut request = Request::new(call.method, &call.path).body(&call.body);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let answer = client::send(self.bridge, &request, call.timeout);
        let answer = answer.map_err(|_| CallError::Broken("reset".into()))?;
        let wanted = call.wants.and_then(|name| answer.header(name));
        let wanted = wanted.map(|value| String::from_utf8_lossy(value).into_owned());
        Ok(HttpResponse {
            status: answer.status,
            body: answer.body,
            wanted,
        })
    }

    async fn sleep(&self, span: Duration) {
        std::thread::sleep(span);
    }

    fn now(&self) -> UnixMillis {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        UnixMillis(u64::try_from(now.as_millis()).unwrap())
    }

    /// For nonces, which have to differ and no more.
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        bytes.copy_from_slice(&next[..bytes.len()]);
        Ok(())
    }

    fn count(&self, _: Counter) {}

    fn observe(&self, _: Histogram, _: Duration) {}

    fn log(&self, _: Level, line: &str) {
        println!("{line}");
    }
}

/// A store on servers of its own. Its parts borrow from one another and live as long as the tests.
pub struct OnServer {
    _backend: Backend,
    pub host: &'static NetHost,
    pub store: Redis<HttpBridge<'static, NetHost>>,
}

impl OnServer {
    pub fn new(backend: Backend) -> Self {
        let (host, store) = store_on(&backend);
        Self {
            _backend: backend,
            host,
            store,
        }
    }
}

/// A store on servers that others may use at the same time, with a host of its own.
pub fn store_on(backend: &Backend) -> (&'static NetHost, Redis<HttpBridge<'static, NetHost>>) {
    let (address, store) = match &backend.bridge {
        Bridge::Webdis(webdis) => (webdis.addr(), bridge::webdis()),
        Bridge::Rest(rest) => (rest.addr(), bridge::rest()),
    };
    let document = json!({
        "apps": [{ "appid": crate::rig::APPID, "secret": { "env": "WX_SECRET" } }],
        "store": store,
    });
    assert_eq!(ENVIRONMENT[0], ("WX_SECRET", SECRET));
    let config = Config::from_json(&document.to_string(), HostKind::Envoy, &|name| {
        let found = ENVIRONMENT.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    let config: &'static Config = Box::leak(Box::new(config.unwrap()));
    let host: &'static NetHost = Box::leak(Box::new(NetHost { bridge: address }));
    let StoreKind::Redis(rules) = &config.store else {
        panic!("the configuration names a Redis");
    };
    let (own_writes, log_lines) = (Box::leak(Box::default()), Box::leak(Box::default()));
    (host, Redis::over_http(host, rules, own_writes, log_lines))
}

impl Subject for OnServer {
    type Store = Redis<HttpBridge<'static, NetHost>>;

    const PRECISION: Duration = Duration::from_millis(500);

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn now(&self) -> UnixMillis {
        self.host.now()
    }

    /// A little more: in Redis an entry is gone after its last millisecond, not at it.
    fn pass(&self, span: Duration) {
        std::thread::sleep(span + Duration::from_millis(10));
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        alone(work)
    }
}

mod webdis {
    use super::OnServer;
    use crate::rig::backend::Backend;
    use crate::store::conformance::Subject as _;

    crate::store::conformance::conformance!(OnServer::new(Backend::webdis()));
}

mod redis_rest {
    use super::OnServer;
    use crate::rig::backend::Backend;
    use crate::store::conformance::Subject as _;

    crate::store::conformance::conformance!(OnServer::new(Backend::rest()));
}
