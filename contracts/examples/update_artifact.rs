//! Builds the contracts with the tools of `cargo xtask setup` and writes the committed artifact.

use std::path::Path;
use std::process::Command;

use proofyard_contracts::artifact::Artifact;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("../.tools/bin/forge").arg("build").current_dir(contracts).status()?;
    if !status.success() {
        return Err("forge build failed".into());
    }
    let output = std::fs::read_to_string(contracts.join("out/RootProofVerifier.sol/RootProofVerifier.json"))?;
    let artifact = Artifact::from_forge(&output)?;
    std::fs::write(contracts.join("artifacts/RootProofVerifier.json"), artifact.to_json())?;
    println!("RootProofVerifier: {} bytes", artifact.runtime_bytes);
    Ok(())
}
