//! weRequest 1.8: the token in the query, and beside it in bodies; `errcode` -1 is the only refusal that it knows.

use serde_json::{Value, json};
use testkit::fakes::app::{Scripted, SeenByApp};
use testkit::fakes::wechat::Phone;

use super::journey::{self, Client, MOST, Trouble};
use super::stage::{self, assert_of, data, new_token, ok, openid, page, path, text};
use crate::rig::{Ask, Got, HostKind, World};

const PAGE: &str = page!("werequest");

/// As the page has it.
fn app(seen: &SeenByApp) -> Option<Scripted> {
    match (path(seen), new_token(seen)) {
        ("/user/login", Some(token)) => ok(&json!({ "session": token })),
        ("/user/login", None) => stage::answer(400, &json!({ "errcode": 1 })),
        _ => ok(&json!({ "errcode": 0, "of": openid(seen) })),
    }
}

struct WeRequest {
    phone: Phone,
    session: Option<String>,
    logins: usize,
}

/// Repetitions after a refusal.
const REPEATS: usize = 2;

impl WeRequest {
    fn on(phone: Phone) -> Self {
        Self {
            phone,
            session: None,
            logins: 0,
        }
    }
}

impl Client for WeRequest {
    fn login(&mut self, world: &mut World) -> Result<(), String> {
        self.logins += 1;
        let code = self.phone.login();
        let got = world.ask(Ask::get(format!("/user/login?code={code}")));
        let session = text(&data(&got)["session"]).filter(|_| got.status == 200);
        self.session = Some(session.ok_or_else(|| format!("login: {}", got.status))?);
        Ok(())
    }

    fn request(&mut self, world: &mut World, ask: &Ask) -> Result<Got, Trouble> {
        for _ in 0..=REPEATS {
            if self.session.is_none()
                && let Err(why) = self.login(world)
            {
                return Err(Trouble::Failed(why));
            }
            let got = world.ask(self.with_token(ask.clone()));
            if got.status != 200 {
                return Err(Trouble::Failed(format!("HTTP {}", got.status)));
            }
            if data(&got)["errcode"] != -1 {
                return Ok(got);
            }
            self.session = None;
        }
        Err(Trouble::Failed("too many logins".into()))
    }

    /// A request of the page, and the storage is cleared.
    fn logout(&mut self, world: &mut World) -> Result<(), String> {
        let ask = Ask::post("/wx/logout", &json!({}));
        self.request(world, &ask).unwrap();
        self.session = None;
        Ok(())
    }

    fn with_token(&self, mut ask: Ask) -> Ask {
        let Some(session) = &self.session else {
            return ask;
        };
        let joint = if ask.target.contains(&b'?') { '&' } else { '?' };
        ask.target
            .extend(format!("{joint}session={session}").bytes());
        let object = ask.body.as_deref().map(serde_json::from_slice::<Value>);
        if let Some(Ok(mut object)) = object {
            object["session"] = session.as_str().into();
            ask.body = Some(object.to_string().into());
        }
        ask
    }

    fn token(&self) -> Option<String> {
        self.session.clone()
    }

    fn logins(&self) -> usize {
        self.logins
    }

    fn phone(&self) -> &Phone {
        &self.phone
    }
}

pub fn werequest_goes_its_way(host: HostKind) {
    for ask in [
        Ask::get("/orders?page=2"),
        Ask::post("/orders", &json!({ "item": 1 })),
    ] {
        let mut world = stage::start(host, PAGE, app);
        let mut client = WeRequest::on(world.wechat.phone("alice"));
        journey::go(&mut world, &mut client, &ask);
        let got = client.request(&mut world, &ask).unwrap();
        let seen = got.seen();
        assert_eq!(
            (seen.path.as_bytes(), Some(&seen.body)),
            (&*ask.target, Some(&ask.body.unwrap_or_default()))
        );
        assert!(client.logins < MOST);
    }
}

pub fn werequest_uploads_with_the_token_in_a_field(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WeRequest::on(world.wechat.phone("alice"));
    client.login(&mut world).unwrap();
    let session = client.session.clone().unwrap();
    let upload = |target: &str, file: &str| {
        let field = |name: &str, value: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = field("session", &session) + &field("file", file) + "--x--\r\n";
        Ask::new("POST", format!("{target}?session={session}"))
            .header("Content-Type", "multipart/form-data; boundary=x")
            .body(body)
    };
    let got = world.ask(upload("/feedback", "small"));
    assert_of(&got, &client.phone, &[&session]);
    assert!(String::from_utf8_lossy(&got.seen().body).contains("small"));

    // Larger ones go where nothing looks into them, with what stands in the query.
    let got = world.ask(upload("/upload/photo", &"x".repeat(20_000)));
    assert_eq!(
        got.seen().header("x-wx-openid"),
        Some(client.phone.openid())
    );
    assert!(!got.seen().path.contains(&session));
}

pub fn werequest_posts_what_is_large_where_nothing_looks_into_it(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WeRequest::on(world.wechat.phone("alice"));
    client.login(&mut world).unwrap();
    let text = json!({ "text": "x".repeat(20_000) });
    let outcome = client.request(&mut world, &Ask::post("/notes", &text));
    assert!(
        matches!(&outcome, Err(Trouble::Failed(why)) if why == "HTTP 413"),
        "{outcome:?}"
    );
    let got = client.request(&mut world, &Ask::post("/upload/note", &text));
    assert_eq!(
        got.unwrap().seen().header("x-wx-openid"),
        Some(client.phone.openid())
    );
}

/// What its FAQ has teams write: a header with the token of before the relogin, or with what was none.
pub fn werequest_may_send_a_header_beside_that_has_nothing(host: HostKind) {
    let mut world = stage::start(host, PAGE, app);
    let mut client = WeRequest::on(world.wechat.phone("alice"));
    for nothing in ["undefined", "null", "", "not a token"] {
        let ask = Ask::get("/orders").header("X-WX-Skey", nothing);
        let got = client.request(&mut world, &ask).unwrap();
        let session = client.session.clone().unwrap();
        assert_of(&got, &client.phone, &[&session]);
    }
    assert_eq!(client.logins, 1);
    // A token that is another one is refused, and no reason to log in.
    let mut before = WeRequest::on(client.phone.clone());
    before.login(&mut world).unwrap();
    let other = Ask::get("/orders").header("X-WX-Skey", before.session.unwrap());
    let outcome = client.request(&mut world, &other);
    assert!(
        matches!(&outcome, Err(Trouble::Failed(why)) if why == "HTTP 400"),
        "{outcome:?}"
    );
}
