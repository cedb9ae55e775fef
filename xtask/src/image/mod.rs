//! `cargo xtask image`: the file systems of the container images, assembled in a folder without a container engine.
//!
//! An image holds one program, the shared libraries that it needs, certificates, and a user; deploy/images/Dockerfile takes its files
//! from here, so that there is one description. The same inputs give the same bytes: names are sorted, times and owners fixed.

mod files;
mod kinds;
mod layout;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::files::Tree;
use self::kinds::Kind;
use crate::programs::{self, Programs};
use crate::tools;

/// Options of the command.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which images; all of them by default.
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// Folder for the results: KIND/rootfs is the file system, KIND/oci an OCI image layout.
    #[arg(long, value_name = "FOLDER", default_value = "target/images")]
    out: PathBuf,
    /// Run each program from its file system afterwards, which takes root or user namespaces for more than the loader.
    #[arg(long)]
    run: bool,
}

/// Runs the command.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    // Told apart from other builds, as the flags are others.
    let target = root.join("target/image-build");
    let programs = programs::build_released(root, |command| {
        command.env("CARGO_TARGET_DIR", &target).env("CARGO_ENCODED_RUSTFLAGS", without_machine_paths(root));
        command.args(["--config", "profile.release.strip=\"debuginfo\""]);
    })?;
    let kinds = if arguments.kind.is_empty() { Kind::ALL.to_vec() } else { arguments.kind.clone() };
    for kind in kinds {
        let tree = assemble(root, &programs, kind)?;
        let folder = root.join(&arguments.out).join(kind.name());
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        let rootfs = folder.join("rootfs");
        tree.write(&rootfs)?;
        let digest = layout::write(&folder.join("oci"), kind, &tree, revision(root).as_deref())?;
        println!("{}: {} in {} files, layer {}", kind.name(), size(tree.bytes()), tree.len(), digest.layer);
        println!("  image digest {}: {}", digest.manifest, folder.display());
        if arguments.run {
            println!("  {}", trial::run(root, kind, &tree)?);
        }
    }
    Ok(())
}

/// Assembles every image twice from the programs of the tests and runs them: the step of `cargo xtask test`.
pub fn check(root: &Path, programs: &Programs) -> Result<()> {
    for kind in Kind::ALL {
        let (tree, again) = (assemble(root, programs, kind)?, assemble(root, programs, kind)?);
        let digest = layout::layer_digest(&tree)?;
        ensure!(digest == layout::layer_digest(&again)?, "{}: two runs give two images", kind.name());
        println!("{}: {} in {} files, layer {digest}", kind.name(), size(tree.bytes()), tree.len());
        println!("  {}", trial::run(root, kind, &tree)?);
    }
    Ok(())
}

fn assemble(root: &Path, programs: &Programs, kind: Kind) -> Result<Tree> {
    files::assemble(root, programs.path(kind.program())?, kind).with_context(|| format!("assembling {}", kind.name()))
}

/// Flags that keep the machine's folders out of the programs; panics name files below `/proofyard` and `/cargo`.
fn without_machine_paths(root: &Path) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut flags = vec![format!("--remap-path-prefix={}=/proofyard", root.display())];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())));
    flags.join("\u{1f}")
}

/// The commit that the images are made of, where git knows it and nothing is changed.
fn revision(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| tools::run(Command::new("git").args(arguments).current_dir(root)).ok();
    let clean = git(&["status", "--porcelain"])?.trim().is_empty();
    clean.then(|| git(&["rev-parse", "HEAD"]).map(|commit| commit.trim().to_owned())).flatten()
}

fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
