//! Blocks to prove: transfers where a circuit of transfers has room, chains of hashes at any size.

use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::Zero;
use proofyard_proof_system::{
    circuit::{Circuit, CircuitBuilder, CircuitError, Witness},
    poseidon2::PERMUTATION_ROWS,
};
use proofyard_rollup::{
    circuit::{ROWS_LOG2_MAX, ROWS_LOG2_MIN, TransferCircuit, capacity},
    executor, generate,
};

use crate::error::CheckError;

/// Rows for public values and constants, and to spare.
const OTHER_ROWS: usize = 16;

/// Subtrees in a row, each satisfied by its witness.
pub struct Subtrees {
    /// What they prove.
    pub what: &'static str,
    /// Their circuit.
    pub circuit: Arc<Circuit>,
    /// One witness each.
    pub witnesses: Vec<Witness>,
    /// The values before the first and after each.
    pub batons: Vec<[Fr; 3]>,
}

impl Subtrees {
    /// `subtrees` full subtrees of `2^rows_log2` rows: of transfers where there is such a circuit.
    pub fn new(rows_log2: u32, subtrees: usize) -> Result<Self, CheckError> {
        if (ROWS_LOG2_MIN..=ROWS_LOG2_MAX).contains(&rows_log2) {
            transfers(rows_log2, subtrees)
        } else {
            Ok(hashes(rows_log2, subtrees)?)
        }
    }
}

fn transfers(rows_log2: u32, subtrees: usize) -> Result<Subtrees, CheckError> {
    let unusable = |error: &dyn std::fmt::Display| CheckError::Block(error.to_string());
    let circuit = TransferCircuit::new(rows_log2).map_err(|error| unusable(&error))?;
    let slots = capacity(rows_log2);
    let block = generate::block(slots * subtrees, 1).map_err(|error| unusable(&error))?;
    let executed = executor::execute(&block).map_err(|error| unusable(&error))?;
    let runs = executed.split(subtrees, slots).map_err(|error| unusable(&error))?;
    let mut batons = vec![executed.start.to_array()];
    let mut witnesses = Vec::with_capacity(subtrees);
    for run in &runs {
        let (witness, end) = circuit.witness(run.start, &run.traces).map_err(|error| unusable(&error))?;
        witnesses.push(witness);
        batons.push(end.to_array());
    }
    Ok(Subtrees { what: "transfers", circuit: circuit.structure().clone(), witnesses, batons })
}

fn hashes(rows_log2: u32, subtrees: usize) -> Result<Subtrees, CircuitError> {
    let mut structure = CircuitBuilder::structure();
    chain(&mut structure, rows_log2, [Fr::zero(); 3]);
    let circuit = Arc::new(structure.finish_structure(rows_log2)?);
    let mut batons = vec![[1u64, 2, 3].map(Fr::from)];
    let mut witnesses = Vec::with_capacity(subtrees);
    for index in 0..subtrees {
        let mut builder = CircuitBuilder::witness();
        batons.push(chain(&mut builder, rows_log2, batons[index]));
        witnesses.push(builder.finish_witness(rows_log2)?);
    }
    Ok(Subtrees { what: "hashes", circuit, witnesses, batons })
}

/// Poseidon2 permutations one after the other, as many as there is room for; the first three words come in and go out.
fn chain(builder: &mut CircuitBuilder, rows_log2: u32, inputs: [Fr; 3]) -> [Fr; 3] {
    builder.reserve(1 << rows_log2);
    for (k, value) in inputs.into_iter().enumerate() {
        builder.set(builder.input(k), value);
    }
    let mut cells = vec![builder.input(0), builder.input(1), builder.input(2), builder.constant(Fr::zero())];
    let mut state = [inputs[0], inputs[1], inputs[2], Fr::zero()];
    let permutations = (1usize << rows_log2).saturating_sub(OTHER_ROWS) / PERMUTATION_ROWS;
    for _ in 0..permutations {
        let permutation = builder.poseidon2(state);
        for (from, to) in cells.iter().zip(permutation.input) {
            builder.copy(*from, to);
        }
        state = permutation.output.map(|cell| builder.value(cell));
        cells = permutation.output.to_vec();
    }
    for k in 0..3 {
        builder.set(builder.output(k), state[k]);
        builder.copy(cells[k], builder.output(k));
    }
    [state[0], state[1], state[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_witness_satisfies_its_circuit() {
        for (rows_log2, what) in [(5, "hashes"), (8, "hashes"), (12, "transfers")] {
            let subtrees = Subtrees::new(rows_log2, 2).unwrap();
            assert_eq!((subtrees.what, subtrees.batons.len()), (what, 3));
            for (index, witness) in subtrees.witnesses.iter().enumerate() {
                let (inputs, outputs) = (subtrees.batons[index], subtrees.batons[index + 1]);
                assert_eq!(subtrees.circuit.check(witness, inputs, outputs), Ok(()), "2^{rows_log2}");
            }
        }
    }
}
