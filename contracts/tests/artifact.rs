//! The committed artifact is what the pinned compiler makes of the sources.

use std::path::Path;
use std::process::Command;

use proofyard_contracts::artifact::Artifact;

#[test]
fn the_committed_artifact_is_what_the_compiler_makes() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let forge = contracts.join("../.tools/bin/forge");
    if !forge.exists() {
        eprintln!("skipped: `cargo xtask setup` brings the compiler");
        return;
    }
    let build = Command::new(forge).arg("build").current_dir(contracts).output().unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let output = std::fs::read_to_string(contracts.join("out/RootProofVerifier.sol/RootProofVerifier.json")).unwrap();
    let built = Artifact::from_forge(&output).unwrap();
    assert!(
        built == Artifact::committed(),
        "contracts/artifacts is stale: run `cargo run --release -p proofyard-contracts --example update_artifact`"
    );
}
