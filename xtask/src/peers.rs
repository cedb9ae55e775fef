//! `cargo xtask bench-peers`: installs the peers, builds the bench target `peers` and runs it.
//!
//! bb and Noir's compiler come from npm, pinned by the integrity hashes of `xtask/tools/peers/package-lock.json`, into
//! `.tools/peers`, and only here; the other peers are dev-dependencies of `benches`. The bench prints the table.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{cargo, tools};

/// Where bb lies in its package.
const BB: &str = "node_modules/@aztec/bb.js/build/amd64-linux/bb";
/// The version of bb's package.
const BB_VERSION: &str = "5.0.0";

/// What is measured.
#[derive(Args)]
pub struct Arguments {
    /// Fewer sizes and rounds, and no block.
    #[arg(long)]
    quick: bool,
    /// Only this part; may be given several times.
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Writes all figures and the machine they were taken on to this file, such as benches/results/DATE.json.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What can be measured alone; the bench target has the same names.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Multi-scalar multiplications.
    Msm,
    /// Number-theoretic transforms.
    Ntt,
    /// A full subtree of 2^16 rows beside bb's leaves.
    Leaf,
    /// A block of 64 transfers in 4 subtrees to its root proof beside bb's leaves and merges.
    Block,
}

/// Measures; the exit status is the bench's.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    let needs_bb =
        arguments.only.is_empty() || arguments.only.iter().any(|part| matches!(part, Part::Leaf | Part::Block));
    let tools = if needs_bb { Some(install(root)?) } else { None };
    let program = build(root)?;
    let mut bench = Command::new(&program);
    if arguments.quick {
        bench.arg("--quick");
    }
    for part in &arguments.only {
        let value = part.to_possible_value().context("a part without a name")?;
        bench.args(["--only", value.get_name()]);
    }
    if let Some(file) = &arguments.json {
        bench.arg("--json").arg(file);
    }
    if let Some(tools) = &tools {
        bench.arg("--tools").arg(tools);
    }
    let status = bench.stdin(Stdio::null()).status().with_context(|| format!("starting {}", program.display()))?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(1) => Ok(ExitCode::from(1)),
        _ => bail!("the bench ended with {status}"),
    }
}

/// bb and Noir in `.tools/peers`.
fn install(root: &Path) -> Result<PathBuf> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "bb is pinned for Linux on x86-64 only; use --only msm --only ntt on another machine"
    );
    let folder = root.join(".tools/peers");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let lock = File::create(folder.join("install.lock")).context("creating .tools/peers/install.lock")?;
    lock.lock().context("waiting for another installation to finish")?;
    let bb = folder.join(BB);
    tools::npm_ci(&root.join("xtask/tools/peers"), &folder, || bb.is_file())?;
    ensure!(bb.is_file(), "@aztec/bb.js {BB_VERSION} holds no {BB}; pin that version in xtask/tools/peers");
    Ok(folder)
}

/// Builds the bench; its program.
fn build(root: &Path) -> Result<PathBuf> {
    eprintln!("building the bench");
    let mut build = cargo();
    build.args(["bench", "--locked", "--package", "proofyard-benches", "--bench", "peers", "--no-run"]);
    build.arg("--message-format=json-render-diagnostics").current_dir(root).stderr(Stdio::inherit());
    let output = build.output().context("cargo does not start")?;
    ensure!(output.status.success(), "the bench does not build; read what is reported above and correct it");
    executable(&String::from_utf8_lossy(&output.stdout)).context("cargo built the bench and named no program")
}

/// The program of the target `peers` in cargo's messages, one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "peers")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"kernels"},"executable":"/t/kernels-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"peers"},"executable":null}"#,
            "\nnot JSON\n",
            r#"{"reason":"compiler-artifact","target":{"name":"peers"},"executable":"/t/peers-2"}"#,
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/t/peers-2")));
        assert_eq!(executable(""), None);
    }
}
