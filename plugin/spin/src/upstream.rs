//! Where the app is, for a service: over the network or another component of the app.

use std::borrow::Cow;

use spin_sdk::wasip3::http::types::Scheme;

use crate::outbound;

/// Scheme and authority of the app.
pub(crate) struct Upstream {
    pub(crate) scheme: Scheme,
    pub(crate) authority: String,
}

impl Upstream {
    /// `url` is scheme and host, as the configuration was checked to have it.
    pub(crate) fn at(url: &str) -> Self {
        let (scheme, authority) = outbound::split(url);
        Self { scheme, authority }
    }

    /// Whether it is there.
    pub(crate) fn is_at(&self, scheme: &Scheme, authority: &str) -> bool {
        let is_plain = |scheme: &Scheme| matches!(scheme, Scheme::Http);
        self.authority == authority && is_plain(&self.scheme) == is_plain(scheme)
    }

    /// As an operator knows it, for the log.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        let Self { scheme, authority } = self;
        match scheme {
            _ if cfg!(feature = "middleware") => "the component behind this one".into(),
            Scheme::Http => format!("http://{authority}").into(),
            _ => format!("https://{authority}").into(),
        }
    }
}
