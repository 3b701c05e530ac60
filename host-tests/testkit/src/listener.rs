//! A TCP listener on a free loopback port with a thread for each connection; dropping it ends them all.
//! It never reads or writes a byte itself.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// On loopback; the system chooses.
pub(crate) const FREE_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

type Live = Arc<Mutex<HashMap<u64, TcpStream>>>;

/// Takes connections until it is dropped.
#[derive(Debug)]
pub struct Listener {
    addr: SocketAddr,
    stopping: Arc<AtomicBool>,
    live: Live,
    accepting: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts on a free port; `serve` has each connection to itself.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::start_at(FREE_PORT, serve).expect("a free loopback port")
    }

    /// The same at this address.
    ///
    /// # Errors
    /// If nothing can listen there.
    pub fn start_at(
        addr: SocketAddr,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let live = Live::default();
        let accepting = std::thread::spawn({
            let (stopping, live, serve) =
                (Arc::clone(&stopping), Arc::clone(&live), Arc::new(serve));
            move || {
                for (id, stream) in (0..).zip(listener.incoming()) {
                    if stopping.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else {
                        std::thread::sleep(Duration::from_millis(5));
                        continue;
                    };
                    let registered = Registered::new(id, &stream, &live);
                    let serve = Arc::clone(&serve);
                    std::thread::spawn(move || {
                        let _registered = registered;
                        let _ = stream.set_nodelay(true);
                        serve(stream);
                    });
                }
            }
        });
        Ok(Self {
            addr,
            stopping,
            live,
            accepting: Some(accepting),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in locked(&self.live).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A connection's place in the table of live ones; leaves it when its thread ends, by a panic too.
struct Registered(u64, Live);

impl Registered {
    fn new(id: u64, stream: &TcpStream, live: &Live) -> Self {
        if let Ok(handle) = stream.try_clone() {
            locked(live).insert(id, handle);
        }
        Self(id, Arc::clone(live))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        locked(&self.1).remove(&self.0);
    }
}

/// The lock, also after a thread that held it has panicked: the tables here are whole between any two statements.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
