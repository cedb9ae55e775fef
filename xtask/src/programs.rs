//! The product's programs, built as tests and images need them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo;

/// Built programs by name.
pub struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Where a program lies.
    pub fn path(&self, name: &str) -> Result<&Path> {
        self.0.get(name).map(PathBuf::as_path).with_context(|| format!("cargo built no program {name}"))
    }
}

/// Builds everything that tests need, and with it the programs. In one call: cargo chooses other features for programs without tests, and
/// would compile most of what they depend on once more.
pub fn build_with_tests(root: &Path) -> Result<Programs> {
    build(root, &["--profile", "ci", "--lib", "--bins", "--tests"], |_| ())
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
    let mut programs = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).context("cargo's messages are no JSON")?;
        let (Some(path), Some(name)) = (message["executable"].as_str(), message["target"]["name"].as_str()) else {
            continue;
        };
        // A test of the same name is none of the programs.
        if message["profile"]["test"] == true {
            continue;
        }
        programs.insert(name.to_owned(), PathBuf::from(path));
    }
    Ok(Programs(programs))
}
