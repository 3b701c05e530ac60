//! A running Spin with the service component of `spin.toml` in it: the `spin` on PATH, or else this project's own host
//! for Spin components. Never holds a manifest of its own: what is tried is what is shipped, altered.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use project::{Manifest, ensure_target, program, target_folder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ports::free_port;
use crate::process::{Process, tail};

/// The component is compiled while it starts, on a machine that may be busy.
const START_TIMEOUT: Duration = Duration::from_secs(120);

const COMPONENT: &str = "wx-session";
const CONFIGURATION: &str = "wx-session.json";
const MANIFEST: &str = "spin.toml";
const LOG: &str = "log";

/// What runs the component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runner {
    /// `spin up`.
    Spin {
        /// The executable.
        path: PathBuf,
        /// As it names itself.
        version: String,
    },
    /// `host-tests/spin-host`.
    TestHost {
        /// The executable.
        path: PathBuf,
        /// Why not Spin.
        reason: String,
    },
}

impl Runner {
    /// The `spin` on PATH if it is 4.1 or newer, or else this project's host, built with cargo's progress on the
    /// terminal.
    ///
    /// # Errors
    /// When there is no `spin` and the host does not build.
    pub fn find() -> Result<Self> {
        match project::spin::executable() {
            Ok((path, version)) => Ok(Self::Spin { path, version }),
            Err(reason) => Ok(Self::TestHost {
                path: program("spin-host")?,
                reason,
            }),
        }
    }
}

/// A service component that answers. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct SpinEdge {
    /// First, so that it is gone before its folder.
    _process: Process,
    folder: TempDir,
    addr: SocketAddr,
}

/// Where the component finds what is outside.
#[derive(Clone, Copy, Debug)]
pub struct Outside<'a> {
    /// Plain HTTP.
    pub wechat: SocketAddr,
    /// Plain HTTP.
    pub app: SocketAddr,
    /// The AppSecret.
    pub secret: &'a str,
}

impl SpinEdge {
    /// Builds what `spin.toml` says of the component, and gives the path of the `.wasm`.
    ///
    /// # Errors
    /// When the Rust target is missing and cannot be added, or the build fails.
    pub fn build() -> Result<PathBuf> {
        ensure_target("wasm32-wasip2")?;
        let builds = Manifest::read(MANIFEST)?.builds()?;
        let build = builds
            .into_iter()
            .find(|build| build.component == COMPONENT);
        let build = build.context("spin.toml builds no wx-session")?;
        build.run()?;
        Ok(build.source)
    }

    /// Starts the component, which must have been built, on this port of 127.0.0.1, 0 for a free one, and waits until
    /// it answers.
    ///
    /// # Errors
    /// When it ends, or does not answer in two minutes; with its last log lines.
    pub fn start(runner: &Runner, port: u16, outside: Outside<'_>) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("spin-")
            .tempdir_in(target_folder())
            .context("cannot write into target")?;
        altered(folder.path(), outside)?;
        let port = match port {
            0 => free_port()?,
            port => port,
        };
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let (Runner::Spin { path, .. } | Runner::TestHost { path, .. }) = runner;
        let mut command = up(path, folder.path(), addr, outside.secret);
        let log = folder.path().join(LOG);
        let mut process = Process::spawn_logging(&mut command, &log)?;
        process
            .wait_until(START_TIMEOUT, || TcpStream::connect(addr).is_ok())
            .with_context(|| {
                let end = tail(&log);
                format!("the component did not start. The log ends:\n{end}")
            })?;
        Ok(Self {
            _process: process,
            folder,
            addr,
        })
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What Spin and the component have written so far.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.path().join(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The configuration document beside `spin.toml`.
///
/// # Errors
/// When it cannot be read or is not JSON.
pub fn configuration() -> Result<Value> {
    let path = Manifest::read(MANIFEST)?.path(CONFIGURATION);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// Writes `spin.toml` and `wx-session.json` into `folder`, changed only in where things are.
fn altered(folder: &Path, outside: Outside<'_>) -> Result<()> {
    let manifest = Manifest::read(MANIFEST)?;
    let mut configuration = configuration()?;
    let (wechat, app) = (
        format!("http://{}", outside.wechat),
        format!("http://{}", outside.app),
    );
    configuration["wechat"]["url"] = json!(wechat);
    configuration["upstream"]["url"] = json!(app);
    fs::write(folder.join(CONFIGURATION), configuration.to_string())?;

    let source = manifest.document["component"][COMPONENT]["source"].as_str();
    let source = manifest.path(source.context("wx-session has no source")?);
    let mut altered = manifest;
    // The demo's app is a server, not a component.
    let service = &mut altered.document["component"][COMPONENT];
    service["source"] = json!(source);
    service["allowed_outbound_hosts"] = json!([wechat, app]);
    let mut service = service.take();
    // It is built; `spin up` builds again where SPIN_ALWAYS_BUILD is set, and would do so in the wrong folder.
    if let Some(service) = service.as_object_mut() {
        service.remove("build");
    }
    altered.document["component"] = json!({ COMPONENT: service });
    if let Some(triggers) = altered.document["trigger"]["http"].as_array_mut() {
        triggers.retain(|trigger| trigger["component"] == COMPONENT);
    }
    fs::write(folder.join(MANIFEST), altered.to_toml()?)?;
    Ok(())
}

/// `spin up`, which this project's own host understands too. What the component writes to stderr comes out of either.
fn up(spin: &Path, folder: &Path, addr: SocketAddr, secret: &str) -> Command {
    let mut command = Command::new(spin);
    command
        .current_dir(folder)
        .env("SPIN_VARIABLE_WX_SECRET", secret)
        .args(["up", "--from-file", MANIFEST, "--listen", &addr.to_string()]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_changed_in_where_things_are() {
        let folder = tempfile::tempdir().unwrap();
        let outside = Outside {
            wechat: SocketAddr::from(([127, 0, 0, 1], 1)),
            app: SocketAddr::from(([127, 0, 0, 1], 2)),
            secret: "secret",
        };
        altered(folder.path(), outside).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let manifest: Value = toml::from_str(&read(MANIFEST)).unwrap();
        let shipped = Manifest::read(MANIFEST).unwrap().document;
        let (now, before) = (
            &manifest["component"][COMPONENT],
            &shipped["component"][COMPONENT],
        );
        for same in ["files", "key_value_stores", "variables"] {
            assert_eq!(now[same], before[same]);
        }
        assert_eq!(manifest["variables"], shipped["variables"]);
        assert_eq!(
            now["allowed_outbound_hosts"],
            json!(["http://127.0.0.1:1", "http://127.0.0.1:2"])
        );
        assert!(!read(MANIFEST).contains("secret\""));
        let configuration: Value = serde_json::from_str(&read(CONFIGURATION)).unwrap();
        assert_eq!(configuration["wechat"]["url"], "http://127.0.0.1:1");
        assert_eq!(configuration["upstream"]["url"], "http://127.0.0.1:2");
        assert_eq!(configuration["apps"][0]["appid"], "wx0123456789abcdef");
    }
}
