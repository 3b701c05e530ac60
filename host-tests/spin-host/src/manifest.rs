//! What the manifest of a Spin application gives to a component, as strict as Spin about what it cannot be. Tests say it
//! in Rust; what a `spin.toml` says is read by [`crate::Application`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

/// What a component has.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Variables, secret or not.
    pub variables: BTreeMap<String, String>,
    /// `key_value_stores`.
    pub key_value_stores: Vec<String>,
    /// Key-value stores that a runtime configuration defines. `default` needs none.
    pub defined_stores: Vec<String>,
    /// `allowed_outbound_hosts`, each as a URL names it (host, with its port if it has one there), and where it is
    /// really to be found. With a scheme in front, only for URLs of that scheme.
    pub outbound: BTreeMap<String, Upstream>,
    /// `files`: a folder that the component sees as `/`.
    pub files: Option<PathBuf>,
    /// What a middleware has of all this, by its `inherit_configuration`.
    pub inherited: Inherited,
    /// How instances are used.
    pub instances: Instances,
    /// With TCP_NODELAY on clients' connections, which Spin has not: for tests of many requests on one.
    pub nodelay: bool,
    /// Whether the component's log also goes to this process's stderr.
    pub show_log: bool,
    /// A file that the component's log also goes to.
    pub log_file: Option<PathBuf>,
    /// Without counting fuel, which costs time: for measuring it.
    pub without_fuel: bool,
}

/// What Spin may do as it likes: a component must be right under all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// As Spin does it: an instance serves several requests at once, and ends after so many of them, or after so long
    /// without one (`--max-instance-reuse-count`, `--idle-instance-timeout`).
    Recycled {
        /// All that it serves.
        requests: usize,
        /// Without any.
        idle: Duration,
    },
    /// One instance serves everything, for as long as the host runs.
    Reused,
    /// Every request has an instance of its own.
    OneForEach,
}

impl Default for Instances {
    /// Spin's own defaults.
    fn default() -> Self {
        Self::Recycled {
            requests: 128,
            idle: Duration::from_secs(1),
        }
    }
}

/// What a middleware inherits of its app's resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inherited {
    /// All of them: `inherit_configuration = true`. A component that is no middleware has its own.
    #[default]
    All,
    /// Those of these names. Spin passes over names that it does not know.
    Only(Vec<String>),
}

impl Inherited {
    /// Whether this kind of resource is there.
    pub(crate) fn has(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name == kind),
        }
    }
}

/// The host name under which the app behind a middleware reaches the test. Always allowed: it is the app's own request.
pub const APP_OUTSIDE: &str = "app.outside";

/// Where an outbound host is.
#[derive(Clone, Debug)]
pub struct Upstream(pub(crate) Destination);

#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// With the authority that must have signed its certificate (PEM), where it is spoken to in TLS.
    Socket(SocketAddr, Option<String>),
    /// Where the system's resolver says it is.
    Named,
    /// Another component of the application, for `NAME.spin.internal`.
    Component(Vec<u8>),
    /// `NAME.spin.internal`, and no component has this name.
    NoComponent,
}

impl Upstream {
    /// Spoken to in clear, also where the component asks for TLS.
    #[must_use]
    pub fn plain(address: SocketAddr) -> Self {
        Self(Destination::Socket(address, None))
    }

    /// Spoken to in TLS where the component asks for it; the certificate must be for the name that it asks for, and
    /// signed by this authority (PEM).
    #[must_use]
    pub fn tls(address: SocketAddr, trusted_ca: &str) -> Self {
        Self(Destination::Socket(address, Some(trusted_ca.to_owned())))
    }

    /// Where its name says, in clear.
    #[must_use]
    pub fn named() -> Self {
        Self(Destination::Named)
    }

    /// Another component in this host, with the same resources: service chaining.
    #[must_use]
    pub fn component(bytes: Vec<u8>) -> Self {
        Self(Destination::Component(bytes))
    }

    /// Allowed, but no component of the application has the name: whoever asks it traps.
    #[must_use]
    pub fn no_component() -> Self {
        Self(Destination::NoComponent)
    }
}

impl Manifest {
    /// What Spin refuses to start with.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, value) in &self.variables {
            ensure!(
                !value.contains("{{"),
                "the variable {name} has {{{{ in its value, which begins the name of another variable"
            );
        }
        for label in &self.key_value_stores {
            ensure!(
                label == "default" || self.defined_stores.contains(label),
                "unknown key_value_stores label {label:?}: no runtime configuration defines it"
            );
        }
        if let Some(folder) = &self.files {
            ensure!(folder.is_dir(), "there is no {}", folder.display());
        }
        Ok(())
    }

    /// Where a host is that this component may ask. `authority` is host and perhaps port, as the URL has them.
    pub(crate) fn upstream(&self, scheme: &str, authority: &str) -> Option<&Upstream> {
        let with_scheme = self.outbound.get(&format!("{scheme}://{authority}"));
        with_scheme.or_else(|| self.outbound.get(authority))
    }
}
