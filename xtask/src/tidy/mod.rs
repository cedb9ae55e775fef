//! `cargo xtask tidy`: the rules of the repository that no compiler checks.

mod edges;
mod kernels;
mod sources;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Whether it only deserves a look.
    pub warning: bool,
    /// The rule and what breaks it.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.warning { "warning: " } else { "" };
        match self.line {
            0 => write!(formatter, "{}: {kind}{}", self.file.display(), self.text),
            line => write!(formatter, "{}:{line}: {kind}{}", self.file.display(), self.text),
        }
    }
}

/// Checks everything and prints every finding; fails when one is more than a warning.
pub fn run(root: &Path) -> Result<()> {
    let mut findings = edges::check(root)?;
    findings.extend(sources::check(root)?);
    findings.extend(kernels::check(root)?);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let broken = findings.iter().filter(|finding| !finding.warning).count();
    ensure!(broken == 0, "{broken} rules are broken");
    Ok(())
}
