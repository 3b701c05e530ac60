//! An OCI image layout, the same to the last byte whenever it is made of the same parts: no times, no names of machines.
//! <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A part of an image.
#[derive(Debug)]
pub(crate) struct Layer {
    media_type: &'static str,
    /// Under which tools unpack it.
    title: &'static str,
    bytes: Vec<u8>,
    /// Of what it holds, before it was packed.
    diff_id: String,
}

impl Layer {
    /// A file as it is.
    pub(crate) fn plain(media_type: &'static str, title: &'static str, bytes: Vec<u8>) -> Self {
        let diff_id = digest(&bytes);
        Self {
            media_type,
            title,
            bytes,
            diff_id,
        }
    }

    /// A file of this name in a packed archive.
    pub(crate) fn packed(title: &'static str, name: &str, bytes: &[u8]) -> Result<Self> {
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, name, bytes)?;
        let archive = archive.into_inner()?;
        let mut packed = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Vec::new(), Compression::best());
        packed.write_all(&archive)?;
        Ok(Self {
            media_type: TAR_GZIP,
            title,
            bytes: packed.finish()?,
            diff_id: digest(&archive),
        })
    }
}

/// Writes the image into `folder`, which must be empty, and gives the digest of its manifest.
pub(crate) fn write(
    folder: &Path,
    tag: &str,
    annotations: &Value,
    layers: &[Layer],
) -> Result<String> {
    fs::create_dir_all(folder.join("blobs/sha256"))?;
    let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    let config = json!({
        "architecture": "wasm",
        "os": "wasi",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = Blob::write(folder, CONFIG, config.to_string().as_bytes())?;
    let layers = layers.iter().map(|layer| {
        let written = Blob::write(folder, layer.media_type, &layer.bytes)?;
        Ok(written.annotated("org.opencontainers.image.title", layer.title))
    });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": layers.collect::<Result<Vec<_>>>()?,
        "annotations": annotations,
    });
    let manifest = Blob::write(folder, MANIFEST, manifest.to_string().as_bytes())?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [manifest.annotated("org.opencontainers.image.ref.name", tag)],
    });
    fs::write(folder.join("index.json"), index.to_string())?;
    fs::write(
        folder.join("oci-layout"),
        json!({ "imageLayoutVersion": "1.0.0" }).to_string(),
    )?;
    Ok(manifest.digest)
}

/// The layout as one file, as `oci-archive:` names it.
pub(crate) fn archive(folder: &Path, into: &Path) -> Result<()> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut blobs: Vec<String> = fs::read_dir(folder.join("blobs/sha256"))?
        .map(|entry| {
            Ok(format!(
                "blobs/sha256/{}",
                entry?.file_name().to_string_lossy()
            ))
        })
        .collect::<Result<_>>()?;
    blobs.sort();
    for name in ["oci-layout", "index.json"]
        .into_iter()
        .chain(blobs.iter().map(String::as_str))
    {
        append(&mut archive, name, &fs::read(folder.join(name))?)?;
    }
    fs::write(into, archive.into_inner()?)?;
    Ok(())
}

/// As anybody's and of no time.
fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(u64::try_from(bytes.len())?);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, name, bytes)?;
    Ok(())
}

/// What is written under its digest.
struct Blob {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl Blob {
    fn write(folder: &Path, media_type: &'static str, bytes: &[u8]) -> Result<Self> {
        let digest = digest(bytes);
        let name = digest.trim_start_matches("sha256:");
        fs::write(folder.join("blobs/sha256").join(name), bytes)?;
        Ok(Self {
            media_type,
            digest,
            size: bytes.len(),
        })
    }

    fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.size })
    }

    fn annotated(&self, name: &str, text: &str) -> Value {
        let Self {
            media_type,
            digest,
            size,
        } = self;
        json!({ "mediaType": media_type, "digest": digest, "size": size, "annotations": { name: text } })
    }
}

/// As OCI writes it.
fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

/// In hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}
