//! The product's programs and its tests, built as tests and images need them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo;

/// What was built.
#[derive(Default)]
pub struct Programs {
    /// By name.
    programs: BTreeMap<String, PathBuf>,
    /// Names of integration tests; crates may share one.
    tests: BTreeSet<String>,
}

impl Programs {
    /// Where a program lies.
    pub fn path(&self, name: &str) -> Result<&Path> {
        self.programs.get(name).map(PathBuf::as_path).with_context(|| format!("cargo built no program {name}"))
    }

    /// Names of the integration tests that were built.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().map(String::as_str)
    }
}

/// Builds everything that tests need, and with it the programs. In one call: cargo chooses other features for programs without tests, and
/// would compile most of what they depend on once more.
pub fn build_with_tests(root: &Path) -> Result<Programs> {
    build(root, &["--profile", "ci", "--lib", "--bins", "--tests", "--examples"], |_| ())
}

/// Builds all programs of the workspace as they are delivered.
pub fn build_released(root: &Path, configure: impl FnOnce(&mut Command)) -> Result<Programs> {
    build(root, &["--release", "--bins"], configure)
}

fn build(root: &Path, what: &[&str], configure: impl FnOnce(&mut Command)) -> Result<Programs> {
    let mut command = cargo();
    command
        .args(["build", "--locked", "--workspace", "--message-format=json-render-diagnostics"])
        .args(what)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    configure(&mut command);
    let output = command.output().context("cargo does not start")?;
    ensure!(output.status.success(), "cargo build ended with {}", output.status);
    let mut built = Programs::default();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).context("cargo's messages are no JSON")?;
        let (Some(path), Some(name)) = (message["executable"].as_str(), message["target"]["name"].as_str()) else {
            continue;
        };
        match (message["target"]["kind"][0].as_str(), message["profile"]["test"].as_bool()) {
            (Some("test"), _) => drop(built.tests.insert(name.to_owned())),
            (Some("bin"), Some(false)) => drop(built.programs.insert(name.to_owned(), PathBuf::from(path))),
            _ => {}
        }
    }
    Ok(built)
}
