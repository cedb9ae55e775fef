//! Running an image's program from its file system, with nothing of the machine around it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::files::{Tree, USER};
use super::kinds::Kind;

/// How a program is kept inside a folder.
#[derive(Clone, Copy)]
enum Fence {
    /// `chroot` under the image's user; takes root.
    Chroot,
    /// `chroot` in a user namespace, where the kernel lets everybody have one.
    Namespace,
    /// The file system's loader, told to look for libraries nowhere else.
    Loader,
}

impl Fence {
    /// The tightest that this machine allows.
    fn find(rootfs: &Path) -> Self {
        let works = |fence: Self| {
            let output = fence.command(rootfs, "proofyard-none", &[]).output();
            // The program is not there: 127 of a chroot that worked.
            output.is_ok_and(|output| output.status.code() == Some(127))
        };
        [Self::Chroot, Self::Namespace].into_iter().find(|fence| works(*fence)).unwrap_or(Self::Loader)
    }

    fn shown(self) -> &'static str {
        match self {
            Self::Chroot => "in a chroot, as user 65532",
            Self::Namespace => "in a chroot in a user namespace",
            Self::Loader => "by the image's loader and libraries, not confined further",
        }
    }

    fn command(self, rootfs: &Path, program: &str, arguments: &[&str]) -> Command {
        let inside = format!("/usr/local/bin/{program}");
        let mut command;
        match self {
            Self::Chroot => {
                command = Command::new("chroot");
                command.arg(format!("--userspec={USER}:{USER}")).arg(rootfs).arg(inside);
            }
            Self::Namespace => {
                command = Command::new("unshare");
                command.args(["--user", "--map-root-user", "chroot"]).arg(rootfs).arg(inside);
            }
            Self::Loader => {
                command = Command::new(rootfs.join("usr/lib64/ld-linux-x86-64.so.2"));
                command.args(["--inhibit-cache", "--library-path"]).arg(rootfs.join("usr/lib/x86_64-linux-gnu"));
                command.arg(rootfs.join(inside.trim_start_matches('/')));
            }
        }
        command.args(arguments).env_clear().stdin(Stdio::null());
        // To be found by name; none of it is inside.
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }
}

/// Writes the files, adds the configuration that is deployed with the image, and runs the program: its version, then what it does with that.
/// Returns what was seen.
pub fn run(root: &Path, kind: Kind, tree: &Tree) -> Result<String> {
    let folder = tempfile::tempdir().context("a folder for the file system")?;
    let rootfs = folder.path().join("rootfs");
    let mut tree = tree.clone();
    if let Some(deployed) = deployed(kind) {
        let text = fs::read(root.join(deployed)).with_context(|| format!("reading {deployed}"))?;
        tree.file("etc/proofyard/deployed.toml", text, 0o644);
    }
    tree.write(&rootfs)?;
    let fence = Fence::find(&rootfs);
    let place = |path: &str| match fence {
        Fence::Loader => rootfs.join(path.trim_start_matches('/')).display().to_string(),
        Fence::Chroot | Fence::Namespace => path.to_owned(),
    };
    let say = |arguments: &[&str]| -> Result<String> {
        let output = fence.command(&rootfs, kind.program(), arguments).output().context("it does not start")?;
        let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        ensure!(
            output.status.success(),
            "{} {arguments:?} in the image ended with {}: {said}",
            kind.program(),
            output.status
        );
        Ok(said.trim().to_owned())
    };
    let version = say(&["--version"])?;
    let expected = format!("{} {}", kind.program(), env!("CARGO_PKG_VERSION"));
    ensure!(version == expected, "the image of {} says {version:?}, not {expected:?}", kind.name());
    let did = match kind {
        Kind::Tools => {
            let setup = place("/tmp/setup");
            say(&["setup", "--insecure", "--rows-log2", "12", "--subtrees", "1", "--dir", &setup])?;
            ensure!(rootfs.join("tmp/setup").is_dir(), "the setup is not where it should be");
            "made a setup of 2^12 rows".to_owned()
        }
        _ => {
            let said = say(&["--check", "--config", &place("/etc/proofyard/deployed.toml")])?;
            said.replace(&format!("{}/", rootfs.display()), "/")
        }
    };
    Ok(format!("{version}, run {}: {did}", fence.shown()))
}

/// The configuration that the image runs with when it is deployed.
fn deployed(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Coordinator => Some("deploy/k8s/overlays/production/config/coordinator.toml"),
        Kind::Worker => Some("deploy/k8s/overlays/production/config/worker-cpu.toml"),
        Kind::WorkerGpu => Some("deploy/k8s/overlays/production/config/worker-gpu.toml"),
        Kind::DeletionCost => Some("deploy/k8s/components/autoscaling/deletion-cost/deletion-cost.toml"),
        Kind::Sidecar => Some("sidecar/proofyard-sidecar.toml"),
        Kind::Tools => None,
    }
}
