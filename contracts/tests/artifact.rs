//! The committed artifacts are what the pinned compiler makes of the sources.

use std::path::Path;
use std::process::Command;

use proofyard_contracts::artifact::{Artifact, Contract};

#[test]
fn the_committed_artifacts_are_what_the_compiler_makes() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let forge = contracts.join("../.tools/bin/forge");
    if !forge.exists() {
        eprintln!("skipped: `cargo xtask setup` brings the compiler");
        return;
    }
    let build = Command::new(forge).arg("build").current_dir(contracts).output().unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    for contract in Contract::ALL {
        let name = contract.name();
        let output = std::fs::read_to_string(contracts.join(format!("out/{name}.sol/{name}.json"))).unwrap();
        let built = Artifact::from_forge(&output).unwrap();
        assert!(
            built == contract.artifact(),
            "contracts/artifacts/{name}.json is stale: \
             run `cargo run --release -p proofyard-contracts --example update_artifact`"
        );
    }
}
