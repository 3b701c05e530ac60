//! `cargo xtask image`: one image that Istio, Envoy Gateway and Higress take alike, as an OCI layout in `target/image`,
//! and the bare module with its SHA-256 for Envoys that fetch no images. Publishes nothing.
//!
//! The module is the last layer, which is where Istio and Envoy Gateway look; before it stand the form and the pages
//! that Higress' console shows.
//! <https://github.com/solo-io/wasm/blob/master/spec/spec-compat.md>

mod layout;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use project::{filter, root, target_folder};
use serde_json::json;

use layout::Layer;
pub(crate) use layout::sha256;

/// What Higress reads of an image, and the file that it is made of.
const PAGES: [(&str, &str); 4] = [
    ("application/vnd.module.wasm.spec.v1+yaml", "spec.yaml"),
    ("application/vnd.module.wasm.doc.v1+markdown", "README.md"),
    (
        "application/vnd.module.wasm.doc.v1.zh+markdown",
        "README.md",
    ),
    (
        "application/vnd.module.wasm.doc.v1.en+markdown",
        "README_EN.md",
    ),
];
/// The name under which all three look for it in the last layer.
const MODULE: &str = "plugin.wasm";

pub(crate) fn run(options: &[&str]) -> Result<()> {
    crate::no_options("image", options)?;
    let folder = target_folder().join("image");
    let module = fs::read(filter::built_in_sight()?)?;
    let digest = make(&folder, &module)?;
    println!("{} {digest}", folder.display());
    let layout = folder.display();
    println!("skopeo copy oci:{layout}:{VERSION} docker://REGISTRY/wx-session:{VERSION}");
    println!("{}", bare(&target_folder(), &module)?);
    Ok(())
}

/// The tag of an image.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The layout of an image with this module, in the place of what is in `folder`; gives the digest of its manifest.
pub(crate) fn make(folder: &Path, module: &[u8]) -> Result<String> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let mut layers = Vec::new();
    for (media_type, name) in PAGES {
        let path = root().join("deploy/higress").join(name);
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let text = text.replace("VERSION", VERSION);
        layers.push(Layer::plain(media_type, name, text.into_bytes()));
    }
    layers.push(Layer::packed("plugin.tar.gz", MODULE, module)?);
    let annotations = json!({
        "org.opencontainers.image.title": "wx-session",
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.licenses": "Apache-2.0",
    });
    layout::write(folder, VERSION, &annotations, &layers)
}

/// The files of a release: the layout as one file, and the bare module's sum beside the module.
pub(crate) fn release(folder: &Path, module: &[u8]) -> Result<PathBuf> {
    let layout = target_folder().join("image");
    make(&layout, module)?;
    let archive = folder.join("wx-session-image.tar");
    layout::archive(&layout, &archive)?;
    Ok(archive)
}

/// The module beside its sum, as `sha256sum --check` reads it; gives that line.
fn bare(folder: &Path, module: &[u8]) -> Result<String> {
    let line = format!("{}  wx_session.wasm", sha256(module));
    fs::write(folder.join("wx_session.wasm.sha256"), format!("{line}\n"))?;
    Ok(line)
}
