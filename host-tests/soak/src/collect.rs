//! Carries to the ledger what the app has seen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::fakes::app::{FakeApp, SeenByApp};

use crate::answer::ID;
use crate::ledger::Ledger;
use crate::model::Arrived;
use crate::stage::PROBE;

const EVERY: Duration = Duration::from_millis(50);

/// Until it is told to stop, and then the rest.
pub(crate) fn collect(app: &FakeApp, ledger: &Ledger, stop: &AtomicBool) {
    loop {
        let last = stop.load(Ordering::SeqCst);
        for seen in app.take() {
            let id = seen.header(ID).unwrap_or_default();
            let id = String::from_utf8_lossy(id);
            if id != PROBE {
                ledger.has_arrived(&id, &arrived(&seen));
            }
        }
        if last {
            return;
        }
        std::thread::sleep(EVERY);
    }
}

fn arrived(seen: &SeenByApp) -> Arrived {
    let headers: Vec<_> = seen
        .headers
        .iter()
        .map(|(name, value)| {
            let name = name.to_ascii_lowercase().replace('_', "-");
            (name, String::from_utf8_lossy(value).into_owned())
        })
        .collect();
    let all = |wanted: &str| -> Vec<String> {
        let named = headers.iter().filter(|(name, _)| name == wanted);
        named.map(|(_, value)| value.clone()).collect()
    };
    let tokens = ["x-wx-skey", "x-3rd-session", "authorization"];
    Arrived {
        openids: all("x-wx-openid"),
        appids: all("x-wx-appid"),
        status: all("x-wx-auth-status").pop(),
        has_token: tokens.iter().any(|name| !all(name).is_empty()),
        body: seen.body.clone(),
    }
}
