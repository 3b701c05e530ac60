//! Builds the components, so that nobody runs a stale one, and puts the middleware in front of an app as Spin does.
//! Everything goes into the repository's own target folder.

use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context as _, Result, ensure};
use project::{cargo, ensure_target, target_folder};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};

const TARGET: &str = "wasm32-wasip2";

/// The service component, built anew where need be.
///
/// # Errors
/// When the Rust target is missing and cannot be added, or the build fails.
pub fn service() -> Result<Vec<u8>> {
    build("wx-session-spin", &[], "")
}

/// The middleware component, which cannot run without an app behind it.
///
/// # Errors
/// As [`service`].
pub fn middleware() -> Result<Vec<u8>> {
    // A folder of its own: both builds write a file of the same name.
    build(
        "wx-session-spin",
        &["--features", "middleware"],
        "spin-middleware",
    )
}

/// The middleware with an app behind it that hands everything on to `http://app.outside`, composed as Spin does.
///
/// # Errors
/// As [`service`], and when the two do not fit together.
pub fn middleware_before_app() -> Result<Vec<u8>> {
    compose(middleware()?, build("spin-app", &[], "")?)
}

/// Builds another component of this workspace: the bytes of its `.wasm`.
///
/// # Errors
/// As [`service`].
pub fn component(package: &str) -> Result<Vec<u8>> {
    build(package, &[], "")
}

/// A component that does nothing but hand everything on to `http://app.spin.internal`.
///
/// # Errors
/// As [`service`].
pub fn forwarder() -> Result<Vec<u8>> {
    build("spin-app", &["--features", "chained"], "spin-forwarder")
}

/// `app` becomes what `middleware` imports as its next handler; everything else stays an import of both.
///
/// # Errors
/// When one of them is no component, or `middleware` imports no handler.
pub fn compose(middleware: Vec<u8>, app: Vec<u8>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let app = Package::from_bytes("app", None, app, graph.types_mut())?;
    let app = graph.register_package(app)?;
    let middleware = Package::from_bytes("middleware", None, middleware, graph.types_mut())?;
    let middleware = graph.register_package(middleware)?;
    plug(&mut graph, vec![app], middleware)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

/// `folder` is within the target folder.
fn build(package: &str, features: &[&str], folder: &str) -> Result<Vec<u8>> {
    // Cargo waits for others too, but says so on the terminal.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap();
    ensure_target(TARGET)?;
    let target: PathBuf = target_folder().join(folder);
    let mut command = cargo();
    command
        .args(["build", "--release", "--target", TARGET, "-p", package])
        .args(features)
        .arg("--target-dir")
        .arg(&target)
        .stdin(std::process::Stdio::null());
    let output = command.output().context("cargo does not run")?;
    ensure!(
        output.status.success(),
        "{package} does not build:\n{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let name = format!("{}.wasm", package.replace('-', "_"));
    let file = target.join(TARGET).join("release").join(name);
    std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
}
