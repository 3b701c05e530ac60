//! What the manifest of a Spin application gives to a component. Never read from a `spin.toml`: tests say it in Rust.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a component has.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Variables, secret or not.
    pub variables: BTreeMap<String, String>,
    /// `key_value_stores`.
    pub key_value_stores: Vec<String>,
    /// `allowed_outbound_hosts`, each as a URL names it (host, with its port if it has one there), and where it is
    /// really to be found.
    pub outbound: BTreeMap<String, Upstream>,
    /// `files`: a folder that the component sees as `/`.
    pub files: Option<PathBuf>,
    /// How instances are used.
    pub instances: Instances,
    /// Whether the component's log also goes to this process's stderr.
    pub show_log: bool,
}

/// What Spin may do as it likes: a component must be right under both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// One instance serves everything, several requests at once.
    #[default]
    Reused,
    /// Every request has an instance of its own.
    OneForEach,
}

/// Where an outbound host is.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) trusted_ca: Option<String>,
}

impl Upstream {
    /// Spoken to in clear, also where the component asks for TLS.
    #[must_use]
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            trusted_ca: None,
        }
    }

    /// Spoken to in TLS where the component asks for it; the certificate must be for the name that it asks for, and
    /// signed by this authority (PEM).
    #[must_use]
    pub fn tls(address: SocketAddr, trusted_ca: &str) -> Self {
        Self {
            address,
            trusted_ca: Some(trusted_ca.to_owned()),
        }
    }
}
