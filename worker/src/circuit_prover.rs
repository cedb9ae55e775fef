//! The prover of transfers: expands a subtree's inputs to its witness and performs the rounds on a backend.

use std::sync::Arc;

use proofyard_job_schema::{Disposition, Job, Round};
use proofyard_kernels::Backend;
use proofyard_proof_system::{
    challenges::Challenges,
    messages::RoundMessage,
    subtree::{ProverError, SubtreeProver},
};
use proofyard_rollup::{
    circuit::capacity,
    subtree_inputs::{SUBTREES_MAX, SubtreeInputs},
};

use crate::{
    core::JobError,
    keys::{Keys, KeysError, Opened},
    prover::Prover,
    rows::RowId,
};

/// Proves transfers on a backend.
pub struct CircuitProver<B: Backend> {
    keys: Arc<Keys<B>>,
}

impl<B: Backend> CircuitProver<B> {
    /// A prover with these keys.
    pub fn new(keys: Arc<Keys<B>>) -> Self {
        Self { keys }
    }
}

/// Splits `[PY-P-031] text` into code and text.
fn job_error(disposition: Disposition, error: &dyn std::fmt::Display) -> JobError {
    let text = error.to_string();
    match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((code, text)) => JobError { disposition, code: code.to_owned(), text: text.to_owned() },
        None => JobError { disposition, code: "PY-W-000".to_owned(), text },
    }
}

fn key_error(error: &KeysError) -> JobError {
    job_error(Disposition::RetryElsewhere, error)
}

fn prover_error(error: &ProverError) -> JobError {
    let disposition = match error {
        ProverError::Kernel(_) | ProverError::Rows(_) | ProverError::Order { .. } => Disposition::RetryElsewhere,
        ProverError::ZeroDenominator(_)
        | ProverError::Witness { .. }
        | ProverError::Permutation
        | ProverError::Unsatisfied
        | ProverError::Challenges { .. } => Disposition::Reject,
    };
    job_error(disposition, error)
}

impl<B: Backend> Clone for CircuitProver<B> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone() }
    }
}

impl<B: Backend> Prover for CircuitProver<B> {
    type Session = SubtreeProver<B>;

    fn inputs_bytes_max(job: &Job) -> u64 {
        SubtreeInputs::bytes_max(capacity(job.rows_log2)) as u64
    }

    fn open(&mut self, job: &Job, inputs: &[u8], cut: &mut dyn FnMut()) -> Result<Self::Session, JobError> {
        let m = job.subtrees as usize;
        if m > SUBTREES_MAX || job.position >= job.subtrees || capacity(job.rows_log2) == 0 {
            let text = format!("subtree {} of {m} with 2^{} rows does not exist", job.position, job.rows_log2);
            return Err(JobError { disposition: Disposition::Reject, code: "PY-W-011".to_owned(), text });
        }
        let row = RowId { rows_log2: job.rows_log2, subtrees: job.subtrees, position: job.position };
        let Opened { circuit, key, row } = self.keys.open(row, job.circuit).map_err(|error| key_error(&error))?;
        let inputs =
            SubtreeInputs::decode(inputs, circuit.slots()).map_err(|error| job_error(Disposition::Reject, &error))?;
        cut();
        let filled = match key.fills_permutations() {
            true => circuit.outline(inputs.start, &inputs.traces),
            false => circuit.witness(inputs.start, &inputs.traces),
        };
        let (witness, end) = filled.map_err(|error| job_error(Disposition::Reject, &error))?;
        SubtreeProver::new(key, row, witness, inputs.start.to_array(), end.to_array())
            .map_err(|error| prover_error(&error))
    }

    fn completed(&self, session: &Self::Session) -> u8 {
        session.completed()
    }

    fn next_round(&mut self, session: &mut Self::Session, job: &Job, round: Round) -> Result<Vec<u8>, JobError> {
        let challenges = Challenges::decode(&job.challenges).map_err(|error| job_error(Disposition::Reject, &error))?;
        let messages = session.run(round.get(), &challenges).map_err(|error| prover_error(&error))?;
        match messages.last() {
            Some(message) if message.round() == round.get() => Ok(RoundMessage::encode(message)),
            Some(_) | None => {
                let text = format!("round {round} gave no message");
                Err(JobError { disposition: Disposition::RetryElsewhere, code: "PY-W-012".to_owned(), text })
            }
        }
    }

    fn device(&self) -> &str {
        self.keys.backend().name()
    }
}
