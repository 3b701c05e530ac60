//! The options of `cargo xtask fake-wechat`.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use lexopt::prelude::*;

/// An app's id and its secret.
pub(crate) type App = (String, String);

/// What the command line asks for. Ports on 127.0.0.1; 0 is a free one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// WeChat's API, in plain HTTP.
    pub(crate) port: u16,
    /// The phones and the page.
    pub(crate) phone_port: u16,
    /// WeChat's API over TLS; none if nobody asks for it.
    pub(crate) https_port: Option<u16>,
    /// Where the certificate of the CA is written.
    pub(crate) ca_file: Option<PathBuf>,
    /// At least one.
    pub(crate) apps: Vec<App>,
    /// Where messages of the first app go; none if nobody asks for it.
    pub(crate) push: Option<PushTo>,
}

/// What an operator writes at WeChat for message push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PushTo {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) key: String,
    pub(crate) mode: String,
    pub(crate) format: String,
}

/// As in the examples of this project, so that they run against it as they are.
const APP: (&str, &str) = ("wx0123456789abcdef", "0123456789abcdef0123456789abcdef");

pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Options> {
    let mut options = Options {
        port: 9090,
        phone_port: 9091,
        https_port: None,
        ca_file: None,
        apps: Vec::new(),
        push: None,
    };
    let mut push = PushTo {
        url: String::new(),
        token: String::new(),
        key: String::new(),
        mode: "safe".to_owned(),
        format: "json".to_owned(),
    };
    let mut arguments = lexopt::Parser::from_args(arguments);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => options.port = port("--port", &mut arguments)?,
            Long("phone-port") => options.phone_port = port("--phone-port", &mut arguments)?,
            Long("https-port") => {
                options.https_port = Some(port("--https-port", &mut arguments)?);
            }
            Long("ca-file") => options.ca_file = Some(arguments.value()?.into()),
            Long("app") => options.apps.push(arguments.value()?.parse_with(app)?),
            Long("push-to") => push.url = arguments.value()?.string()?,
            Long("push-token") => push.token = arguments.value()?.string()?,
            Long("push-key") => push.key = arguments.value()?.string()?,
            Long("push-mode") => push.mode = arguments.value()?.string()?,
            Long("push-format") => push.format = arguments.value()?.string()?,
            other => bail!("{}: see cargo xtask help", other.unexpected()),
        }
    }
    ensure!(
        options.https_port.is_some() == options.ca_file.is_some(),
        "--https-port and --ca-file go together: whoever comes over TLS must trust the CA"
    );
    if !push.url.is_empty() {
        ensure!(!push.token.is_empty(), "--push-to needs --push-token");
        let needs_key = push.mode != "plain";
        ensure!(
            !needs_key || push.key.len() == 43,
            "--push-key: an EncodingAESKey has 43 characters"
        );
        options.push = Some(push);
    }
    if options.apps.is_empty() {
        options.apps.push((APP.0.to_owned(), APP.1.to_owned()));
    }
    Ok(options)
}

fn port(option: &str, arguments: &mut lexopt::Parser) -> Result<u16> {
    let value = arguments.value()?;
    value
        .parse()
        .with_context(|| format!("{option}: `{}` is not a port", value.display()))
}

fn app(value: &str) -> Result<App> {
    match value.split_once('=') {
        Some((appid, secret)) if !appid.is_empty() && !secret.is_empty() => {
            Ok((appid.to_owned(), secret.to_owned()))
        }
        _ => bail!("--app needs APPID=SECRET"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn without_options_it_serves_the_app_of_the_examples() {
        let options = read(&[]).unwrap();
        assert_eq!((options.port, options.phone_port), (9090, 9091));
        assert_eq!(options.https_port, None);
        assert_eq!(options.apps.len(), 1);
    }

    #[test]
    fn options_are_read() {
        let arguments = ["--port", "0", "--phone-port", "1", "--https-port", "2"];
        let more = ["--ca-file", "ca.pem", "--app", "wx1=s=1", "--app", "wx2=s2"];
        let options = read(&[&arguments[..], &more].concat()).unwrap();
        let app = |appid: &str, secret: &str| (appid.to_owned(), secret.to_owned());
        let expected = Options {
            port: 0,
            phone_port: 1,
            https_port: Some(2),
            ca_file: Some("ca.pem".into()),
            apps: vec![app("wx1", "s=1"), app("wx2", "s2")],
            push: None,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (arguments, said) in [
            (&["--port", "x"][..], "--port: `x` is not a port"),
            (&["--app", "wx1"], "--app needs"),
            (&["--app", "wx1="], "--app needs"),
            (&["--https-port", "1"], "--ca-file"),
            (&["--ca-file", "1"], "--https-port"),
            (&["--push-to", "http://a/b"], "--push-token"),
            (
                &["--push-to", "http://a/b", "--push-token", "t"],
                "--push-key",
            ),
            (&["more"], "more"),
        ] {
            let message = format!("{:#}", read(arguments).unwrap_err());
            assert!(message.contains(said), "{message}");
        }
    }
}
