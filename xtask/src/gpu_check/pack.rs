//! The pack: a folder and an archive of it, with all that a machine with a GPU needs beside its driver.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{cargo, tools};

/// Where the pack lies.
const PLACE: &str = "target/gpu-check";
/// The folder, and the archive's name without its end.
const NAME: &str = "proofyard-gpu-check";
/// What a pack may have: some machines are handed no more with a command.
const BYTES_MAX: u64 = 60_000_000;
/// The sanitizer's wheel.
const REQUIREMENTS: &str = include_str!("../../tools/gpu-check-requirements.txt");
/// What is used of it, from the folders `bin` and `lib` of `nvidia/cu13`.
const SANITIZER: [&str; 7] = [
    "compute-sanitizer",
    "libInterceptorInjectionTarget.so",
    "libTreeLauncherPlaceholder.so",
    "libTreeLauncherTargetInjection.so",
    "libTreeLauncherTargetUpdatePreloadInjection.so",
    "libsanitizer-collection.so",
    "libsanitizer-public.so",
];
const RUN: &str = include_str!("run.sh");

/// Packs; the folder.
pub fn pack(root: &Path, with_sanitizer: bool) -> Result<PathBuf> {
    let fatbin = root.join("kernels/cuda/fatbin/kernels.fatbin");
    let bytes = fs::metadata(&fatbin).map_or(0, |meta| meta.len());
    ensure!(bytes > 0, "{} is missing or empty: run `cargo xtask kernels` first", fatbin.display());
    let program = build(root)?;
    let folder = root.join(PLACE).join(NAME);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let target = folder.join("gpu-check");
    fs::copy(&program, &target).with_context(|| format!("copying {}", program.display()))?;
    tools::need("strip", "binutils")?;
    tools::run(Command::new("strip").arg("--strip-all").arg(&target))?;
    write_script(&folder.join("run.sh"))?;
    if with_sanitizer {
        copy_sanitizer(&install_sanitizer(root)?, &folder.join("sanitizer"))?;
    }
    let archive = root.join(PLACE).join(format!("{NAME}.tar.gz"));
    tools::run(Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(root.join(PLACE)).arg(NAME))?;
    let (unpacked, packed) = (size(&folder)?, size(&archive)?);
    println!("{PLACE}/{NAME}: {:.1} MB; {PLACE}/{NAME}.tar.gz: {:.1} MB", mb(unpacked), mb(packed));
    ensure!(
        unpacked <= BYTES_MAX,
        "the pack has {:.1} MB, more than {:.0}; pack it with --without-sanitizer, or find what has grown",
        mb(unpacked),
        mb(BYTES_MAX)
    );
    Ok(folder)
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The program without the launch emulator, so that it needs no C++ runtime.
fn build(root: &Path) -> Result<PathBuf> {
    eprintln!("building the check");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--package", "proofyard-gpu-check", "--no-default-features"]);
    build.arg("--message-format=json-render-diagnostics").current_dir(root).stderr(Stdio::inherit());
    if let Some(commit) = commit(root) {
        build.env("PROOFYARD_COMMIT", commit);
    }
    let output = build.output().context("cargo does not start")?;
    ensure!(output.status.success(), "the check does not build; read what is reported above and correct it");
    executable(&String::from_utf8_lossy(&output.stdout)).context("cargo built the check and named no program")
}

/// The program `gpu-check` in cargo's messages, one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "gpu-check")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// The commit that is packed, with `-dirty` when files differ from it; none without git.
fn commit(root: &Path) -> Option<String> {
    let mut git = Command::new("git");
    let output = git.args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(root).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !commit.is_empty()).then_some(commit)
}

fn write_script(path: &Path) -> Result<()> {
    fs::write(path, RUN).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).context("making run.sh executable")
}

/// The sanitizer in `.tools/sanitizer`, by its hash; its folder.
fn install_sanitizer(root: &Path) -> Result<PathBuf> {
    let folder = tools::install_wheels(root, "sanitizer", "NVIDIA's compute-sanitizer", REQUIREMENTS, |_| Ok(()))?;
    Ok(folder.join("nvidia/cu13"))
}

/// Copies what is used: every library beside the program, where it looks for them.
fn copy_sanitizer(home: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    for name in SANITIZER {
        let places = ["bin", "lib"].map(|place| home.join(place).join(name));
        let from = places.into_iter().find(|file| file.is_file());
        let from = from.with_context(|| format!("the sanitizer's wheel holds no {name}; pin another one"))?;
        let to = folder.join(name);
        fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).context("making the sanitizer executable")?;
    }
    Ok(())
}

/// Bytes of a file, or of all files in a folder.
fn size(path: &Path) -> Result<u64> {
    let meta = fs::metadata(path).with_context(|| format!("reading {}", path.display()))?;
    if !meta.is_dir() {
        return Ok(meta.len());
    }
    let entries = fs::read_dir(path).with_context(|| format!("listing {}", path.display()))?;
    entries.map(|entry| size(&entry.with_context(|| format!("listing {}", path.display()))?.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"proofyard_kernels"},"executable":null}"#,
            "\nnot JSON\n",
            r#"{"reason":"compiler-artifact","target":{"name":"gpu-check"},"executable":"/t/gpu-check"}"#,
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/t/gpu-check")));
        assert_eq!(executable(""), None);
    }

    #[test]
    fn a_folder_is_as_large_as_its_files() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = size(&here.join("Cargo.toml")).unwrap();
        assert!(file > 0 && size(here).unwrap() > file);
    }
}
