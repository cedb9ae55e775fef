//! The configurations in rendered ConfigMaps, loaded by the very programs that will load them.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::object::Object;
use crate::programs::Programs;

/// What came of it.
pub struct Checked {
    /// How many were loaded.
    pub checked: usize,
    /// What the programs said against them.
    pub findings: Vec<String>,
}

/// Which program loads a file of this name; none: a program reads it later, or it is not ours.
fn program(file: &str) -> Option<&'static str> {
    match file {
        "coordinator.toml" => Some("proofyard-coordinator"),
        "worker.toml" => Some("proofyard-worker"),
        "deletion-cost.toml" => Some("proofyard-deletion-cost"),
        "sidecar.toml" => Some("proofyard-sidecar"),
        _ => None,
    }
}

/// Has every configuration checked.
pub fn check(programs: &Programs, objects: &[Object]) -> Result<Checked> {
    let folder = tempfile::tempdir().context("a folder for configurations")?;
    let mut checked = Checked { checked: 0, findings: Vec::new() };
    for object in objects.iter().filter(|object| object.kind() == "ConfigMap") {
        for (file, text) in object.data() {
            let Some(program) = program(file) else { continue };
            let path = folder.path().join(file);
            fs::write(&path, text).context("writing a configuration")?;
            let output = Command::new(programs.path(program)?)
                .arg("--check")
                .arg("--config")
                .arg(&path)
                .stdin(Stdio::null())
                .output()
                .with_context(|| format!("{program} does not start"))?;
            checked.checked += 1;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                checked.findings.push(format!("{}, {file}: {}", object.title(), said.trim()));
            }
        }
    }
    if checked.checked == 0 {
        checked.findings.push("no ConfigMap holds a configuration".to_owned());
    }
    Ok(checked)
}
