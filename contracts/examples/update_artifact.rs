//! Builds the contracts with the tools of `cargo xtask setup` and writes the committed artifacts.

use std::path::Path;
use std::process::Command;

use proofyard_contracts::artifact::{Artifact, Contract};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("../.tools/bin/forge").arg("build").current_dir(contracts).status()?;
    if !status.success() {
        return Err("forge build failed".into());
    }
    for contract in Contract::ALL {
        let name = contract.name();
        let output = std::fs::read_to_string(contracts.join(format!("out/{name}.sol/{name}.json")))?;
        let artifact = Artifact::from_forge(&output)?;
        std::fs::write(contracts.join(format!("artifacts/{name}.json")), artifact.to_json())?;
        println!("{name}: {} bytes", artifact.runtime_bytes);
    }
    Ok(())
}
