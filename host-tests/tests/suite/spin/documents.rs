//! The configuration document: one serves Envoy and Spin, as a variable or as a file.

use std::path::Path;

use serde_json::{Value, json};
use spin_host::Manifest;
use testkit::client::Request;
use wx_session_core::Config;
use wx_session_core::config::{HostKind, HostStore, StoreKind};

use crate::rig::spin_world::SpinWorld;
use crate::rig::{APPID, ENVIRONMENT, Way, configuration};

fn accepted(document: &Value, host: HostKind) -> Config {
    let config = Config::from_json(&document.to_string(), host, &|name| {
        let found = ENVIRONMENT.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    config.unwrap_or_else(|error| panic!("{host:?}: {error}"))
}

/// But for the store, of which each has its own, and which may be left out.
#[test]
fn the_document_of_envoy_yaml_serves_both_hosts() {
    let mut document = configuration(&json!({}));
    document.as_object_mut().unwrap().remove("store");
    let on_envoy = accepted(&document, HostKind::Envoy);
    let on_spin = accepted(&document, HostKind::Spin);
    assert!(matches!(
        on_envoy.store,
        StoreKind::OfHost(HostStore::Embedded { .. })
    ));
    assert!(matches!(
        on_spin.store,
        StoreKind::OfHost(HostStore::SpinKeyValue { .. })
    ));
    assert_eq!(document["apps"][0]["appid"], APPID);
}

/// Ships the document as a file in this folder, and no longer as a variable.
pub fn ship_in(folder: &Path, manifest: &mut Manifest) {
    let document = manifest.variables.remove("wx_session_config").unwrap();
    std::fs::write(folder.join("wx-session.json"), document).unwrap();
    manifest.files = Some(folder.into());
}

#[test]
fn it_may_be_a_file_that_the_manifest_ships() {
    let folder = tempfile::tempdir().unwrap();
    for way in Way::BOTH {
        let stage = SpinWorld::start_with(way, &json!({}), |manifest| {
            ship_in(folder.path(), manifest);
        });
        let token = stage.login(&stage.wechat.phone("alice"));
        let answer = stage.send(&Request::get("/me").header("X-WX-Skey", &token));
        assert_eq!(answer.status, 200, "{way:?} {}", stage.log());
    }
}

#[test]
fn one_that_is_wrong_is_refused_by_the_name_of_the_field() {
    for way in Way::BOTH {
        let patch = json!({ "store": { "kind": "shared_data" } });
        let stage = SpinWorld::start_with(way, &patch, |_| {});
        assert_eq!(stage.send(&Request::get("/public")).status, 500);
        assert!(stage.log().contains("store.kind"), "{}", stage.log());
        assert_eq!(stage.rig.app.bytes_received(), 0);
    }
}
