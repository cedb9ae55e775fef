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

/// Builds all programs of the workspace in a profile: all, so that nothing compiles twice for another choice of crates.
pub fn build(root: &Path, profile: &str, configure: impl FnOnce(&mut Command)) -> Result<Programs> {
    let mut command = Command::new(cargo());
    command
        .args(["build", "--locked", "--workspace", "--bins", "--message-format=json-render-diagnostics", "--quiet"])
        .args(["--profile", profile])
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
        programs.insert(name.to_owned(), PathBuf::from(path));
    }
    Ok(Programs(programs))
}
