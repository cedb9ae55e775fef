//! `proofyard verify`.

use proofyard_embedded_farm::coordinator::{SetupSource, Setups};
use proofyard_proof_system::{
    proof::{GROUPS_MAX, PROOF_BYTES, RootProof},
    statement::Statement,
    verifier,
};
use proofyard_rollup::executor;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    args::Verify,
    block::read_block,
    chain,
    failure::Failure,
    prove::Cut,
    screen::{Screen, report},
};

/// Checks a root proof against a block file, in Rust and, if asked, by the contract's bytecode.
pub fn run(arguments: &Verify, json: bool) -> Result<(), Failure> {
    let (_, block) = read_block(&arguments.block)?;
    let executed = executor::execute(&block).map_err(|error| Failure::Refused(error.to_string()))?;
    let (path, start, end) = (&arguments.proof, executed.start.to_array(), executed.end.to_array());
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    if bytes.len() > 2 * GROUPS_MAX * PROOF_BYTES {
        return Err(Failure::Proof(format!("{}: {} bytes are no root proof", path.display(), bytes.len())));
    }
    let proof = RootProof::decode(&bytes, end).map_err(|error| Failure::Proof(error.to_string()))?;
    let subtrees: usize = proof.groups.iter().map(|group| group.subtrees).sum();
    let rows_log2 = match arguments.rows_log2 {
        Some(rows_log2) => rows_log2,
        None => {
            let subtrees = u32::try_from(subtrees).ok().filter(|subtrees| subtrees.is_power_of_two());
            Cut::choose(block.transfers.len(), subtrees, None)?.rows_log2
        }
    };
    let screen = Screen::new();
    let source = SetupSource::Insecure { dir: arguments.folder.path()? };
    let environment = |error: &dyn std::fmt::Display| Failure::Environment(error.to_string());
    let setups = Setups::new(source, rows_log2).map_err(|error| environment(&error))?;
    let groups = proof.groups[0].subtrees;
    let setup = setups
        .get(groups, &|stage, done, total| screen.step(stage, done, total))
        .map_err(|error| environment(&error))?;
    let key = setup.verifying_key();
    let statement = Statement {
        chain_id: arguments.chain.chain_id,
        contract: arguments.chain.contract(),
        beneficiary: arguments.chain.beneficiary.0,
        start,
        end,
    };
    verifier::verify(&key, &statement, &proof).map_err(|error| Failure::Proof(error.to_string()))?;
    let gas = match arguments.evm {
        true => Some(chain::verify(&key, &statement, &bytes)?),
        false => None,
    };
    let value = json!({
        "verified": true,
        "transfers": block.transfers.len(),
        "subtrees": subtrees,
        "rows_per_subtree": 1u64 << rows_log2,
        "proof_bytes": bytes.len(),
        "proof_sha256": hex::encode(Sha256::digest(&bytes)),
        "key_digest": hex::encode(key.digest()),
        "verify_gas": gas,
    });
    if let Value::Object(result) = &value {
        report(json, result);
    }
    Ok(())
}
