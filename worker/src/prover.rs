//! What the worker asks of a prover.

use proofyard_job_schema::{Job, Round};

use crate::core::JobError;

/// Proves subtrees round by round, one job at a time; sessions are kept by the worker.
pub trait Prover: Send + 'static {
    /// State of one subtree between rounds.
    type Session: Send;

    /// Longest inputs of the job's subtree, in bytes.
    fn inputs_bytes_max(job: &Job) -> u64;

    /// Starts a subtree from its inputs. `cut` is called when the inputs are decoded, before the witness is expanded.
    fn open(&mut self, job: &Job, inputs: &[u8], cut: &mut dyn FnMut()) -> Result<Self::Session, JobError>;

    /// Rounds done so far, 0..=5.
    fn completed(&self, session: &Self::Session) -> u8;

    /// Performs the next round, `completed + 1`, on the job's challenges; its encoded message.
    fn next_round(&mut self, session: &mut Self::Session, job: &Job, round: Round) -> Result<Vec<u8>, JobError>;

    /// The device, for heartbeats.
    fn device(&self) -> &str;
}
