//! Whole blocks, proven on the device and on the CPU: the root proofs must be the same bytes.

use std::sync::Arc;

use proofyard_kernels::{Backend, KernelError, cpu::CpuBackend};

use crate::{
    circuits::Subtrees, error::CheckError, farm::Farm, options::Plan, report::Part, subject::Subject, tally::Tally,
};

/// log2 of the rows, and the subtrees, of each block; the last is a full one.
const BLOCKS: [(u32, usize); 4] = [(7, 2), (12, 2), (14, 4), (16, 4)];
/// log2 of the largest rows of a quick run.
const QUICK_LOG2_MAX: u32 = 14;

/// Proves the blocks within the plan.
pub fn check<B: Backend>(subject: &Subject<B>, plan: &Plan, part: &mut Part) -> Result<(), CheckError> {
    let cpu = Arc::new(CpuBackend::new());
    let asked = |rows_log2: u32| plan.sizes([rows_log2]).contains(&rows_log2);
    for (rows_log2, subtrees) in BLOCKS {
        if !asked(rows_log2) || plan.quick && rows_log2 > QUICK_LOG2_MAX {
            continue;
        }
        let farm = Farm::new(Subtrees::new(rows_log2, subtrees)?)?;
        let what = format!("root proof of {subtrees} subtrees of {}", farm.subtrees.what);
        eprintln!("  {what}, 2^{rows_log2} rows");
        let expected = farm.prove(&farm.upload(&cpu)?)?.proof;
        let mut tally = Tally::new(what, Some(rows_log2));
        let proof = result(farm.upload(&subject.backend).and_then(|device| farm.prove(&device)))?;
        let valid = proof.as_ref().map(|proven| farm.is_valid(&proven.proof)).map_err(Clone::clone);
        tally.case("the verifier accepts it", valid);
        tally.equal("the bytes are the CPU's", proof.map(|proven| proven.proof.encode()), &expected.encode());
        tally.enter(part);
    }
    Ok(())
}

/// Hands on what the device did wrong as a finding: its errors, and messages that make no proof.
fn result<T>(outcome: Result<T, CheckError>) -> Result<Result<T, KernelError>, CheckError> {
    use proofyard_proof_system::subtree::ProverError;
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(CheckError::Kernel(error) | CheckError::Prover(ProverError::Kernel(error))) => Ok(Err(error)),
        Err(error @ (CheckError::Prover(_) | CheckError::Aggregate(_))) => {
            Ok(Err(KernelError::Device(error.to_string())))
        }
        Err(error) => Err(error),
    }
}
