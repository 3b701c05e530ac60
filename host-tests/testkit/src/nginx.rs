//! A real nginx on a loopback port, from Debian's package, with a configuration of the test's own.
//! Never touches the system's configuration, and leaves no process and no file behind.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use anyhow::{Context, Result};
use project::debian;
use tempfile::TempDir;

use crate::ports::on_a_free_port;
use crate::process::{Process, START_TIMEOUT, tail};

/// One process, so that nothing is left of it when it is killed; and every file in its own folder.
const FRAME: &str = "\
daemon off;
master_process off;
pid pid;
error_log log info;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
";

/// A running nginx. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Nginx {
    addr: SocketAddr,
    /// First, so that it is gone before its folder.
    _process: Process,
    folder: TempDir,
}

impl Nginx {
    /// Starts an nginx with `http` as the inside of its `http { … }`. `LISTEN` in it stands for the address that is to
    /// be listened on (`listen LISTEN;`); relative paths are in a folder of its own.
    ///
    /// # Errors
    /// When nginx cannot be had, or does not start; with its last log lines.
    pub fn start(http: &str) -> Result<Self> {
        on_a_free_port(|port| {
            let folder = tempfile::tempdir()?;
            let addr = SocketAddr::from(([127, 0, 0, 1], port));
            let process = launch(http, addr, &folder)?;
            Ok(Self {
                addr,
                _process: process,
                folder,
            })
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn launch(http: &str, addr: SocketAddr, folder: &TempDir) -> Result<Process> {
    let config = folder.path().join("nginx.conf");
    let http = http.replace("LISTEN", &addr.to_string());
    fs::write(&config, format!("{FRAME}{http}\n}}\n"))?;
    let log = folder.path().join("log");
    let mut command = Command::new(debian::nginx()?);
    command
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&config)
        .arg("-e")
        .arg(&log);
    let mut process = Process::spawn_logging(&mut command, &folder.path().join("output"))?;
    // Written when the port is its own.
    let pid = folder.path().join("pid");
    process
        .wait_until(START_TIMEOUT, || {
            pid.exists() && TcpStream::connect(addr).is_ok()
        })
        .with_context(|| format!("nginx did not start. Its log ends:\n{}", tail(&log)))?;
    Ok(process)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::{Request, send};
    use crate::fakes::app::FakeApp;

    #[test]
    fn it_passes_requests_on_as_its_configuration_says() {
        let app = FakeApp::start();
        let http = format!(
            "server {{ listen LISTEN; location / {{ proxy_pass http://{}; }} }}",
            app.addr()
        );
        let nginx = Nginx::start(&http).unwrap();
        let answer = send(
            nginx.addr(),
            &Request::get("/a?b=c"),
            Duration::from_secs(10),
        );
        assert_eq!(answer.unwrap().status, 200, "{}", nginx.log());
        assert_eq!(app.take().remove(0).path, "/a?b=c");
    }
}
