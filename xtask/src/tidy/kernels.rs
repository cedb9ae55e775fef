//! The compiled CUDA kernels: they must be of the sources beside them.

use std::path::Path;

use anyhow::Result;

use super::Finding;
use crate::cuda::{self, DIGEST, FATBIN, SOURCES, digest};

/// Compares the digest beside the fatbin with the sources; nothing is compiled.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    if !cuda::has_sources(root) {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    let mut find = |file: &str, text: String| {
        findings.push(Finding { file: file.into(), line: 0, warning: false, text });
    };
    if !root.join(FATBIN).is_file() {
        find(FATBIN, "the compiled kernels are missing: run `cargo xtask kernels`".to_owned());
    } else if !digest::is_current(root)? {
        find(
            DIGEST,
            format!("stale: {SOURCES}, the compiler's options or its version changed: run `cargo xtask kernels`"),
        );
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(root: &Path) -> Vec<String> {
        check(root).unwrap().iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_stale_or_missing_fatbin_is_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(found(root).is_empty(), "a tree without kernels");
        fs::create_dir_all(root.join(SOURCES)).unwrap();
        let source = root.join(SOURCES).join("kernels.cu");
        fs::write(&source, "one").unwrap();
        let against = found(root);
        assert!(against.len() == 1 && against[0].starts_with(FATBIN), "{against:?}");

        fs::create_dir_all(root.join(FATBIN).parent().unwrap()).unwrap();
        fs::write(root.join(FATBIN), "compiled").unwrap();
        let against = found(root);
        assert!(against.len() == 1 && against[0].starts_with(DIGEST), "no digest: {against:?}");
        fs::write(root.join(DIGEST), format!("{}\n", digest::of_tree(root).unwrap())).unwrap();
        assert!(found(root).is_empty());

        fs::write(&source, "two").unwrap();
        let against = found(root);
        assert!(against.len() == 1 && against[0].contains("`cargo xtask kernels`"), "{against:?}");
        fs::write(&source, "one").unwrap();
        assert!(found(root).is_empty());
    }
}
