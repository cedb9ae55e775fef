//! The verifier contract's bytecode in revm.

use proofyard_contracts::{
    KEY_WORDS,
    address::{DEFAULT_ADDRESS, DEFAULT_CHAIN_ID},
    evm::Evm,
};
use proofyard_proof_system::{codec::scalar_bytes, key::VerifyingKey, statement::Statement};

use crate::{args::Chain, failure::Failure};

impl Chain {
    /// The address proofs are bound to.
    pub fn contract(&self) -> [u8; 20] {
        self.contract.map_or(DEFAULT_ADDRESS, |address| address.0)
    }
}

/// The chain id of `--evm` and the demo.
pub const CHAIN_ID: u64 = DEFAULT_CHAIN_ID;

/// Deploys the committed bytecode with a key and has it verify a proof; the whole transaction's gas.
pub fn verify(key: &VerifyingKey, statement: &Statement, proof: &[u8]) -> Result<u64, Failure> {
    let bytes = key.encode();
    let mut words = [[0; 32]; KEY_WORDS];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(32)) {
        word.copy_from_slice(chunk);
    }
    let evm = Evm::deploy(&words, statement.chain_id, statement.contract)
        .map_err(|error| Failure::Proof(error.to_string()))?;
    let (start, end) =
        (statement.start.map(|value| scalar_bytes(&value)), statement.end.map(|value| scalar_bytes(&value)));
    let outcome =
        evm.verify(&start, &end, statement.beneficiary, proof).map_err(|error| Failure::Proof(error.to_string()))?;
    match outcome.rejection {
        None => Ok(outcome.gas),
        Some(rejection) => Err(Failure::Proof(format!("the verifier contract rejects the proof: {rejection}"))),
    }
}
