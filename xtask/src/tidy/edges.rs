//! The crate graph, compared with the table in ARCHITECTURE.md.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Finding;
use crate::cargo;

/// What a crate may use of the workspace, in any kind of dependency.
enum May {
    /// These crates.
    Use(&'static [&'static str]),
    /// Any crate.
    UseAny,
}

use May::{Use, UseAny};

/// The only allowed edges. A crate that is not listed is not allowed.
const TABLE: &[(&str, May)] = &[
    ("proofyard-job-schema", Use(&[])),
    ("proofyard-telemetry", Use(&[])),
    ("proofyard-bus", Use(&["proofyard-job-schema", "proofyard-telemetry"])),
    ("proofyard-kernels", Use(&[])),
    ("proofyard-kernels-cuda", Use(&["proofyard-kernels"])),
    (
        "proofyard-kernels-cuda-emulator",
        Use(&["proofyard-kernels", "proofyard-kernels-cuda", "proofyard-proof-system"]),
    ),
    ("proofyard-kernels-icicle", Use(&["proofyard-kernels"])),
    ("proofyard-proof-system", Use(&["proofyard-kernels"])),
    ("proofyard-rollup", Use(&["proofyard-proof-system"])),
    ("proofyard-contracts", Use(&[])),
    ("proofyard-settlement", Use(&["proofyard-contracts", "proofyard-telemetry"])),
    ("proofyard-coordinator-client", Use(&["proofyard-job-schema"])),
    (
        "proofyard-coordinator",
        Use(&[
            "proofyard-job-schema",
            "proofyard-bus",
            "proofyard-proof-system",
            "proofyard-rollup",
            "proofyard-settlement",
            "proofyard-coordinator-client",
            "proofyard-telemetry",
        ]),
    ),
    (
        "proofyard-worker",
        Use(&[
            "proofyard-job-schema",
            "proofyard-bus",
            "proofyard-proof-system",
            "proofyard-rollup",
            "proofyard-kernels",
            "proofyard-kernels-cuda",
            "proofyard-kernels-icicle",
            "proofyard-telemetry",
        ]),
    ),
    (
        "proofyard-gpu-check",
        Use(&[
            "proofyard-kernels",
            "proofyard-kernels-cuda",
            "proofyard-kernels-cuda-emulator",
            "proofyard-proof-system",
            "proofyard-rollup",
        ]),
    ),
    ("proofyard-embedded-farm", Use(&["proofyard-coordinator", "proofyard-worker"])),
    (
        "proofyard-sidecar",
        Use(&[
            "proofyard-coordinator-client",
            "proofyard-settlement",
            "proofyard-embedded-farm",
            "proofyard-telemetry",
        ]),
    ),
    // The coordinator in tests only: the replay of a day asks its market.
    ("proofyard-deletion-cost", Use(&["proofyard-coordinator-client", "proofyard-coordinator", "proofyard-telemetry"])),
    ("proofyard-cli", UseAny),
    ("proofyard-farm-sim", UseAny),
    ("proofyard-benches", UseAny),
    ("xtask", UseAny),
];

/// Crates that nothing uses.
const TOPS: [&str; 5] = ["proofyard-cli", "proofyard-farm-sim", "proofyard-gpu-check", "proofyard-benches", "xtask"];

/// Names that say nothing about the content.
const EMPTY_NAMES: [&str; 5] = ["common", "utils", "util", "helpers", "misc"];

struct Crate {
    name: String,
    manifest: String,
    uses: Vec<String>,
}

/// Checks the workspace's crates.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo metadata does not start")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let crates = read(root, &metadata).context("cargo metadata misses a field")?;
    Ok(judge(&crates))
}

fn read(root: &Path, metadata: &Value) -> Option<Vec<Crate>> {
    let packages = metadata["packages"].as_array()?;
    let names: Vec<_> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut crates = Vec::new();
    for package in packages {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        let manifest = manifest.strip_prefix(root).unwrap_or(manifest).to_string_lossy().into_owned();
        let used = package["dependencies"].as_array()?.iter().filter_map(|dependency| dependency["name"].as_str());
        let uses = used.filter(|name| names.contains(name)).map(str::to_owned).collect();
        crates.push(Crate { name: package["name"].as_str()?.to_owned(), manifest, uses });
    }
    Some(crates)
}

fn judge(crates: &[Crate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Crate { name, manifest, uses } in crates {
        let mut find = |text: String| findings.push(Finding { file: manifest.into(), line: 0, warning: false, text });
        let short = name.strip_prefix("proofyard-").unwrap_or(name);
        if EMPTY_NAMES.contains(&short) {
            find(format!("crate name {name} says nothing about the content"));
        }
        let Some((_, may)) = TABLE.iter().find(|(listed, _)| listed == name) else {
            find(format!("crate {name} is not in the table of crates (xtask/src/tidy/edges.rs, ARCHITECTURE.md)"));
            continue;
        };
        for used in uses {
            let allowed = match may {
                _ if used == name => true,
                Use(allowed) => allowed.contains(&used.as_str()),
                UseAny => !TOPS.contains(&used.as_str()),
            };
            if !allowed {
                find(format!("{name} may not use {used}: the edge is not in the table of crates"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, uses: &[&str]) -> Vec<String> {
        let uses = uses.iter().map(|used| used.to_string()).collect();
        let one = Crate { name: name.to_owned(), manifest: "x/Cargo.toml".to_owned(), uses };
        judge(&[one]).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn listed_edges_pass_and_others_do_not() {
        assert!(found("proofyard-bus", &["proofyard-job-schema"]).is_empty());
        assert!(found("proofyard-contracts", &["proofyard-contracts"]).is_empty(), "own features in own tests");
        let against = found("proofyard-bus", &["proofyard-job-schema", "proofyard-rollup"]);
        assert_eq!(against.len(), 1);
        assert!(against[0].starts_with("x/Cargo.toml: ") && against[0].contains("proofyard-rollup"), "{against:?}");
        assert_eq!(found("proofyard-kernels", &["proofyard-proof-system"]).len(), 1);
        assert!(found("proofyard-cli", &["proofyard-embedded-farm", "proofyard-contracts"]).is_empty());
        assert_eq!(found("proofyard-cli", &["xtask"]).len(), 1);
    }

    #[test]
    fn unlisted_and_empty_names_are_found() {
        assert_eq!(found("proofyard-extra", &[]).len(), 1);
        assert_eq!(found("proofyard-utils", &[]).len(), 2);
        assert_eq!(found("common", &[]).len(), 2);
    }

    #[test]
    fn the_table_names_only_what_it_lists() {
        for (name, may) in TABLE {
            if let Use(used) = may {
                for used in *used {
                    assert!(TABLE.iter().any(|(listed, _)| listed == used), "{name} uses unlisted {used}");
                    assert!(!TOPS.contains(used));
                }
            }
        }
    }
}
