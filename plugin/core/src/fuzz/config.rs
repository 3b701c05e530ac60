//! A configuration is understood whole or refused, never shows a secret, and asks for none that it did not name.

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::cell::RefCell;

use crate::config::{Config, HostKind};
use crate::worker::Worker;

/// Long enough for every kind of secret.
const SECRET: &str = "cafe:0123456789abcdef0123456789abcdef0123456789abcdef";
const APP_SECRET: &str = "cafe0123456789abcdef0123456789ab";

/// `data` is the document.
pub fn config(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let named: BTreeSet<String> = Config::secret_names(text).into_iter().collect();
    for host in [HostKind::Envoy, HostKind::Spin] {
        let asked = RefCell::new(BTreeSet::new());
        let read = Config::from_json(text, host, &|name| {
            asked.borrow_mut().insert(String::from(name));
            if name.contains("NONE") {
                return None;
            }
            Some(
                if name.contains("KEY") {
                    SECRET
                } else {
                    APP_SECRET
                }
                .into(),
            )
        });
        let asked = asked.into_inner();
        assert!(asked.is_subset(&named), "{asked:?}, of {named:?}");
        match read {
            Err(error) => {
                let words = alloc::format!("{error:?} {error}");
                // A name of a field may be told, whatever somebody has made a name.
                let is_told = |secret| words.contains(secret) && !text.contains(secret);
                assert!(!is_told(APP_SECRET) && !is_told(SECRET), "{words}");
                assert!(!error.field.is_empty() && !error.problem.is_empty());
            }
            Ok(config) => check(text, config),
        }
    }
}

fn check(text: &str, config: Config) {
    assert!(!config.mini_programs.is_empty() && !config.master_secrets.is_empty());
    assert!(config.session.idle <= config.session.absolute);
    assert!(!config.session.headers.is_empty());
    for own in [&config.identity.openid, &config.identity.unionid] {
        assert!(config.own_names.has(own.as_bytes()), "{own}");
        assert!(
            own.bytes()
                .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
        );
    }
    for (path, _) in &config.routes.endpoints {
        assert_eq!(crate::path::unambiguous(path), Ok(()), "{path}");
    }
    let words = alloc::format!("{:?}", config.store);
    let is_shown = |secret| words.contains(secret) && !text.contains(secret);
    assert!(!is_shown(APP_SECRET) && !is_shown(SECRET), "{words}");
    let _ = Worker::new(config);
}
