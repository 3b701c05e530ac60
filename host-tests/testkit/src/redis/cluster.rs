//! A real Redis Cluster of three masters without replicas, each with a third of the slots.
//! Never waits by the clock: a node says itself when the cluster is whole.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ::redis::Value;
use anyhow::{Context, Result, bail};

use super::server::Server;

const NODES: u32 = 3;
const SLOTS: u32 = 16384;
/// Redis itself holds a new cluster back for about two seconds.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// Three masters that serve all slots. When one is killed, the others go on with theirs.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    /// Starts the nodes, joins them, and waits until each finds the cluster whole.
    ///
    /// # Errors
    /// When a node does not start, or the cluster is not whole in time.
    pub fn start() -> Result<Self> {
        let options = Server::options()
            .cluster()
            .setting("cluster-require-full-coverage", "no")
            .setting("cluster-node-timeout", "1000");
        let nodes = (0..NODES).map(|_| options.clone().start());
        let cluster = Self {
            nodes: nodes.collect::<Result<_>>()?,
        };
        for (number, node) in (0..).zip(&cluster.nodes) {
            let epoch = (number + 1).to_string();
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?;
            let (first, last) = slots_of(number);
            node.command(&[
                "CLUSTER",
                "ADDSLOTSRANGE",
                &first.to_string(),
                &last.to_string(),
            ])?;
            if number > 0 {
                cluster.nodes[0].command(&[
                    "CLUSTER",
                    "MEET",
                    "127.0.0.1",
                    &node.addr().port().to_string(),
                    &node.cluster_port().to_string(),
                ])?;
            }
        }
        let deadline = Instant::now() + JOIN_TIMEOUT;
        while !cluster.nodes.iter().all(is_whole) {
            if Instant::now() > deadline {
                bail!("no whole cluster in time: {}", info(&cluster.nodes[0])?);
            }
            std::thread::sleep(POLL);
        }
        Ok(cluster)
    }

    /// The masters. Those that were killed are there too.
    #[must_use]
    pub fn nodes(&self) -> &[Server] {
        &self.nodes
    }

    /// Where the masters listen.
    #[must_use]
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Server::addr).collect()
    }

    /// Which of [`Cluster::nodes`] holds a key, or would.
    ///
    /// # Errors
    /// When no node answers.
    pub fn node_of(&self, key: &str) -> Result<usize> {
        let asked = |node: &Server| node.command(&["CLUSTER", "KEYSLOT", key]).ok();
        let slot = self.nodes.iter().find_map(asked).context("no node lives")?;
        let Value::Int(slot) = slot else {
            bail!("not a slot: {slot:?}");
        };
        let holds = |number: &u32| {
            let (first, last) = slots_of(*number);
            (i64::from(first)..=i64::from(last)).contains(&slot)
        };
        let number = (0..NODES).find(holds).context("not a slot")?;
        Ok(number as usize)
    }

    /// SIGKILL to one master. There is no replica: its slots are served by nobody until it is started again.
    pub fn kill(&self, node: usize) {
        self.nodes[node].kill9();
    }
}

/// The first and the last slot of a node.
fn slots_of(number: u32) -> (u32, u32) {
    let first = |number| number * SLOTS / NODES;
    (first(number), first(number + 1) - 1)
}

fn is_whole(node: &Server) -> bool {
    info(node).is_ok_and(|info| {
        [
            "cluster_state:ok",
            "cluster_slots_ok:16384",
            "cluster_size:3",
        ]
        .iter()
        .all(|line| info.contains(line))
    })
}

fn info(node: &Server) -> Result<String> {
    match node.command(&["CLUSTER", "INFO"])? {
        Value::BulkString(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        other => bail!("not text: {other:?}"),
    }
}
