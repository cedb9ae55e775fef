//! Subtrees to their root proof on any backend, with the developers' setup (INSECURE) in memory.

use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::Zero;
use proofyard_kernels::{Backend, KernelError, cpu::CpuBackend};
use proofyard_proof_system::{
    aggregate::GroupAggregator,
    challenges::Challenges,
    circuit::Witness,
    key::{AggregationKey, FIXED_COUNT, ProvingKey},
    poseidon2::PERMUTATION_ROWS,
    proof::{Group, RootProof},
    srs::{SrsRow, insecure::InsecureSetup},
    statement::Statement,
    subtree::{DeviceKey, DeviceRow, SubtreeProver},
    verifier,
};

use crate::{circuits::Subtrees, error::CheckError};

/// Subtrees with keys and rows.
pub struct Farm {
    /// What is proven.
    pub subtrees: Subtrees,
    rows: Vec<SrsRow>,
    key: Arc<AggregationKey>,
    proving: Arc<ProvingKey>,
    statement: Statement,
}

/// A circuit and the rows of its subtrees on a device.
pub struct OnDevice<B: Backend> {
    key: Arc<DeviceKey<B>>,
    rows: Vec<Arc<DeviceRow<B>>>,
}

/// A proof, and all challenges that were drawn on the way.
pub struct Proven {
    /// The proof.
    pub proof: RootProof,
    /// The challenges of round 5 and before.
    pub challenges: Challenges,
}

impl Farm {
    /// Makes keys and rows.
    pub fn new(subtrees: Subtrees) -> Result<Self, CheckError> {
        let (rows_log2, count) = (subtrees.circuit.rows_log2, subtrees.witnesses.len());
        let setup = InsecureSetup::developers((2 * count) << rows_log2);
        let rows = (0..count).map(|i| setup.row(rows_log2, count, i)).collect::<Result<_, _>>()?;
        let key = Arc::new(setup.keys(&subtrees.circuit, count)?);
        let cpu = CpuBackend::new();
        let circuit = subtrees.circuit.clone();
        let coefficients = circuit.fixed.iter().chain(&circuit.permutation);
        let mut coefficients = coefficients
            .map(|column| cpu.download(&cpu.interpolate(&cpu.upload(column)?)?))
            .collect::<Result<Vec<_>, KernelError>>()?
            .into_iter();
        let coefficients = std::array::from_fn::<_, FIXED_COUNT, _>(|_| coefficients.next().unwrap_or_default());
        let proving = Arc::new(ProvingKey { circuit, coefficients, verifying: key.verifying.clone() });
        let statement = Statement {
            chain_id: 1,
            contract: [0x11; 20],
            beneficiary: [0x22; 20],
            start: subtrees.batons[0],
            end: subtrees.batons[count],
        };
        Ok(Self { subtrees, rows, key, proving, statement })
    }

    /// Uploads the circuit and all rows.
    pub fn upload<B: Backend>(&self, backend: &Arc<B>) -> Result<OnDevice<B>, CheckError> {
        let key = Arc::new(DeviceKey::new(backend.clone(), &self.subtrees.circuit)?);
        let row = |row| DeviceRow::new(backend.as_ref(), row).map(Arc::new);
        let rows = self.rows.iter().map(row).collect::<Result<_, _>>()?;
        Ok(OnDevice { key, rows })
    }

    /// A session of subtree i; its witness goes to the device, without the rows that the device fills in.
    pub fn session<B: Backend>(&self, device: &OnDevice<B>, i: usize) -> Result<SubtreeProver<B>, CheckError> {
        let mut witness = self.subtrees.witnesses[i].clone();
        if device.key.fills_permutations() {
            for first_row in self.subtrees.circuit.permutations() {
                let first = *first_row as usize;
                let rows = first + 1..first + PERMUTATION_ROWS;
                witness.columns.iter_mut().for_each(|column| column[rows.clone()].fill(Fr::zero()));
            }
        }
        self.session_of(device, i, witness)
    }

    /// The same with the witness handed in.
    pub fn session_of<B: Backend>(
        &self,
        device: &OnDevice<B>,
        i: usize,
        witness: Witness,
    ) -> Result<SubtreeProver<B>, CheckError> {
        let batons = &self.subtrees.batons;
        Ok(SubtreeProver::new(device.key.clone(), device.rows[i].clone(), witness, batons[i], batons[i + 1])?)
    }

    /// Proves all subtrees.
    pub fn prove<B: Backend>(&self, device: &OnDevice<B>) -> Result<Proven, CheckError> {
        let count = self.rows.len();
        let inputs: Vec<[Fr; 3]> = self.subtrees.batons[..count].to_vec();
        let (key, proving) = (self.key.clone(), self.proving.clone());
        let mut aggregator = GroupAggregator::new(key, proving, self.statement.clone(), inputs)?;
        let mut sessions = (0..count).map(|i| self.session(device, i)).collect::<Result<Vec<_>, _>>()?;
        loop {
            let challenges = aggregator.challenges().clone();
            let round = aggregator.next_round();
            let mut messages = Vec::with_capacity(count);
            for session in &mut sessions {
                messages.extend(session.run(round, &challenges)?);
            }
            if let Some(proof) = aggregator.absorb(&messages, &mut rand::rng())? {
                let group = Group { subtrees: count, end: self.statement.end, proof };
                return Ok(Proven { proof: RootProof { groups: vec![group] }, challenges });
            }
        }
    }

    /// Whether the verifier accepts a proof.
    pub fn is_valid(&self, proof: &RootProof) -> bool {
        verifier::verify(&self.key.verifying, &self.statement, proof).is_ok()
    }
}
