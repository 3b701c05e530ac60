//! The demo's journey through both components, on whatever the edge keeps its sessions in.

use demo::journey::{self, Edge, Scene};
use serde_json::{Value, json};
use spin_host::{Instances, Manifest, Upstream};
use testkit::redis::Server;

use crate::rig::Way;
use crate::rig::spin_world::SpinWorld;

#[track_caller]
fn play(way: Way, patch: &Value, change: impl FnOnce(&mut Manifest)) {
    let stage = SpinWorld::start_with(way, patch, change);
    stage.wechat.bind(true);
    let edge = Edge {
        name: "",
        base: stage.addr(),
    };
    let scenes = journey::play(edge, &stage.wechat, &stage.rig.app, |scene| {
        assert!(scene.passed(), "{way:?} {scene:#?}\n{}", stage.log());
    });
    assert!(!scenes.is_empty() && scenes.iter().all(Scene::passed));
}

#[test]
fn on_the_service() {
    play(Way::Service, &json!({}), |_| {});
}

#[test]
fn on_the_middleware() {
    play(Way::Middleware, &json!({}), |_| {});
}

#[test]
fn on_an_instance_for_each_request() {
    for way in Way::BOTH {
        play(way, &json!({}), |manifest| {
            manifest.instances = Instances::OneForEach;
        });
    }
}

#[test]
fn on_spins_redis() {
    let redis = Server::start().unwrap();
    for way in Way::BOTH {
        let store = json!({ "kind": "spin_redis", "address": "redis://sessions:6379" });
        play(way, &json!({ "store": store }), |manifest| {
            manifest.key_value_stores.clear();
            let sessions = Upstream::plain(redis.addr());
            manifest.outbound.insert("sessions:6379".into(), sessions);
        });
    }
}
