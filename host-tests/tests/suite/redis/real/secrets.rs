//! What lies in Redis tells nobody who logged in or with what: sealed, named by hashes, gone by itself. And the master
//! keys that seal it change while edges run.

use std::collections::BTreeSet;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};
use testkit::fakes::wechat::{FakeWechat, KeyAge, Nickname, Phone, Source};
use testkit::redis::{Server, Value};

use super::{ask, get, post};
use crate::rig::backend::{Backend, Bridge, entries, names};
use crate::rig::{APPID, Ask, EnvoyRig, Login, MASTER_KEY, SECRET, bridge};
use testkit::eventually;

const NICKNAME: &str = "Ming of the Hundred Teapots";
const OLD: &str = "WX_OLD_MASTER_KEY";
const NEW: &str = "WX_MASTER_KEY";

fn login(edge: &mut EnvoyRig, phone: &Phone) -> Login {
    let body = json!({ "code": phone.login() });
    Login::from(&ask(edge, Ask::post("/wx/login", &body)))
}

/// Everything that an edge writes: a user with a profile, sessions, codes, open data that was shown. What of it is
/// secret.
fn traffic(edge: &mut EnvoyRig, phone: &Phone) -> Vec<String> {
    let profile = |age| {
        let info = phone.open_data(Source::UserInfo).key(age);
        info.nickname(Nickname::Text(NICKNAME.into())).build()
    };
    let mut codes = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let code = phone.login();
        let mut body = profile(KeyAge::Next).to_json();
        body["code"] = json!(code);
        tokens.push(Login::from(&ask(edge, Ask::post("/wx/login", &body))).token);
        codes.push(code);
    }
    let token = &tokens[0];
    let info = profile(KeyAge::Current);
    let posts = [
        ("/wx/register", info.to_json()),
        ("/wx/decrypt", phone.phone_number().to_json()),
        ("/wx/decrypt", profile(KeyAge::Previous).to_json()),
        (
            "/wx/verify",
            json!({ "rawData": info.raw_data, "signature": info.signature }),
        ),
    ];
    for (path, body) in posts {
        assert_eq!(post(edge, path, token, &body).status, 200, "{path}");
    }
    for path in ["/wx/user", "/wx/session", "/api"] {
        assert_eq!(get(edge, path, token).status, 200, "{path}");
    }
    let refused = phone.open_data(Source::UserInfo).bad_padding().build();
    let got = post(edge, "/wx/decrypt", token, &refused.to_json());
    assert_eq!(got.status, 422, "its failure is written into the session");

    let ids = [phone.openid(), phone.unionid().unwrap(), APPID.into()];
    let profile = [NICKNAME, "wx.qlogo.cn", "Guangzhou", "13580006666"].map(str::to_owned);
    let own = [SECRET, MASTER_KEY, bridge::TOKEN.1, bridge::BASIC_AUTH.1].map(str::to_owned);
    let keys = phone.session_keys();
    [&ids[..], &profile, &own, &keys, &codes, &tokens].concat()
}

/// The ways in which a secret may be written down.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex = |bytes: &[u8]| -> Vec<u8> {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>().into_bytes()
    };
    let bytes = secret.as_bytes();
    let encoded = [STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    let mut forms = vec![bytes.to_vec(), hex(bytes)];
    forms.extend(encoded.map(String::into_bytes));
    for raw in [STANDARD.decode(secret), URL_SAFE_NO_PAD.decode(secret)] {
        let raw = raw.into_iter().filter(|raw| raw.len() >= 16);
        forms.extend(raw.flat_map(|raw| [hex(&raw), raw]));
    }
    forms
}

/// Which secrets are in what Redis holds, and where.
fn found(redis: &Server, secrets: &[String]) -> BTreeSet<(String, String)> {
    let rdb = fs::read(redis.save_rdb().unwrap()).unwrap();
    let mut places = vec![("RDB".to_owned(), rdb)];
    for (name, value) in entries(redis) {
        let decoded = URL_SAFE_NO_PAD.decode(&value).unwrap_or_default();
        places.push((format!("decoded value of {name}"), decoded));
        places.push((format!("value of {name}"), value));
        places.push((format!("name {name}"), name.into_bytes()));
    }
    let mut found = BTreeSet::new();
    for secret in secrets {
        for form in forms(secret) {
            let holds = |bytes: &[u8]| bytes.windows(form.len()).any(|part| part == form);
            let holders = places.iter().filter(|(_, bytes)| holds(bytes));
            found.extend(holders.map(|(place, _)| (secret.clone(), place.clone())));
        }
    }
    found
}

#[test]
fn nothing_in_redis_is_in_clear_or_stays_or_has_another_prefix() {
    // Uncompressed: a text in clear stands in the file as it is.
    let options = Server::options().setting("rdbcompression", "no");
    let backends = [
        Backend::webdis_on(options.clone()),
        Backend::rest_on(options),
    ];
    for backend in backends {
        let wechat = FakeWechat::new(APPID, SECRET);
        wechat.bind(true);
        let patch = json!({
            "master_keys": [{ "env": NEW }],
            "store": { "prefix": "shop:" },
            "open_data": { "refuse_replay": true },
        });
        let mut edge = backend.edge(&wechat, &patch);
        let secrets = traffic(&mut edge, &wechat.phone("ming"));
        let redis = &backend.redis;

        let mut kinds = BTreeSet::new();
        for name in names(redis) {
            let own = name
                .strip_prefix("shop:")
                .unwrap_or_else(|| panic!("{name}"));
            let (kind, hash) = own.split_once(':').unwrap();
            let is_hash = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
            assert!(is_hash, "{name}");
            kinds.insert(kind.to_owned());
            let left = redis.command(&["PTTL", &name]).unwrap();
            assert!(matches!(left, Value::Int(1..)), "{name}: {left:?}");
        }
        assert_eq!(Vec::from_iter(kinds), ["c", "r", "s", "u"]);

        assert_eq!(found(redis, &secrets), BTreeSet::new());
        let mut logs = redis.log();
        if let Bridge::Webdis(webdis) = &backend.bridge {
            logs += &webdis.log();
        }
        let logged = |secret: &&String| logs.contains(*secret);
        assert_eq!(secrets.iter().find(logged), None);

        // The search itself, on what is there to be found.
        for secret in &secrets {
            redis.command(&["SET", "clear", secret]).unwrap();
            let sealed_like = URL_SAFE_NO_PAD.encode(format!("any{secret}thing"));
            redis.command(&["SET", "base64", &sealed_like]).unwrap();
            let places = found(redis, std::slice::from_ref(secret));
            for place in ["RDB", "value of clear", "decoded value of base64"] {
                let place = (secret.clone(), place.to_owned());
                assert!(places.contains(&place), "{place:?} is not in {places:?}");
            }
        }
    }
}

/// Edges that differ in their master keys, over one Redis.
struct Rotation {
    backend: Backend,
    wechat: FakeWechat,
}

impl Rotation {
    fn edge(&self, keys: &[&str], idle_timeout_s: u64) -> EnvoyRig {
        let keys: Vec<Json> = keys.iter().map(|name| json!({ "env": name })).collect();
        let patch = json!({
            "master_keys": keys,
            "session": { "cache_ttl_s": 0, "idle_timeout_s": idle_timeout_s },
        });
        self.backend.edge(&self.wechat, &patch)
    }

    /// A registered user's session.
    fn registered(&self, edge: &mut EnvoyRig, user: &str) -> String {
        let phone = self.wechat.phone(user);
        let token = login(edge, &phone).token;
        let got = post(edge, "/wx/register", &token, &phone.user_info().to_json());
        assert_eq!(got.status, 200);
        token
    }
}

#[track_caller]
fn assert_live(edge: &mut EnvoyRig, tokens: &[&String]) {
    for token in tokens {
        assert_eq!(get(edge, "/api", token).status, 200);
        let user = get(edge, "/wx/user", token).json();
        assert_eq!(user["data"]["registered"], true, "{user}");
    }
}

#[test]
fn master_keys_change_in_steps_and_sessions_and_users_outlive_each() {
    const LONG: u64 = 7200;
    let rotation = Rotation {
        backend: Backend::webdis(),
        wechat: FakeWechat::new(APPID, SECRET),
    };
    let redis = &rotation.backend.redis;
    let [ming, hong] = ["ming", "hong"].map(|user| rotation.wechat.phone(user));

    // The new key comes last: it opens only.
    let mut a = rotation.edge(&[OLD], LONG);
    let mut b = rotation.edge(&[OLD, NEW], LONG);
    let first = rotation.registered(&mut a, "ming");
    let second = login(&mut b, &ming).token;
    for edge in [&mut a, &mut b] {
        assert_live(edge, &[&first, &second]);
    }

    // All have it: one after the other seals with it.
    a = rotation.edge(&[OLD, NEW], LONG);
    b = rotation.edge(&[NEW, OLD], LONG);
    for edge in [&mut a, &mut b] {
        assert_live(edge, &[&first, &second]);
    }
    let old = rotation.registered(&mut a, "hong");
    let new = login(&mut b, &ming);
    assert_eq!(new.data["event"], "returning");
    assert_eq!(new.data["registered"], true);
    for edge in [&mut a, &mut b] {
        assert_live(edge, &[&first, &second, &old, &new.token]);
    }

    // Sealed with the old key, then renewed where the new one seals, which is due after two seconds.
    let mut renewing = rotation.edge(&[NEW, OLD], 6);
    let before = entries(redis);
    let renewed = login(&mut a, &rotation.wechat.phone("lan")).token;
    let after = entries(redis);
    let mut added = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let (name, sealed) = added.find(|(name, _)| name.starts_with("wx:s:")).unwrap();
    eventually(|| {
        assert_eq!(get(&mut renewing, "/api", &renewed).status, 200);
        entries(redis)[name] != *sealed
    });

    // The old key is gone.
    b = rotation.edge(&[NEW], LONG);
    assert_live(&mut b, &[&new.token]);
    assert_eq!(get(&mut b, "/api", &renewed).status, 200);
    let returning = login(&mut b, &ming);
    assert_eq!(returning.data["event"], "returning");
    assert_eq!(returning.data["registered"], true);
    assert_eq!(get(&mut a, "/api", &old).status, 200, "it lives");
    let refused = get(&mut b, "/api", &old);
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (401, &json!("invalid_token"))
    );
    // Who has not logged in since the new key seals.
    let unknown = login(&mut b, &hong);
    assert_eq!(unknown.data["event"], "new");
    assert_eq!(unknown.data["registered"], false);
}
