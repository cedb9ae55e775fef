//! A prover that does everything right and then sends something else in one round. Test code only.

use std::sync::Arc;

use proofyard_worker::{
    CpuKeys,
    circuit_prover::CircuitProver,
    core::JobError,
    job_schema::{Job, Round},
    prover::Prover,
};

/// Bytes of a point: two coordinates.
const POINT_BYTES: usize = 64;

/// The real prover with one round's message replaced by a well-formed wrong one.
pub struct Liar<P> {
    honest: P,
    round: Option<u8>,
}

impl<P> Liar<P> {
    /// Lies in this round; in none when `None`.
    pub fn new(honest: P, round: Option<u8>) -> Self {
        Self { honest, round }
    }
}

/// The real CPU prover, lying in this round.
pub fn liar(keys: Arc<CpuKeys>, round: Option<u8>) -> impl Prover {
    Liar::new(CircuitProver::new(keys), round)
}

/// Another message of the same form: the first point becomes the generator (1, 2), the first scalar one more or less.
fn falsify(round: u8, mut message: Vec<u8>) -> Vec<u8> {
    if round == 4 {
        message[31] ^= 1;
    } else {
        message[..POINT_BYTES].fill(0);
        message[31] = 1;
        message[POINT_BYTES - 1] = 2;
    }
    message
}

impl<P: Prover> Prover for Liar<P> {
    type Session = P::Session;

    fn inputs_bytes_max(job: &Job) -> u64 {
        P::inputs_bytes_max(job)
    }

    fn open(&mut self, job: &Job, inputs: &[u8], cut: &mut dyn FnMut()) -> Result<Self::Session, JobError> {
        self.honest.open(job, inputs, cut)
    }

    fn completed(&self, session: &Self::Session) -> u8 {
        self.honest.completed(session)
    }

    fn next_round(&mut self, session: &mut Self::Session, job: &Job, round: Round) -> Result<Vec<u8>, JobError> {
        let message = self.honest.next_round(session, job, round)?;
        Ok(if self.round == Some(round.get()) { falsify(round.get(), message) } else { message })
    }

    fn device(&self) -> &str {
        self.honest.device()
    }
}
