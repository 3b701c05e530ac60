//! `cargo xtask fake-wechat`: WeChat as the tests of this project have it, with a phone to go with it, for the tests of
//! an app or for trying one by hand. Stays up until Ctrl-C or SIGTERM.
//! Never speaks to the real WeChat, and listens on loopback alone.

mod options;
mod pushes;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::mpsc;

use anyhow::{Context as _, Result};
use options::Options;
use pushes::Pushes;
use testkit::fakes::wechat::{FakeWechat, WechatServer};
use testkit::listener::Listener;
use testkit::phone_server::{self, Target};

const PAGE: &str = include_str!("page.html");

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    match options::parse(arguments).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        let _ = stop.send(());
    })?;
    let running = Running::start(options)?;
    print!("{}", running.words(options));
    stopped.recv()?;
    Ok(())
}

/// Until it is dropped.
struct Running {
    plain: WechatServer,
    phones: Listener,
    https: Option<WechatServer>,
}

impl Running {
    fn start(options: &Options) -> Result<Self> {
        let mut apps = options.apps.iter();
        let (first, secret) = apps.next().context("no app")?;
        let wechat = FakeWechat::new(first, secret);
        for (appid, secret) in apps {
            wechat.add_app(appid, secret);
        }
        let plain = wechat
            .serve_plain_at(at(options.port))
            .with_context(|| format!("--port {}", options.port))?;
        let https = options.https_port.map(|port| {
            wechat
                .serve_at(at(port))
                .with_context(|| format!("--https-port {port}"))
        });
        let https = https.transpose()?;
        if let (Some(https), Some(file)) = (&https, &options.ca_file) {
            std::fs::write(file, https.ca_pem())
                .with_context(|| format!("--ca-file {}", file.display()))?;
        }
        let pushes = options.push.as_ref();
        let pushes = pushes.map(|to| Pushes::new(to, first, &wechat));
        let pushes = pushes.transpose()?;
        let phones = phone_server::serve_pages_at(at(options.phone_port), move |target| {
            if target == "/" {
                return ("200 OK", "text/html; charset=utf-8", PAGE.to_owned());
            }
            let page = pushes
                .as_ref()
                .and_then(|pushes| pushes.page(&Target::of(target)));
            page.unwrap_or_else(|| phone_server::page(&wechat, target))
        });
        Ok(Self {
            plain,
            phones: phones.with_context(|| format!("--phone-port {}", options.phone_port))?,
            https,
        })
    }

    /// What there is, and where.
    fn words(&self, options: &Options) -> String {
        let apps = options.apps.iter().map(|(appid, _)| appid.as_str());
        let apps = apps.collect::<Vec<_>>().join(", ");
        let (plain, phones) = (self.plain.addr(), self.phones.addr());
        let https = match (&self.https, &options.ca_file) {
            (Some(https), Some(file)) => {
                let (addr, file) = (https.addr(), file.display());
                format!("the same over TLS           https://{addr}  (trust {file})\n")
            }
            _ => String::new(),
        };
        let pushes = match &options.push {
            Some(to) => format!(
                "messages                    to {}; ask the phone:\n{}",
                to.url,
                pushes::PATHS
            ),
            None => String::new(),
        };
        format!(
            "\
WeChat's API                http://{plain}  in place of https://api.weixin.qq.com
{https}a phone, for curl           http://{phones}/phone
a phone, for the browser    http://{phones}/
apps                        {apps}
{pushes}
Ctrl-C stops it.
"
        )
    }
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::time::Duration;
    use testkit::client::{Request, Response, send};

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn free(apps: &[(&str, &str)]) -> Options {
        let apps = apps.iter();
        Options {
            port: 0,
            phone_port: 0,
            https_port: None,
            ca_file: None,
            apps: apps
                .map(|(appid, secret)| ((*appid).to_owned(), (*secret).to_owned()))
                .collect(),
            push: None,
        }
    }

    fn get(addr: SocketAddr, target: &str) -> Response {
        send(addr, &Request::get(target), TIMEOUT).expect("an answer")
    }

    #[test]
    fn a_code_of_the_phone_is_exchanged_at_its_own_app() {
        let running = Running::start(&free(&[("wx1", "one"), ("wx2", "two")])).expect("it starts");
        let code = get(running.phones.addr(), "/phone/login?user=bo&app=wx2").text();
        let exchange = |appid: &str, secret: &str| {
            let target = format!(
                "/sns/jscode2session?appid={appid}&secret={secret}&js_code={code}&grant_type=authorization_code"
            );
            get(running.plain.addr(), &target).json().expect("JSON")
        };
        assert_eq!(exchange("wx1", "one")["errcode"], 40029);
        assert!(exchange("wx2", "two")["openid"].is_string());
    }

    #[test]
    fn the_page_asks_only_for_what_the_phone_has() {
        let running = Running::start(&free(&[("wx1", "one")])).expect("it starts");
        let page = get(running.phones.addr(), "/");
        assert_eq!(page.status, 200);
        let page = page.text();
        let targets: Vec<_> = page.split("data-path=\"").skip(1).collect();
        assert!(!targets.is_empty());
        for target in targets {
            let target = target.split('"').next().expect("a value");
            let status = get(running.phones.addr(), target).status;
            assert!(status == 200 || status == 409, "{target}: {status}");
        }
    }

    /// An edge that knows no message: what it answers is told, and why WeChat comes again.
    #[test]
    fn what_an_edge_says_to_a_message_is_told() {
        let edge = Listener::start(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        });
        let push = options::PushTo {
            url: format!("http://{}/wx/push", edge.addr()),
            token: "AAAAA".to_owned(),
            key: "A".repeat(43),
            mode: "safe".to_owned(),
            format: "xml".to_owned(),
        };
        let running = Running::start(&Options {
            push: Some(push),
            ..free(&[("wx1", "one")])
        });
        let running = running.expect("it starts");
        let said = |target: &str| get(running.phones.addr(), target).text();
        assert!(said("/push/check").contains("got 403"));
        assert_eq!(
            said("/push/text?content=hi"),
            "try 1: HTTP 403\ntry 2: HTTP 403\ntry 3: HTTP 403\n"
        );
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let running = Running::start(&free(&[("wx1", "one")])).expect("it starts");
        let taken = Options {
            phone_port: running.phones.addr().port(),
            ..free(&[("wx1", "one")])
        };
        let error = Running::start(&taken).err().expect("taken");
        assert!(
            format!("{error:#}").starts_with("--phone-port"),
            "{error:#}"
        );
    }
}
