//! The phone for people with curl: gives fresh codes, and data signed and encrypted as WeChat does it.
//! Never speaks to the edge: whoever asks carries the answer there, as a mini program would.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::fakes::wechat::{FakeWechat, KeyAge, OpenData, Phone, parameters};
use crate::listener::{FREE_PORT, Listener};
use crate::serve::{self, Then, framed};

const TIMEOUT: Duration = Duration::from_secs(5);
const PATHS: &str = "\
/phone/login               a fresh code of wx.login
/phone/user-info           encryptedData, iv, rawData, signature: for decrypt, verify, register
/phone/user-info/previous  the same under the session_key before the newest
/phone/phone-number        encryptedData, iv, and a fresh code of the button
";

/// Whose phone it is where nobody is named.
const ANYBODY: &str = "ming";

/// Status, content type and body.
pub type Page = (&'static str, &'static str, String);

/// Answers on a free loopback port until it is dropped.
pub fn serve(wechat: FakeWechat) -> Listener {
    serve_pages(move |target| page(&wechat, target))
}

/// The same with other pages: `page` has the target of a request, with its query.
///
/// # Panics
/// If there is no free port.
pub fn serve_pages(page: impl Fn(&str) -> Page + Send + Sync + 'static) -> Listener {
    serve_pages_at(FREE_PORT, page).expect("a free loopback port")
}

/// The same at this address.
///
/// # Errors
/// If nothing can listen there.
pub fn serve_pages_at(
    addr: SocketAddr,
    page: impl Fn(&str) -> Page + Send + Sync + 'static,
) -> io::Result<Listener> {
    Listener::start_at(addr, move |stream| {
        // Who breaks off has only themselves to tell.
        let _ = answer(stream, &page);
    })
}

fn answer(stream: TcpStream, page: &impl Fn(&str) -> Page) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    serve::serve(stream, |wire, head, _| {
        let (status, kind, body) = page(&head.target);
        let headers = format!("content-type: {kind}\r\nconnection: close\r\n");
        let answer = framed(status, &headers, &body);
        wire.stream().write_all(answer.as_bytes())?;
        Ok(Then::Close)
    })
}

/// What is asked of a phone: a path, and what stands in the query.
#[derive(Debug)]
pub struct Target<'a> {
    /// Without the query.
    pub path: &'a str,
    parameters: Vec<(String, String)>,
}

impl<'a> Target<'a> {
    /// Of a request.
    #[must_use]
    pub fn of(target: &'a str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parameters = parameters(query);
        Self { path, parameters }
    }

    /// A parameter; an empty one is none.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&str> {
        let given = self.parameters.iter().find(|(own, _)| own == name);
        let value = given.map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// Whose phone is meant.
    #[must_use]
    pub fn phone(&self, wechat: &FakeWechat) -> Phone {
        let user = self.named("user").unwrap_or(ANYBODY);
        match self.named("app") {
            Some(appid) => wechat.phone_in(appid, user),
            None => wechat.phone(user),
        }
    }
}

/// What the phone answers; a `target` that is none of [`PATHS`] gets their list.
pub fn page(wechat: &FakeWechat, target: &str) -> Page {
    let target = Target::of(target);
    let phone = target.phone(wechat);
    let text = |status, body| (status, "text/plain; charset=utf-8", body);
    let json = |data: OpenData| {
        let body = data.to_json().to_string();
        ("200 OK", "application/json", body)
    };
    match target.path {
        "/phone/login" => text("200 OK", phone.login()),
        "/phone/user-info" => match phone.session_keys().len() {
            0 => text("409 Conflict", "this user has not logged in yet\n".into()),
            _ => json(phone.user_info()),
        },
        "/phone/user-info/previous" => match phone.session_keys().len() {
            0 | 1 => text("409 Conflict", "this user has no older key\n".into()),
            _ => json(phone.user_info_under(KeyAge::Previous)),
        },
        "/phone/phone-number" => match phone.session_keys().len() {
            0 => text("409 Conflict", "this user has not logged in yet\n".into()),
            _ => {
                let mut detail = phone.phone_number().to_json();
                detail["code"] = phone.phone_code().into();
                ("200 OK", "application/json", detail.to_string())
            }
        },
        _ => text("404 Not Found", PATHS.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Request, send};

    #[test]
    fn codes_are_fresh_and_data_waits_for_a_login() {
        let wechat = FakeWechat::new("wx1", "secret");
        let phone = serve(wechat.clone());
        let get = |path: &str| send(phone.addr(), &Request::get(path), TIMEOUT).unwrap();
        assert_eq!(get("/phone/user-info").status, 409);
        let (one, other) = (get("/phone/login").text(), get("/phone/login").text());
        assert_ne!(one, other);
        let exchange = format!(
            "/sns/jscode2session?appid=wx1&secret=secret&js_code={one}&grant_type=authorization_code"
        );
        assert_eq!(wechat.answer("GET", &exchange).status, 200);
        assert!(get("/phone/user-info").json().unwrap()["signature"].is_string());
        assert_eq!(get("/phone/user-info/previous").status, 409);
        assert_eq!(get("/phone/user-info?user=other").status, 409);
        assert_eq!(get("/").status, 404);
    }
}
