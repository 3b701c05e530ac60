//! The cluster: three masters, each with its keys.

use super::lives;
use crate::eventually;
use crate::redis::{Cluster, Server};

/// A key of each node.
fn keys(cluster: &Cluster) -> Vec<String> {
    let of = |node: usize| {
        let mut keys = (0..).map(|number| format!("s:{number}"));
        keys.find(|key| cluster.node_of(key).unwrap() == node)
            .unwrap()
    };
    (0..cluster.nodes().len()).map(of).collect()
}

fn set(node: &Server, key: &str) -> Result<(), String> {
    let answer = node.command(&["SET", key, "v"]);
    answer.map(drop).map_err(|error| error.to_string())
}

#[test]
fn each_master_serves_its_keys_and_goes_on_when_another_is_killed() {
    let cluster = Cluster::start().unwrap();
    let keys = keys(&cluster);
    for (number, node) in cluster.nodes().iter().enumerate() {
        for (holder, key) in keys.iter().enumerate() {
            match set(node, key) {
                Ok(()) => assert_eq!(number, holder),
                Err(error) => {
                    assert_ne!(number, holder);
                    let port = cluster.addrs()[holder].port();
                    assert!(error.contains("oved") && error.contains(&format!("127.0.0.1:{port}")));
                }
            }
        }
    }
    cluster.kill(1);
    // Until the others have marked it as failed, and after.
    for _ in 0..2 {
        set(&cluster.nodes()[0], &keys[0]).unwrap();
        set(&cluster.nodes()[2], &keys[2]).unwrap();
        eventually(|| knows_of_a_failure(&cluster.nodes()[0]));
        eventually(|| knows_of_a_failure(&cluster.nodes()[2]));
    }
    assert!(set(&cluster.nodes()[1], &keys[1]).is_err());
    let pids: Vec<u32> = cluster.nodes().iter().map(Server::pid).collect();
    drop(cluster);
    assert!(!pids.into_iter().any(lives));
}

fn knows_of_a_failure(node: &Server) -> bool {
    let info = node.command(&["CLUSTER", "NODES"]).unwrap();
    format!("{info:?}").contains("master,fail ")
}
