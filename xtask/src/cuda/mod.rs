//! `cargo xtask kernels`: compiles the CUDA kernels, and checks what is committed.
//!
//! No machine needs CUDA to build or test the product: the compiled kernels are committed as a fatbin, which holds machine
//! code for each of [`build::ARCHITECTURES`] and PTX for all other devices. The same sources give the same bytes wherever
//! they are compiled, so `--check` compares byte by byte. Beside the fatbin lies the digest of what it was built from;
//! `cargo xtask tidy` compares that without a compiler.

mod build;
pub mod digest;
mod gates;
mod sass;
mod wheels;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;

use wheels::Cuda;

/// Where the sources lie.
pub const SOURCES: &str = "kernels/cuda/src";
/// The one translation unit; it includes the others.
const UNIT: &str = "kernels/cuda/src/kernels.cu";
/// What the sources compile to.
pub const FATBIN: &str = "kernels/cuda/fatbin/kernels.fatbin";
/// The digest of what the fatbin was built from.
pub const DIGEST: &str = "kernels/cuda/fatbin/sources.sha256";
/// What each kernel may take of a device.
const GATES: &str = "kernels/cuda/gates.toml";
/// The fatbin is part of the worker's program, and of the repository's history with each change.
const FATBIN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What to do with the kernels.
#[derive(Args)]
pub struct Arguments {
    /// Compile into a temporary folder, compare with the committed fatbin byte by byte, then hold it against the gates.
    #[arg(long)]
    check: bool,
    /// Hold the committed fatbin against kernels/cuda/gates.toml without compiling, and print what each kernel takes.
    #[arg(long, conflicts_with = "check")]
    gates: bool,
}

/// Compiles, checks, or holds against the gates.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    ensure!(has_sources(root), "{UNIT} is missing: it is the translation unit of the kernels");
    if arguments.check {
        check(root)
    } else if arguments.gates {
        gates::run(&wheels::install(root)?, root)
    } else {
        rebuild(root)
    }
}

/// Whether the tree holds CUDA kernels.
pub fn has_sources(root: &Path) -> bool {
    root.join(UNIT).is_file()
}

/// The check where the compiler can be installed; elsewhere says that it was left out.
pub fn check_where_possible(root: &Path) -> Result<()> {
    if !wheels::supported() {
        println!("    left out: the CUDA compiler is pinned for Linux on x86-64 only");
        return Ok(());
    }
    check(root)
}

fn rebuild(root: &Path) -> Result<()> {
    let cuda = wheels::install(root)?;
    // Before compiling: a source that changes meanwhile makes the fatbin stale, not the digest wrong.
    let digest = digest::of_tree(root)?;
    let fatbin = compile(&cuda, root)?;
    write(&root.join(FATBIN), &fatbin)?;
    write(&root.join(DIGEST), format!("{digest}\n").as_bytes())?;
    println!("{FATBIN}: {}", bytes(fatbin.len()));
    for image in build::images(&cuda, &root.join(FATBIN))? {
        println!("  {:<7} {:<11} {} before compression", image.kind, image.architecture, bytes(image.bytes));
    }
    println!("next: `cargo xtask kernels --gates`");
    Ok(())
}

fn check(root: &Path) -> Result<()> {
    ensure!(digest::is_current(root)?, "{DIGEST} is not the digest of the sources; {}", build::REMEDY);
    let cuda = wheels::install(root)?;
    let committed = fs::read(root.join(FATBIN)).with_context(|| format!("{FATBIN} is missing; {}", build::REMEDY))?;
    let fatbin = compile(&cuda, root)?;
    ensure!(committed == fatbin, "{FATBIN} is not what its sources compile to; {}", build::REMEDY);
    println!("{FATBIN}: {}, the same bytes as compiled anew", bytes(fatbin.len()));
    gates::run(&cuda, root)
}

/// Compiles, says how long it took, and refuses what is too large.
fn compile(cuda: &Cuda, root: &Path) -> Result<Vec<u8>> {
    let started = Instant::now();
    let fatbin = build::compile(cuda, root)?;
    println!("compiled {UNIT} in {:.1} s", started.elapsed().as_secs_f64());
    ensure!(
        fatbin.len() <= FATBIN_BYTES_MAX,
        "the fatbin takes {}, above the {} that it may take: compile fewer variants of the largest kernels",
        bytes(fatbin.len()),
        bytes(FATBIN_BYTES_MAX)
    );
    Ok(fatbin)
}

/// Writes beside the file, then renames: a file is there whole or not at all.
fn write(file: &Path, content: &[u8]) -> Result<()> {
    let folder = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let fresh = file.with_extension("tmp");
    fs::write(&fresh, content).with_context(|| format!("writing {}", fresh.display()))?;
    fs::rename(&fresh, file).with_context(|| format!("writing {}", file.display()))
}

fn bytes(count: usize) -> String {
    format!("{:.1} KiB", count as f64 / 1024.0)
}
