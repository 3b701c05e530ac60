//! WeChat's messages on request: sends one to the edge as WeChat would, again where no good answer comes, and says what it
//! heard.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use testkit::client::{self, Request};
use testkit::fakes::wechat::{FakeWechat, Heard, Message, Mode, PushAccount, PushFormat};
use testkit::phone_server::{Page, Target};

use crate::options::PushTo;

pub(crate) const PATHS: &str = "\
/push/check                 checks the edge's URL, as WeChat does when it is set
/push/text?content=hello    what a user writes
/push/event?event=NAME      something that has happened
";

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Where messages go, and how.
pub(crate) struct Pushes {
    edge: SocketAddr,
    account: PushAccount,
    wechat: FakeWechat,
}

impl Pushes {
    pub(crate) fn new(to: &PushTo, appid: &str, wechat: &FakeWechat) -> Result<Self> {
        let (host, path) = to
            .url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .with_context(|| format!("--push-to {}: needs http://HOST:PORT/PATH", to.url))?;
        let mut found = host
            .to_socket_addrs()
            .with_context(|| format!("--push-to {}", to.url))?;
        let path = format!("/{path}");
        let account = wechat.push_account(appid, &to.token, &to.key, &path);
        Ok(Self {
            edge: found
                .next()
                .with_context(|| format!("--push-to {}", to.url))?,
            account: account.in_mode(mode(&to.mode)?, format_of(&to.format)?),
            wechat: wechat.clone(),
        })
    }

    /// What is said of a message that was sent. `None` for a target that is none of [`PATHS`].
    pub(crate) fn page(&self, target: &Target<'_>) -> Option<Page> {
        let text = |body: String| ("200 OK", "text/plain; charset=utf-8", body);
        if target.path == "/push/check" {
            return Some(text(self.check()));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let from = target.phone(&self.wechat).openid();
        let message = match target.path {
            "/push/text" => {
                // Each is a message of its own.
                let id = u64::try_from(now.as_nanos()).unwrap_or_default();
                let content = target.named("content").unwrap_or("hello");
                Message::text(&from, now.as_secs(), id, content)
            }
            "/push/event" => {
                let event = target.named("event").unwrap_or("debug_demo");
                Message::event(&from, now.as_secs(), event)
            }
            _ => return None,
        };
        let heard = self.account.send_to(self.edge, &message);
        let lines = heard.iter().zip(1..).map(|(heard, number)| match heard {
            Heard::Nothing => format!("try {number}: it has come\n"),
            Heard::Answer(answer) => {
                format!("try {number}: it has come, and is answered:\n{answer}\n")
            }
            Heard::Fault(fault) => format!("try {number}: {fault}\n"),
        });
        Some(text(lines.collect()))
    }

    fn check(&self) -> String {
        let (push, expected) = self.account.check();
        match client::send(self.edge, &Request::new(push.method, &push.target), TIMEOUT) {
            Ok(answer) if answer.status == 200 && answer.text() == expected => {
                "the URL is good\n".to_owned()
            }
            Ok(answer) => format!(
                "expected 200 and {expected}, got {} and {}\n",
                answer.status,
                answer.text()
            ),
            Err(error) => format!("no answer: {error}\n"),
        }
    }
}

fn mode(name: &str) -> Result<Mode> {
    match name {
        "plain" => Ok(Mode::Plain),
        "compatible" => Ok(Mode::Compatible),
        "safe" => Ok(Mode::Safe),
        _ => bail!("--push-mode needs plain, compatible or safe"),
    }
}

fn format_of(name: &str) -> Result<PushFormat> {
    match name {
        "json" => Ok(PushFormat::Json),
        "xml" => Ok(PushFormat::Xml),
        _ => bail!("--push-format needs json or xml"),
    }
}
