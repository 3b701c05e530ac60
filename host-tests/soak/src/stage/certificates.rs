//! An authority of our own, and the edges' certificate in a file that both watch.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use project::target_folder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::envoy::{publish, source};

use crate::client::NAME;

const SECRET: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
const TLS: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/// Dropping it removes the file.
pub(crate) struct Certificates {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    authority: CertificateDer<'static>,
    issued: u32,
}

impl Certificates {
    /// With a first certificate in its file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let authority = params.self_signed(&key)?.der().clone();
        let folder = tempfile::Builder::new()
            .prefix("soak-")
            .tempdir_in(target_folder())
            .context("cannot write into target")?;
        let mut certificates = Self {
            folder,
            issuer: Issuer::new(params, key),
            authority,
            issued: 0,
        };
        certificates.renew()?;
        Ok(certificates)
    }

    /// Whom the clients believe.
    pub(crate) fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// Puts another certificate and another key into the file, and gives the certificate.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn renew(&mut self) -> Result<CertificateDer<'static>> {
        self.issued += 1;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([NAME.to_owned()])?;
        params.serial_number = Some(u64::from(self.issued).into());
        let certificate = params.signed_by(&key, &self.issuer)?;
        let secret = json!({
            "@type": SECRET,
            "name": "edge",
            "tls_certificate": {
                "certificate_chain": { "inline_string": certificate.pem() },
                "private_key": { "inline_string": key.serialize_pem() },
            },
        });
        publish(&self.file(), &self.issued.to_string(), &[secret])?;
        Ok(certificate.der().clone())
    }

    /// What ends TLS at an edge: a change of its filter chain.
    pub(crate) fn transport_socket(&self) -> Value {
        let secret = json!({ "name": "edge", "sds_config": source(&self.file()) });
        json!({ "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": TLS,
                "common_tls_context": {
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_certificate_sds_secret_configs": [secret],
                },
            },
        } })
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("certificate.json")
    }
}
