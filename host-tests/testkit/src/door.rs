//! A TCP relay in front of a server that lives in this process: so that it can be killed, frozen and started again like a
//! program, and keeps what it knows.
//! Never looks at a byte.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crate::listener::{FREE_PORT, Listener, locked};

/// Leads to a server. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Door {
    addr: SocketAddr,
    server: SocketAddr,
    gate: Arc<Gate>,
    /// None while it is shut.
    listener: Mutex<Option<Listener>>,
}

impl Door {
    /// An open one on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If there is none.
    pub fn to(server: SocketAddr) -> io::Result<Self> {
        let gate = Arc::new(Gate::default());
        let listener = listen(FREE_PORT, server, &gate)?;
        Ok(Self {
            addr: listener.addr(),
            server,
            gate,
            listener: Mutex::new(Some(listener)),
        })
    }

    /// Where it is, open or shut.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// As if the server were killed: the port is closed and every connection ended.
    pub fn shut(&self) {
        locked(&self.listener).take();
    }

    /// As if it were started again.
    ///
    /// # Errors
    /// If somebody has taken the port.
    pub fn open(&self) -> io::Result<()> {
        let mut listener = locked(&self.listener);
        if listener.is_none() {
            *listener = Some(listen(self.addr, self.server, &self.gate)?);
        }
        Ok(())
    }

    /// As if it were sent SIGSTOP: connections are accepted, and nothing moves on them.
    pub fn freeze(&self) {
        self.gate.set(true);
    }

    /// As if it were sent SIGCONT.
    pub fn thaw(&self) {
        self.gate.set(false);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut();
        self.thaw();
    }
}

fn listen(addr: SocketAddr, server: SocketAddr, gate: &Arc<Gate>) -> io::Result<Listener> {
    let gate = Arc::clone(gate);
    Listener::start_at(addr, move |client| {
        gate.pass();
        // Either side may end it at any time.
        let _ = relay(client, server, &gate);
    })
}

fn relay(client: TcpStream, server: SocketAddr, gate: &Arc<Gate>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    server.set_nodelay(true)?;
    let (up_from, up_to) = (client.try_clone()?, server.try_clone()?);
    let up = thread::spawn({
        let gate = Arc::clone(gate);
        move || copy(up_from, up_to, &gate)
    });
    copy(server, client, gate);
    let _ = up.join();
    Ok(())
}

/// Until either end is over: then both are.
fn copy(mut from: TcpStream, mut to: TcpStream, gate: &Gate) {
    let mut room = [0; 16 * 1024];
    while let Ok(size @ 1..) = from.read(&mut room) {
        gate.pass();
        if to.write_all(&room[..size]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[derive(Debug, Default)]
struct Gate {
    is_closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn set(&self, closed: bool) {
        *locked(&self.is_closed) = closed;
        self.changed.notify_all();
    }

    fn pass(&self) {
        let closed = locked(&self.is_closed);
        let waited = self.changed.wait_while(closed, |closed| *closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::{Connection, Request, send};
    use crate::fakes::app::FakeApp;

    const PATIENCE: Duration = Duration::from_secs(10);
    const SILENCE: Duration = Duration::from_millis(200);

    #[test]
    fn what_is_shut_refuses_ends_what_it_had_and_opens_where_it_was() {
        let app = FakeApp::start();
        let door = Door::to(app.addr()).unwrap();
        let get = Request::get("/");
        let mut before = Connection::open(door.addr(), PATIENCE).unwrap();
        assert_eq!(before.send(&get).unwrap().status, 200);
        door.shut();
        assert!(before.send(&get).is_err());
        assert!(TcpStream::connect(door.addr()).is_err());
        door.open().unwrap();
        assert_eq!(send(door.addr(), &get, PATIENCE).unwrap().status, 200);
        assert_eq!(app.count(), 2);
    }

    #[test]
    fn what_is_frozen_accepts_and_is_silent_and_answers_when_it_thaws() {
        let app = FakeApp::start();
        let door = Door::to(app.addr()).unwrap();
        let get = Request::get("/");
        let mut before = Connection::open(door.addr(), SILENCE).unwrap();
        assert_eq!(before.send(&get).unwrap().status, 200);
        door.freeze();
        let mut now = Connection::open(door.addr(), SILENCE).unwrap();
        assert!(before.send(&get).is_err());
        assert!(now.send(&get).is_err());
        assert_eq!(app.count(), 1);
        door.thaw();
        let mut later = Connection::open(door.addr(), PATIENCE).unwrap();
        assert_eq!(later.send(&get).unwrap().status, 200);
        crate::eventually(|| app.count() == 4);
    }
}
