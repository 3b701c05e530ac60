//! A host for Spin components in this process: real TCP in front, the component model around them, and what Spin
//! gives a component (variables, key-value stores, Redis, files, outbound HTTP to where the test says).
//! It stands in for Spin where there is none: what Spin does to a request, an instance or a manifest, it does too. And
//! it can do what Spin cannot: move the clock, count fuel, list what a component asks of its host, and hold one answer
//! back while others go on.
//! Knows nothing of WeChat, and never alters what a component sends or is sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a failed step must stop the test with its message"
)]

mod activity;
mod application;
mod arrival;
mod bindings;
mod body;
mod calls;
mod clock;
pub mod components;
mod instance;
mod job;
mod key_value;
mod log;
mod manifest;
mod outbound;
mod pool;
mod redis;
mod resources;
mod ruin;
mod server;
mod shared;
mod state;
mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;

pub use application::Application;
pub use calls::Held;
pub use components::{middleware, middleware_before_app, service};
pub use manifest::{APP_OUTSIDE, Inherited, Instances, Manifest, Upstream};

use manifest::Destination;
use shared::Shared;

/// A running component. Dropping it closes the port and ends the instances.
pub struct SpinHost {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SpinHost {
    /// Starts `component` on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When it is no component that Spin could run, or asks for an interface that this host has not.
    pub fn start(component: &[u8], manifest: Manifest) -> Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), component, manifest)
    }

    /// Starts `component` at this address.
    ///
    /// # Errors
    /// As [`SpinHost::start`], when the manifest says what Spin would not start with, and when the port is taken.
    pub fn start_at(addr: SocketAddr, component: &[u8], manifest: Manifest) -> Result<Self> {
        manifest.check()?;
        let load = |component: &[u8]| instance::Loaded::cached(component, !manifest.without_fuel);
        let loaded = load(component)?;
        let mut chained = BTreeMap::new();
        for (host, upstream) in &manifest.outbound {
            if let Destination::Component(component) = &upstream.0 {
                let name = host.rsplit("://").next().unwrap_or_default();
                let name = arrival::chained_component(name).context("NAME.spin.internal")?;
                chained.insert(name.to_owned(), load(component)?);
            }
        }
        let shared = Arc::new(Shared::new(manifest));
        let listener = std::net::TcpListener::bind(addr)
            .with_context(|| format!("cannot listen on {addr}"))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || server::run(listener, loaded, chained, &shared, stopped)
        });
        Ok(Self {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where clients reach it, in plain HTTP/1.1.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until no request is under way, not even in what a component does after its answer.
    ///
    /// # Panics
    /// When that takes longer than a test should.
    pub fn settle(&self) {
        self.shared.activity.settle();
    }

    /// What the component has written to stderr.
    #[must_use]
    pub fn log(&self) -> String {
        self.shared.log.text()
    }

    /// Moves the component's wall clock ahead. Timers keep to real time.
    pub fn advance(&self, span: Duration) {
        self.shared.clock.advance(span);
    }

    /// Sets the component's wall clock back, as an administrator or NTP would.
    pub fn set_back(&self, span: Duration) {
        self.shared.clock.set_back(span);
    }

    /// The component's wall clock: time since the epoch.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.shared.clock.now()
    }

    /// The keys in the key-value store of this label.
    #[must_use]
    pub fn keys(&self, label: &str) -> Vec<String> {
        self.shared.keys(label)
    }

    /// What the key-value store of this label holds at a key.
    #[must_use]
    pub fn entry(&self, label: &str, key: &str) -> Option<Vec<u8>> {
        self.shared.entry(label, key)
    }

    /// Writes it, as another component with the same store may at any time.
    pub fn set_entry(&self, label: &str, key: &str, value: &[u8]) {
        self.shared.set_entry(label, key, value);
    }

    /// Empties all key-value stores, as an operator may at any time.
    pub fn empty_stores(&self) {
        self.shared.empty_stores();
    }

    /// Fuel spent since the last look (about one unit an instruction), of what has settled.
    pub fn take_fuel(&self) -> u64 {
        self.settle();
        self.shared.activity.take_fuel()
    }

    /// Writes to clients' connections since the last look: what a client on a slow network waits for one by one.
    pub fn take_writes(&self) -> isize {
        self.shared.activity.take_writes()
    }

    /// How many instances there have been.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.shared.activity.instances()
    }

    /// What components have asked of the host since the last look, in order: each call's beginning and its end.
    pub fn take_calls(&self) -> Vec<String> {
        self.shared.calls.take()
    }

    /// Holds whoever comes to the `step`-th entry of [`SpinHost::take_calls`] from now on, counted from 0. Those that
    /// come after it are not held.
    #[must_use]
    pub fn hold(&self, step: usize) -> Held<'_> {
        self.shared.calls.hold(step)
    }
}

impl Drop for SpinHost {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the host panicked"
            );
        }
    }
}
