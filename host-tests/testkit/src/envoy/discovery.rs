//! What an Envoy reads from files that it watches: listeners, clusters, secrets.
//! Never writes into a file that it may be reading: a new one is moved into its place.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Envoy;
use super::config::Config;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const LISTENERS: &str = "lds.json";
pub(super) const CLUSTERS: &str = "cds.json";

const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/// Envoy's `ConfigSource` of such a file.
#[must_use]
pub fn source(path: &Path) -> Value {
    json!({ "resource_api_version": "V3", "path_config_source": { "path": path } })
}

/// Puts resources, each with its `@type`, into a file: moved into its place whole, as Envoy watches for.
///
/// # Errors
/// When the file cannot be written.
pub fn publish(path: &Path, version: &str, resources: &[Value]) -> Result<()> {
    let document = json!({ "version_info": version, "resources": resources });
    let new = path.with_extension("new");
    fs::write(&new, document.to_string())
        .with_context(|| format!("cannot write {}", new.display()))?;
    Ok(fs::rename(&new, path)?)
}

/// The clusters of a configuration, as resources.
pub(super) fn clusters(config: &Config) -> Result<Vec<Value>> {
    let clusters = &config.document["static_resources"]["clusters"];
    let clusters = clusters.as_array().context("no clusters")?.iter();
    Ok(clusters.map(|cluster| typed(cluster, CLUSTER)).collect())
}

/// The first listener of a configuration, as a resource.
pub(super) fn listener(config: &Config) -> Value {
    let listener = &config.document["static_resources"]["listeners"][0];
    typed(listener, LISTENER)
}

fn typed(resource: &Value, kind: &str) -> Value {
    let mut resource = resource.clone();
    resource["@type"] = json!(kind);
    resource
}

/// How many versions Envoy has taken and how many it has refused, of what its counters call `of`.
pub(super) fn updates(envoy: &Envoy, of: &str) -> Result<[u64; 2]> {
    let stats = envoy.stats()?;
    let count = |what: &str| stats.get(&format!("{of}.{what}")).copied().unwrap_or(0);
    Ok([count("update_success"), count("update_rejected")])
}

/// Waits until it has taken or refused one more, and says whether it has taken it.
pub(super) fn wait_for_update(envoy: &Envoy, of: &str, before: [u64; 2]) -> Result<bool> {
    let [_, refused] = envoy.wait_for(PATIENCE, || {
        let now = updates(envoy, of).ok()?;
        (now != before).then_some(now)
    })?;
    Ok(refused == before[1])
}

/// An error with the end of its log if an update was refused.
pub(super) fn must_be_taken(envoy: &Envoy, taken: bool) -> Result<()> {
    let log = project::envoy::tail(&envoy.log());
    ensure!(taken, "Envoy refuses it:\n{log}");
    Ok(())
}
