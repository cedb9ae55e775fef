//! An image as an OCI image layout: a folder that `skopeo copy oci:FOLDER ...` and other tools take.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::files::{Entry, Tree, USER};
use super::kinds::Kind;

/// Digests as `sha256:...`.
pub struct Digests {
    /// Of the layer, which is the whole file system.
    pub layer: String,
    /// Of the manifest: the image's.
    pub manifest: String,
}

/// The digest of the layer.
pub fn layer_digest(tree: &Tree) -> Result<String> {
    Ok(digest(&layer(tree)?))
}

/// Writes the layout into a new folder.
pub fn write(folder: &Path, kind: Kind, tree: &Tree, revision: Option<&str>) -> Result<Digests> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("creating {}", blobs.display()))?;
    let put = |bytes: &[u8], media_type: &str| -> Result<Value> {
        let digest = digest(bytes);
        let path = blobs.join(digest.trim_start_matches("sha256:"));
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
    };
    let layer = put(&layer(tree)?, "application/vnd.oci.image.layer.v1.tar")?;
    let diff = layer["digest"].clone();
    let configuration = configuration(kind, &diff, revision).to_string();
    let configuration = put(configuration.as_bytes(), "application/vnd.oci.image.config.v1+json")?;
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": manifest_type, "config": configuration, "layers": [layer.clone()],
    });
    let mut manifest = put(manifest.to_string().as_bytes(), manifest_type)?;
    let digests = Digests { layer: text(&layer["digest"]), manifest: text(&manifest["digest"]) };
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": env!("CARGO_PKG_VERSION") });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest],
    });
    fs::write(folder.join("index.json"), index.to_string()).context("writing index.json")?;
    fs::write(folder.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())
        .context("writing oci-layout")?;
    Ok(digests)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// How the image is run.
fn configuration(kind: Kind, layer: &Value, revision: Option<&str>) -> Value {
    let mut labels = json!({
        "org.opencontainers.image.title": format!("proofyard-{}", kind.name()),
        "org.opencontainers.image.description": kind.description(),
        "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
        "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
    });
    if let Some(revision) = revision {
        labels["org.opencontainers.image.revision"] = json!(revision);
    }
    let environment: Vec<_> = kind.environment().iter().map(|(name, value)| format!("{name}={value}")).collect();
    json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": [format!("/usr/local/bin/{}", kind.program())],
            "Env": environment,
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
    })
}

/// The file system as one archive: sorted, owned by root, all of one time.
fn layer(tree: &Tree) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, entry) in tree.entries() {
        let mut header = Header::new_ustar();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(time());
        let written = match entry {
            Entry::Folder(mode) => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(*mode);
                header.set_size(0);
                archive.append_data(&mut header, format!("{path}/"), &[][..])
            }
            Entry::File(bytes, mode) => {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                archive.append_data(&mut header, path, &bytes[..])
            }
            Entry::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                archive.append_link(&mut header, path, target)
            }
        };
        written.with_context(|| format!("archiving {path}"))?;
    }
    archive.into_inner().context("finishing the archive")
}

/// Seconds since 1970 that all files are of: SOURCE_DATE_EPOCH, else 0.
fn time() -> u64 {
    std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.file("usr/local/bin/program", "#!", 0o755);
        tree.file("etc/passwd", "x\n", 0o644);
        tree
    }

    #[test]
    fn the_layout_holds_what_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let digests = write(folder.path(), Kind::WorkerGpu, &tree(), Some("abc")).unwrap();
        assert_eq!(digests.layer, layer_digest(&tree()).unwrap());
        let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let blob = |descriptor: &Value| {
            let named = text(&descriptor["digest"]);
            let bytes = read(&format!("blobs/sha256/{}", named.trim_start_matches("sha256:")));
            assert_eq!((digest(&bytes), json!(bytes.len())), (named, descriptor["size"].clone()));
            bytes
        };
        let index = json(&read("index.json"));
        assert_eq!(index["manifests"][0]["digest"], digests.manifest);
        let manifest = json(&blob(&index["manifests"][0]));
        let config = json(&blob(&manifest["config"]));
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["config"]["Entrypoint"][0], "/usr/local/bin/proofyard-worker");
        assert_eq!(config["rootfs"]["diff_ids"][0], digests.layer);
        assert_eq!(config["config"]["Labels"]["org.opencontainers.image.revision"], "abc");
        let layer = blob(&manifest["layers"][0]);
        let mut archive = tar::Archive::new(&layer[..]);
        let paths: Vec<_> =
            archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(paths, ["etc/", "etc/passwd", "usr/", "usr/local/", "usr/local/bin/", "usr/local/bin/program"]);
        assert_eq!(json(&read("oci-layout"))["imageLayoutVersion"], "1.0.0");
    }
}
