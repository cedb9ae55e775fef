//! `cargo xtask gpu-check`: packs the check of the CUDA backend, runs it where a GPU is, and keeps what it found.

mod pack;
mod record;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

/// What to do.
#[derive(Args)]
pub struct Arguments {
    /// Only pack, whether or not a GPU is here.
    #[arg(long, conflicts_with = "record")]
    pack_only: bool,
    /// Leave NVIDIA's compute-sanitizer out of the pack (14 MB less to download).
    #[arg(long)]
    without_sanitizer: bool,
    /// Only put the result.json and result.md of this folder, brought from another machine, into benches/results.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    /// For the check itself, such as `-- --quick` or `-- --only speed`.
    #[arg(last = true)]
    check: Vec<String>,
}

/// Packs and, where there is a GPU, runs; the exit status is the check's.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    if let Some(folder) = &arguments.record {
        record::record(root, folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = pack::pack(root, !arguments.without_sanitizer)?;
    let gpu = Path::new("/proc/driver/nvidia/version").exists();
    if arguments.pack_only || !gpu {
        if !gpu {
            println!("there is no NVIDIA driver here, so nothing is measured");
        }
        println!("on a machine with a GPU: unpack it, run `./run.sh`, bring result.json and result.md back, then here");
        println!("`cargo xtask gpu-check --record FOLDER` (docs/gpu-check.md)");
        return Ok(ExitCode::SUCCESS);
    }
    let script = folder.join("run.sh");
    let mut check = Command::new(&script);
    let status = check.args(&arguments.check).stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("starting {}", script.display()))?;
    match status.code() {
        Some(code @ 0..=1) => {
            record::record(root, &folder)?;
            Ok(ExitCode::from(code as u8))
        }
        _ => bail!("the check ended with {status}; what it found is in {}", folder.display()),
    }
}
