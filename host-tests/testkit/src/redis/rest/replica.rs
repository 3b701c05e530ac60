//! A read replica behind the REST dialect, as a global database of Upstash has them: a second Redis that is told of every
//! write some time after the first has taken it. <https://upstash.com/docs/redis/howto/readyourwrites>
//! It is never told anything that the first was not.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::dialect::Command;
use crate::listener::locked;
use crate::redis::resp;

/// How long a read that brings a sync token waits at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the replica, shared by all connections.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) addr: SocketAddr,
    lag: Duration,
    /// Held while the primary is asked, so that both see the same order.
    pub(super) order: Mutex<()>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    coming: VecDeque<(Instant, Vec<Command>)>,
    told: u64,
    heard: u64,
    stopped: bool,
}

impl Replica {
    /// One that hears of everything `lag` later.
    pub(super) fn start(addr: SocketAddr, lag: Duration) -> Arc<Self> {
        let replica = Arc::new(Self {
            addr,
            lag,
            order: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        std::thread::spawn({
            let replica = Arc::clone(&replica);
            // A replica that cannot be reached any more hears of nothing.
            move || drop(replica.follow())
        });
        replica
    }

    pub(super) fn stop(&self) {
        locked(&self.state).stopped = true;
        self.changed.notify_all();
    }

    /// The primary has taken these.
    pub(super) fn tell(&self, commands: Vec<Command>) {
        let mut state = locked(&self.state);
        state.told += 1;
        state
            .coming
            .push_back((Instant::now() + self.lag, commands));
        self.changed.notify_all();
    }

    /// How far the primary is.
    pub(super) fn sync_token(&self) -> String {
        format!("state-{}=", locked(&self.state).told)
    }

    /// Waits until the replica is as far as a token says.
    pub(super) fn sync(&self, token: &str) {
        let number = token
            .strip_prefix("state-")
            .and_then(|rest| rest.strip_suffix('='));
        let number: u64 = number.and_then(|number| number.parse().ok()).unwrap_or(0);
        let state = locked(&self.state);
        let behind = |state: &mut State| state.heard < number && !state.stopped;
        drop(self.changed.wait_timeout_while(state, PATIENCE, behind));
    }

    fn follow(&self) -> ::redis::RedisResult<()> {
        let mut connection = resp::connect(self.addr, None, PATIENCE)?;
        loop {
            let mut state = locked(&self.state);
            if state.stopped {
                return Ok(());
            }
            let now = Instant::now();
            let wait = state
                .coming
                .front()
                .map(|(due, _)| due.saturating_duration_since(now));
            match wait {
                Some(Duration::ZERO) => {
                    let (_, commands) = state.coming.pop_front().expect("there is one");
                    drop(state);
                    for command in &commands {
                        resp::ask(&mut connection, command)?;
                    }
                    locked(&self.state).heard += 1;
                    self.changed.notify_all();
                }
                wait => {
                    let wait = wait.unwrap_or(Duration::from_millis(100));
                    drop(self.changed.wait_timeout(state, wait));
                }
            }
        }
    }
}
