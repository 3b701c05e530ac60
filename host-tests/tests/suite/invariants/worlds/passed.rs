//! What must hold of a request that goes on: to the app, or of a backend's to WeChat.

use testkit::fakes::wechat::Asked;

use super::errand::{FORGED, Kind, Login, Need, Place};
use super::means::percent_encoded;
use super::setting::ALLOWED;
use super::world::World;
use crate::rig::edge::{Answer, Call, Passed};

impl World {
    /// Its head, and what of its body is there.
    pub(super) fn check_passed(&mut self, at: usize, passed: &Passed) {
        let story = self.story(at);
        self.history
            .note(|| format!("  {story} passes: {:?}", shown(passed)));
        let errand = self.open[at].errand.clone();
        let Place::App { need, observed } = errand.place else {
            assert_eq!(errand.place, Place::Door, "{story} is forwarded");
            assert!(errand.is_entitled, "{story} is forwarded");
            return self.check_sent(at, passed);
        };
        self.check_sent(at, passed);
        let login = errand.login();
        let code_user = errand.brings.map(|code| self.means.codes[code].user);
        self.check_bound(at, passed, &story);
        let token = passed.header("x-wx-login-token").map(str::to_owned);
        let openids: Vec<&str> = values(passed, "x-wx-openid");
        assert!(openids.len() < 2, "{story}: {openids:?}");
        let status = passed.header("x-wx-auth-status");
        let Some(openid) = openids.first() else {
            assert!(
                observed || need != Need::Required || self.is_preflight(at),
                "{story} passes without an identity"
            );
            self.check_nobody(at, passed, &story);
            return;
        };
        let of_session = errand.shows.map(|number| self.ledger.known[number].owner);
        let is = |user: Option<usize>| user.is_some_and(|user| self.is_user(passed, user, openid));
        match login {
            Login::ThroughApp => {
                assert!(is(code_user), "{story}: {openid} is not whose code it is");
                let token = token.unwrap_or_else(|| panic!("{story}: a login without a token"));
                let number = self.learn(at, &token, &story);
                self.open[at].session = Some(number);
            }
            _ => {
                assert_eq!(token, None, "{story}: a token without a login");
                let is_new = passed.header("x-wx-login-event").is_some();
                if is_new {
                    assert_eq!(login, Login::OnTheWay, "{story}: nobody logs in");
                    assert!(is(code_user), "{story}: {openid} is not whose code it is");
                } else {
                    assert!(
                        is(of_session),
                        "{story}: {openid} is not whose session it is"
                    );
                    let number = errand.shows.unwrap();
                    assert!(need != Need::Public, "{story}: on a public route");
                    // As it was looked up a while ago, by this very worker.
                    if status != Some("stale") {
                        self.may_pass(at, number, &story);
                    }
                    self.open[at].session = Some(number);
                }
            }
        }
    }

    /// Whose code it is that is no login.
    fn check_bound(&self, at: usize, passed: &Passed, story: &str) {
        let errand = &self.open[at].errand;
        let bound = passed.header("x-wx-bound-openid");
        let expected = errand.brings.filter(|_| errand.login() == Login::Binds);
        let user = expected.map(|code| &self.means.users[self.means.codes[code].user]);
        assert_eq!(bound, user.map(|user| user.openid()).as_deref(), "{story}");
        let appid = passed.header("x-wx-bound-appid");
        assert_eq!(appid, user.map(|user| user.appid()).as_deref(), "{story}");
    }

    fn is_preflight(&self, at: usize) -> bool {
        self.open[at].errand.kind == Kind::Preflight
    }

    fn is_user(&self, passed: &Passed, user: usize, openid: &str) -> bool {
        let user = &self.means.users[user];
        openid == user.openid() && passed.header("x-wx-appid") == Some(&user.appid())
    }

    /// It passes as nobody: where it may, and where no session of its own says otherwise.
    fn check_nobody(&self, at: usize, passed: &Passed, story: &str) {
        for name in ["x-wx-appid", "x-wx-unionid", "x-wx-login-token"] {
            assert_eq!(passed.header(name), None, "{story}: {name} of nobody");
        }
        let errand = &self.open[at].errand;
        let Place::App { need, .. } = errand.place else {
            return;
        };
        let status = passed.header("x-wx-auth-status");
        let told_off = matches!(status, Some("missing" | "invalid" | "expired"));
        let idle = std::time::Duration::from_secs(self.setting.times.idle);
        if let Some(number) = errand.shows
            && told_off
            && need != Need::Public
            && errand.brings.is_none()
        {
            assert!(
                !self.ledger.must_live(number, idle),
                "{story}: session {} lives, and is {status:?}",
                self.ledger.known[number].short
            );
        }
    }

    /// What of a request must not go on.
    pub(super) fn check_sent(&self, at: usize, passed: &Passed) {
        let story = self.story(at);
        let errand = &self.open[at].errand;
        let head = text(&passed.headers);
        let body = String::from_utf8_lossy(&passed.body);
        let trailers = if self.hides_trailers {
            String::new()
        } else {
            text(&passed.trailers)
        };
        let all = format!("{head}\n{body}\n{trailers}");
        assert!(
            !all.contains(FORGED),
            "{story}: what a client claims passes: {all}"
        );
        if errand.place == Place::Door {
            return self.check_to_wechat(at, passed, &story);
        }
        self.check_secrets(&all, &story);
        if let Some(number) = errand.shows {
            let token = &self.ledger.known[number].token;
            // The same code again gives the same token.
            let is_given = passed.header("x-wx-login-token") == Some(token);
            assert!(
                is_given || !all.contains(token),
                "{story}: the token passes"
            );
        }
        // A path of the app's own, which nobody looks at.
        let is_taken = matches!(errand.login(), Login::ThroughApp | Login::Binds);
        if let Some(code) = errand.brings
            && is_taken
        {
            let code = &self.means.codes[code].text;
            assert!(!all.contains(code.as_str()), "{story}: the code passes");
        }
        if errand.kind == Kind::OpenBody {
            assert!(!body.contains("encryptedData"), "{story}: {body}");
        }
    }

    fn check_to_wechat(&self, at: usize, passed: &Passed, story: &str) {
        let path = passed.header(":path").unwrap();
        assert!(path.starts_with(ALLOWED), "{story}: {path}");
        assert_eq!(
            passed.header(":authority"),
            Some("api.weixin.qq.com"),
            "{story}"
        );
        let tokens = self.means.wechat.access_tokens();
        let is_carried = |token: &&String| path.contains(&percent_encoded(token));
        let carried = tokens.iter().filter(is_carried);
        assert_eq!(carried.count(), 1, "{story}: {path}");
        assert_eq!(path.matches("access_token").count(), 1, "{story}: {path}");
        for (name, _) in &passed.headers {
            assert!(
                !name.starts_with("x-wx") && name != "cookie",
                "{story}: WeChat gets {name}"
            );
        }
        assert!(self.open[at].errand.is_entitled, "{story}");
    }

    /// WeChat answers a call of the backend's that went on.
    pub(super) fn ask_as_backend(&mut self, at: usize) -> Answer {
        let open = &self.open[at];
        let (station, number) = (open.station, open.number);
        let edge = &self.stations[station].as_ref().unwrap().edge;
        let crate::rig::edge::Fate::Passed(passed) = edge.fate(number) else {
            panic!("{}: it went on before", self.story(at));
        };
        let answer = self.means.wechat.answer_asked(&Asked {
            method: passed.header(":method").unwrap(),
            target: passed.header(":path").unwrap(),
            host: passed.header(":authority"),
            sni: passed.header(":authority"),
            content_type: passed.header("content-type"),
            body: &passed.body,
        });
        let length = answer.body.len().to_string();
        let mut answer = Answer::new(answer.status, answer.content_type, answer.body);
        let length = ("content-length".to_owned(), length.into_bytes());
        answer.headers.push(length);
        answer
    }

    /// What a backend has of WeChat's answer, and how often WeChat was asked for it.
    pub(super) fn check_backend(&self, at: usize, _: &Answer, story: &str) {
        let word = &self.open[at].errand.word;
        let requests = self.means.wechat.requests();
        let says = |body: &[u8]| String::from_utf8_lossy(body).contains(word.as_str());
        let times = requests.iter().filter(|own| says(&own.body)).count();
        assert!(times <= 2, "{story}: WeChat was asked {times} times");
    }

    /// A call of the worker's own.
    pub(super) fn check_call(&self, call: &Call) {
        let story = format!("a call to {}", call.cluster);
        let text = format!("{}\n{}", call.path, String::from_utf8_lossy(&call.body));
        match &*call.cluster {
            "sessions" => self.check_sealed(&text, &story),
            "app" => {
                self.check_secrets(&text, &story);
                self.check_delivery(call, &text, &story);
            }
            _ => {}
        }
    }
}

/// The values of a name, in whatever spelling an app may read as it.
fn values<'a>(passed: &'a Passed, name: &str) -> Vec<&'a str> {
    let is_own = |own: &str| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        own.len() == name.len() && own.chars().map(plain).eq(name.chars())
    };
    let found = passed.headers.iter().filter(|(own, _)| is_own(own));
    found
        .map(|(_, value)| std::str::from_utf8(value).unwrap())
        .collect()
}

fn text(headers: &[(String, Vec<u8>)]) -> String {
    let line =
        |(name, value): &(String, Vec<u8>)| format!("{name}: {}\n", String::from_utf8_lossy(value));
    headers.iter().map(line).collect()
}

fn shown(passed: &Passed) -> String {
    let body = String::from_utf8_lossy(passed.body.get(..200).unwrap_or(&passed.body));
    format!("{}{body}", text(&passed.headers))
}
