//! Apps of other platforms beside WeChat's: what is asked, what is told, and that none has to do with another.

use serde_json::{Value, json};
use testkit::fakes::wechat::{FakeWechat, Fault, Phone, Platform};

use crate::rig::{APPID, Ask, HostKind, Login, MASTER_KEY, OTHERS, SECRET, World};

/// The app of a platform. No two have the same secret.
fn app(platform: Platform) -> (&'static str, &'static str) {
    match platform {
        Platform::Wechat => (APPID, SECRET),
        Platform::Qq => ("1108292182", crate::rig::OLD_MASTER_KEY),
        Platform::Douyin => ("tt0123456789abcdef01", MASTER_KEY),
        Platform::Kuaishou => ("ks700000000000000001", MASTER_KEY),
    }
}

fn source(platform: Platform) -> &'static str {
    match platform {
        Platform::Wechat => "wx_client",
        Platform::Qq => "qq_client",
        Platform::Douyin => "tt_client",
        Platform::Kuaishou => "ks_client",
    }
}

/// What a platform says in words of its own.
struct Numbers {
    invalid_code: i64,
    configuration: &'static [i64],
    busy: i64,
    asked_when_busy: usize,
}

fn numbers(platform: Platform) -> Numbers {
    let (invalid_code, configuration, busy, asked_when_busy): (_, &'static [i64], _, _) =
        match platform {
            Platform::Wechat => (40029, &[40013, 40125], -1, 3),
            Platform::Qq => (40029, &[40013, 40125], -1, 1),
            Platform::Douyin => (40018, &[40015, 40017], -1, 1),
            Platform::Kuaishou => (100_200_105, &[100_200_101], 100_200_500, 1),
        };
    Numbers {
        invalid_code,
        configuration,
        busy,
        asked_when_busy,
    }
}

/// An edge with an app of each platform.
struct Edge {
    world: World,
    others: Vec<FakeWechat>,
}

impl Edge {
    fn start(host: HostKind, patch: Value) -> Self {
        let secret = |platform: Platform| match platform {
            Platform::Wechat => "WX_SECRET",
            Platform::Qq => "WX_OLD_MASTER_KEY",
            Platform::Douyin | Platform::Kuaishou => "WX_MASTER_KEY",
        };
        let apps = Platform::ALL.map(|platform| {
            let (appid, _) = app(platform);
            json!({ "platform": platform.name(), "appid": appid, "secret": { "env": secret(platform) } })
        });
        let mut document = patch;
        document["apps"] = json!(apps);
        let world = host.start(document);
        let beside = |platform| {
            let (appid, secret) = app(platform);
            world.wechat.beside(platform, appid, secret)
        };
        let others = OTHERS.map(beside).into();
        Self { world, others }
    }

    fn server(&self, platform: Platform) -> &FakeWechat {
        let own = |server: &&FakeWechat| server.platform() == platform;
        self.others.iter().find(own).unwrap_or(&self.world.wechat)
    }

    fn phone(&self, platform: Platform) -> Phone {
        self.server(platform).phone("alice")
    }

    #[track_caller]
    fn login(&mut self, phone: &Phone) -> Login {
        self.world
            .login_with(json!({ "code": phone.login(), "appid": phone.appid() }))
    }

    #[track_caller]
    fn refused(&mut self, phone: &Phone, code: &str, status: u16, error: &str) -> Value {
        let body = json!({ "code": code, "appid": phone.appid() });
        self.world
            .assert_refused(Ask::post("/wx/login", &body), status, error)
    }
}

pub fn each_platform_is_asked_in_its_own_language(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    for platform in Platform::ALL {
        let (appid, secret) = app(platform);
        let phone = edge.phone(platform);
        let code = phone.login();
        edge.world
            .login_with(json!({ "code": code, "appid": appid }));
        let seen = edge.server(platform).requests();
        assert_eq!(seen.len(), 1, "{platform:?}");
        let seen = &seen[0];
        assert_eq!(seen.host.as_deref(), Some(platform.host()));
        assert_eq!(seen.sni.as_deref(), Some(platform.host()));
        let body = String::from_utf8(seen.body.clone()).unwrap();
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        match platform {
            Platform::Wechat | Platform::Qq => {
                assert_eq!((&*seen.method, &*seen.path), ("GET", "/sns/jscode2session"));
                let query = [
                    ("appid", appid),
                    ("secret", secret),
                    ("js_code", &code),
                    ("grant_type", "authorization_code"),
                ];
                assert_eq!(seen.query, query.map(pair));
                assert_eq!((&*body, seen.content_type.as_deref()), ("", None));
            }
            Platform::Douyin => {
                assert_eq!(
                    (&*seen.method, &*seen.path),
                    ("POST", "/api/apps/v2/jscode2session")
                );
                assert_eq!(seen.content_type.as_deref(), Some("application/json"));
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(
                    body,
                    json!({ "appid": appid, "secret": secret, "code": code })
                );
                assert!(seen.query.is_empty());
            }
            Platform::Kuaishou => {
                assert_eq!(
                    (&*seen.method, &*seen.path),
                    ("POST", "/oauth2/mp/code2session")
                );
                assert_eq!(
                    seen.content_type.as_deref(),
                    Some("application/x-www-form-urlencoded")
                );
                assert!(body.starts_with(&format!("app_id={appid}&app_secret=")));
                assert!(body.ends_with("%26%2B%2F%25%3D"), "{body}");
                assert!(seen.query.is_empty());
            }
        }
    }
}

pub fn one_edge_logs_in_users_of_all_platforms_and_keeps_them_apart(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    let mut logins = Vec::new();
    for platform in Platform::ALL {
        let phone = edge.phone(platform);
        // By the header too, as requests without a body have it.
        let ask = Ask::get("/wx/login")
            .header("X-WX-Code", phone.login())
            .header("X-WX-App", phone.appid());
        let login = Login::from(&edge.world.ask(ask));
        assert_eq!(login.data["event"], "new", "{platform:?}");
        logins.push((phone, login));
    }
    for (phone, login) in &logins {
        let got = edge.world.get("/api/orders", &login.token);
        let header = |name: &str| got.seen().header(name);
        assert_eq!(header("x-wx-openid"), Some(phone.openid()));
        assert_eq!(header("x-wx-appid"), Some(phone.appid()));
    }
    // A code is worth something with its own platform only, and nobody else is asked.
    let (wechat, douyin) = (edge.phone(Platform::Wechat), edge.phone(Platform::Douyin));
    let code = wechat.login();
    edge.refused(&douyin, &code, 401, "invalid_code");
    assert_eq!(edge.server(Platform::Wechat).code_requests(&code), 0);
    edge.world
        .login_with(json!({ "code": code, "appid": wechat.appid() }));
    // One that ends all of its own ends none of another platform.
    let (_, login) = &logins[2];
    let everywhere = json!({ "everywhere": true });
    edge.world.post("/wx/logout", &login.token, &everywhere);
    edge.world.seconds(6);
    edge.world
        .assert_token_refused(&login.token, "invalid_token");
    for (phone, login) in [&logins[0], &logins[1], &logins[3]] {
        edge.world.assert_passes(&login.token, &phone.openid());
    }
    // Without a name nobody is asked.
    let body = json!({ "code": douyin.login() });
    edge.world
        .assert_refused(Ask::post("/wx/login", &body), 400, "missing_parameter");
}

/// Beside a body, announced or not, as beside a query: the code goes to the platform of that app, whatever else hints at
/// another.
pub fn the_header_names_the_app_wherever_the_code_stands(host: HostKind) {
    let mut edge = Edge::start(
        host,
        json!({ "routes": [
            { "path": "/auth/body", "session": "public", "login": "body" },
            { "path": "/auth/query", "session": "public", "login": "query" },
        ] }),
    );
    let phone = edge.phone(Platform::Douyin);
    let hinted = |ask: Ask| {
        let referer = format!("https://servicewechat.com/{APPID}/1/page-frame.html");
        ask.header("X-WX-App", phone.appid())
            .header("Referer", referer)
    };
    let body = || json!({ "code": phone.login() });
    for ask in [
        Ask::post("/wx/login", &body()),
        Ask::new("POST", "/wx/login").chunked(body().to_string()),
    ] {
        let login = Login::from(&edge.world.ask(hinted(ask)));
        edge.world.assert_passes(&login.token, &phone.openid());
    }
    let code = phone.login();
    let code: String = code.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for ask in [
        Ask::post("/auth/body", &body()),
        Ask::get(format!("/auth/query?code={code}")),
    ] {
        let got = edge.world.ask(hinted(ask));
        let token = got.seen().header("x-wx-login-token").expect("no token");
        edge.world.assert_passes(&token, &phone.openid());
    }
    assert!(edge.server(Platform::Wechat).requests().is_empty());

    let mut both = body();
    both["appid"] = phone.appid().into();
    let nothing = Ask::post("/wx/login", &both).header("X-WX-App", "undefined");
    assert_eq!(edge.world.ask(nothing).status, 200);
    for other in [APPID, "tt00000000000000ff"] {
        let ask = Ask::post("/wx/login", &both).header("X-WX-App", other);
        edge.world.assert_refused(ask, 400, "invalid_parameter");
    }
    let unknown = Ask::post("/wx/login", &body()).header("X-WX-App", "tt00000000000000ff");
    edge.world.assert_refused(unknown, 400, "unknown_app");
}

pub fn an_app_is_told_which_platform_a_request_comes_from(host: HostKind) {
    let mut edge = Edge::start(host, json!({ "session": { "piggyback": true } }));
    for platform in Platform::ALL {
        edge.server(platform).bind(true);
        let phone = edge.phone(platform);
        let ask = Ask::get("/api/orders")
            .header("X-WX-Code", phone.login())
            .header("X-WX-App", phone.appid())
            .header("X-WX-SOURCE", "admin_client");
        let got = edge.world.ask(ask);
        let header = |name: &str| got.seen().header(name);
        assert_eq!(header("x-wx-source").as_deref(), Some(source(platform)));
        assert_eq!(header("x-wx-unionid"), phone.unionid(), "{platform:?}");
        let token = got.header("x-wx-skey").unwrap();
        // From the cache, and from the store.
        for _ in 0..2 {
            let got = edge.world.get("/api/orders", &token);
            let told = got.seen().header("x-wx-source");
            assert_eq!(told.as_deref(), Some(source(platform)));
        }
    }
}

pub fn every_refusal_of_a_platform_has_its_answer(host: HostKind) {
    let mut edge = Edge::start(host, json!({ "login": { "failures_per_minute": 0 } }));
    for platform in OTHERS {
        let phone = edge.phone(platform);
        let numbers = numbers(platform);
        let mut rows = vec![
            (numbers.invalid_code, 401, "invalid_code", "relogin"),
            (12345, 502, "wechat_error", "none"),
        ];
        let configuration = numbers.configuration.iter();
        rows.extend(configuration.map(|errcode| (*errcode, 500, "wechat_config", "fix_config")));
        if platform == Platform::Qq {
            rows.push((40163, 401, "code_used", "relogin"));
            rows.push((45011, 429, "login_rate_limited", "retry_after"));
        }
        for (errcode, status, error, action) in rows {
            for fault in [Fault::Errcode(errcode), Fault::StringErrcode(errcode)] {
                edge.server(platform).script([fault]);
                let body = edge.refused(&phone, &phone.login(), status, error);
                assert_eq!(body["errcode"], errcode, "{platform:?} {body}");
                assert_eq!(body["action"], action, "{platform:?} {body}");
                let message = body["msg"].as_str().unwrap();
                assert!(!message.contains("微信"), "{platform:?} {body}");
            }
            edge.login(&phone);
        }
        // And those that it finds itself: no such code, and the secret of another.
        edge.refused(&phone, "0123456789", 401, "invalid_code");
        let (appid, secret) = app(platform);
        edge.server(platform).add_app(appid, "another secret");
        edge.refused(&phone, &phone.login(), 500, "wechat_config");
        edge.server(platform).add_app(appid, secret);
        edge.login(&phone);
    }
}

pub fn a_busy_platform_is_asked_again_only_where_the_code_is_kept(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    for platform in OTHERS {
        let phone = edge.phone(platform);
        let numbers = numbers(platform);
        let code = phone.login();
        edge.server(platform)
            .script([Fault::Busy, Fault::Busy, Fault::Busy]);
        let body = edge.refused(&phone, &code, 503, "wechat_busy");
        assert_eq!(body["errcode"], numbers.busy, "{platform:?}");
        assert_eq!(body["action"], "retry_after", "{platform:?}");
        assert!(!body["msg"].as_str().unwrap().contains("微信"), "{body}");
        let asked = edge.server(platform).code_requests(&code);
        assert_eq!(asked, numbers.asked_when_busy, "{platform:?}");
        edge.server(platform).calm();
        edge.login(&phone);
    }
}

pub fn answers_that_cannot_be_read_are_told_in_the_platforms_name(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    for (platform, name, missing) in [
        (Platform::Qq, "QQ", "has no readable openid"),
        (Platform::Douyin, "Douyin", "has no err_no"),
        (Platform::Kuaishou, "Kuaishou", "has no result"),
    ] {
        let phone = edge.phone(platform);
        for (fault, problem) in [
            (Fault::Html, "is not JSON"),
            (Fault::BigBody, "is too long"),
            (Fault::EmptyBody, "is empty"),
            (Fault::Http500, "has status 500"),
            (Fault::Truncated, "ends too early"),
            (Fault::EmptyObject, missing),
        ] {
            edge.server(platform).script([fault]);
            let code = phone.login();
            let body = edge.refused(&phone, &code, 503, "wechat_unavailable");
            let told = format!("the answer of {name} {problem}");
            assert_eq!(body["detail"], told, "{platform:?}");
            assert_eq!(edge.server(platform).code_requests(&code), 1);
        }
        edge.login(&phone);
    }
}

pub fn an_outage_of_one_platform_leaves_the_others_alone(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    let down = edge.phone(Platform::Douyin);
    for _ in 0..10 {
        edge.server(Platform::Douyin).script([Fault::Http500]);
        edge.refused(&down, &down.login(), 503, "wechat_unavailable");
    }
    let code = down.login();
    let got = edge.world.ask(Ask::post(
        "/wx/login",
        &json!({ "code": code, "appid": down.appid() }),
    ));
    assert_eq!(got.header("retry-after").as_deref(), Some("5"));
    assert_eq!(edge.server(Platform::Douyin).code_requests(&code), 0);
    for platform in [Platform::Wechat, Platform::Qq, Platform::Kuaishou] {
        let phone = edge.phone(platform);
        let login = edge.login(&phone);
        edge.world.assert_passes(&login.token, &phone.openid());
    }
}

pub fn open_data_opens_under_the_key_of_its_platform(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    let wechat = edge.phone(Platform::Wechat);
    edge.login(&wechat);
    for platform in OTHERS {
        let phone = edge.phone(platform);
        let login = edge.login(&phone);
        let data = phone.user_info();
        let got = edge.world.decrypt(&login.token, &data);
        assert_eq!(got.status, 200, "{platform:?}");
        let verified = json!({ "rawData": data.raw_data, "signature": data.signature });
        let got = edge.world.post("/wx/verify", &login.token, &verified);
        assert_eq!(got.status, 200, "{platform:?}");
        let got = edge
            .world
            .post("/wx/register", &login.token, &data.to_json());
        assert_eq!(got.status, 200, "{platform:?}");
        // The same user's data from WeChat is another's here.
        let got = edge.world.decrypt(&login.token, &wechat.user_info());
        assert_eq!(got.json()["error"], "session_key_stale", "{platform:?}");
    }
}

pub fn the_same_code_again_gives_the_same_login_on_each_platform(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    for platform in OTHERS {
        let phone = edge.phone(platform);
        let body = json!({ "code": phone.login(), "appid": phone.appid() });
        let first = edge.world.login_with(body.clone());
        let second = edge.world.login_with(body.clone());
        assert_eq!(first.token, second.token, "{platform:?}");
        // Its session has ended: to Douyin and Kuaishou such a code is as one that never was any.
        edge.world.post("/wx/logout", &first.token, &json!({}));
        let error = match platform {
            Platform::Wechat | Platform::Qq => "code_used",
            Platform::Douyin | Platform::Kuaishou => "invalid_code",
        };
        let code = body["code"].as_str().unwrap();
        edge.refused(&phone, code, 401, error);
    }
}

pub fn secrets_and_codes_of_no_platform_are_in_the_log(host: HostKind) {
    let mut edge = Edge::start(host, json!({}));
    let mut secrets = Vec::new();
    for platform in OTHERS {
        let phone = edge.phone(platform);
        let login = edge.login(&phone);
        let codes = [phone.login(), phone.login(), phone.login()];
        let script = [
            Fault::ResetMidBody,
            Fault::Http500,
            Fault::Errcode(numbers(platform).invalid_code),
        ];
        for (code, fault) in codes.iter().zip(script) {
            edge.server(platform).script([fault]);
            let body = json!({ "code": code, "appid": phone.appid() });
            let got = edge.world.ask(Ask::post("/wx/login", &body));
            assert!(got.status >= 400, "{platform:?}");
            let (_, secret) = app(platform);
            let text = String::from_utf8_lossy(&got.body).into_owned();
            assert!(!text.contains(secret) && !text.contains(code), "{text}");
        }
        secrets.extend(codes);
        secrets.extend(phone.session_keys());
        secrets.extend([login.token, app(platform).1.to_owned()]);
    }
    let log = edge.world.log();
    for platform in OTHERS {
        let failed = log.lines().filter(|line| {
            line.contains("wechat_failed")
                && (line.contains(&format!("\"{}\"", platform.name()))
                    || line.contains(platform.host()))
        });
        assert!(failed.count() >= 2, "{platform:?}: {log}");
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}

pub fn a_platform_alone_needs_no_other(host: HostKind) {
    let (appid, secret) = app(Platform::Douyin);
    let mut world = host.start(json!({
        "apps": [{ "platform": "douyin", "appid": appid, "secret": { "env": "WX_MASTER_KEY" } }],
    }));
    let phone = world
        .wechat
        .beside(Platform::Douyin, appid, secret)
        .phone("alice");
    // The only app need not be named.
    let login = world.login(&phone);
    world.assert_passes(&login.token, &phone.openid());
    assert!(world.wechat.requests().is_empty());
}
