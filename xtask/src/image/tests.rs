//! The image through real tools: into a registry and back, nothing of it changes.

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use project::debian::program;
use serde_json::{Value, json};

use super::{VERSION, make};

const WASM: &[u8] = b"\0asm\x01\0\0\0 and more than nothing, so that packing has something to do";

fn manifest(layout: &Path) -> Value {
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let index = read(&layout.join("index.json"));
    let digest = index["manifests"][0]["digest"].as_str().unwrap();
    read(&layout.join("blobs").join(digest.replace(':', "/")))
}

/// What is packed in the last layer.
fn module(layout: &Path) -> (String, Vec<u8>) {
    let manifest = manifest(layout);
    let last = manifest["layers"].as_array().unwrap().last().unwrap();
    let digest = last["digest"].as_str().unwrap().replace(':', "/");
    let packed = fs::read(layout.join("blobs").join(digest)).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
    let mut entries = archive.entries().unwrap();
    let mut entry = entries.next().unwrap().unwrap();
    let name = entry.path().unwrap().display().to_string();
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).unwrap();
    (name, bytes)
}

#[test]
fn the_same_module_gives_the_same_digest_twice() {
    let folder = tempfile::tempdir().unwrap();
    let first = make(&folder.path().join("first"), WASM).unwrap();
    sleep(Duration::from_millis(1100));
    let second = make(&folder.path().join("second"), WASM).unwrap();
    assert_eq!(first, second);
    let other = make(&folder.path().join("other"), &WASM[1..]).unwrap();
    assert_ne!(first, other);
    // Made anew in its place, nothing of the old one stays.
    make(&folder.path().join("other"), WASM).unwrap();
    let blobs = |name: &str| {
        fs::read_dir(folder.path().join(name).join("blobs/sha256"))
            .unwrap()
            .count()
    };
    assert_eq!(blobs("other"), blobs("first"));
}

#[test]
fn the_module_is_the_last_layer_and_what_higress_shows_stands_before_it() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), WASM).unwrap();
    let manifest = manifest(folder.path());
    let layers = manifest["layers"].as_array().unwrap();
    let types: Vec<&Value> = layers.iter().map(|layer| &layer["mediaType"]).collect();
    let expected = json!([
        "application/vnd.module.wasm.spec.v1+yaml",
        "application/vnd.module.wasm.doc.v1+markdown",
        "application/vnd.module.wasm.doc.v1.zh+markdown",
        "application/vnd.module.wasm.doc.v1.en+markdown",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    ]);
    assert_eq!(json!(types), expected);
    assert_eq!(
        module(folder.path()),
        ("plugin.wasm".to_owned(), WASM.to_vec())
    );
    let spec = layers[0]["digest"].as_str().unwrap().replace(':', "/");
    let spec = fs::read_to_string(folder.path().join("blobs").join(spec)).unwrap();
    assert!(spec.contains(&format!("version: {VERSION}\n")) && !spec.contains(":VERSION"));
}

/// Debian's registry on a free port of 127.0.0.1, gone when dropped.
struct Registry {
    process: Child,
    address: SocketAddr,
}

impl Registry {
    fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let configuration = format!(
            "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: \"{address}\" }}\n",
            folder.join("registry").display()
        );
        let file = folder.join("registry.yaml");
        fs::write(&file, configuration).unwrap();
        let process = Command::new(program("docker-registry", "docker-registry").unwrap())
            .arg("serve")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the registry did not come up");
            sleep(Duration::from_millis(50));
        }
        Self { process, address }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_registry_gives_back_what_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let sent = folder.path().join("sent");
    let digest = make(&sent, WASM).unwrap();
    let archive = folder.path().join("sent.tar");
    super::layout::archive(&sent, &archive).unwrap();
    let registry = Registry::start(folder.path());
    let skopeo = program("skopeo", "skopeo").unwrap();
    let image = format!("docker://{}/wx-session:{VERSION}", registry.address);
    let copy = |from: &str, to: &str, options: &[&str]| {
        let output = Command::new(&skopeo)
            .args(["--insecure-policy", "copy"])
            .args(options)
            .args([from, to])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{from} to {to}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    // As it is made, and as a release has it.
    for from in [
        format!("oci:{}:{VERSION}", sent.display()),
        format!("oci-archive:{}:{VERSION}", archive.display()),
    ] {
        copy(&from, &image, &["--dest-tls-verify=false"]);
        let back = folder.path().join("back");
        if back.exists() {
            fs::remove_dir_all(&back).unwrap();
        }
        copy(
            &image,
            &format!("oci:{}:{VERSION}", back.display()),
            &["--src-tls-verify=false"],
        );
        let index: Value =
            serde_json::from_slice(&fs::read(back.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"][0]["digest"], json!(digest));
        assert_eq!(manifest(&back), manifest(&sent));
        assert_eq!(module(&back), ("plugin.wasm".to_owned(), WASM.to_vec()));
    }
}
