//! A job, the reply to it and its failure.

use serde::{Deserialize, Serialize};

use crate::capped;
use crate::ids::{BlobDigest, CircuitDigest, JobId, Round, TranscriptDigest, WorkerId};

/// Most bytes of encoded challenges in a job.
pub const CHALLENGES_BYTES_MAX: usize = 4096;
/// Most bytes of one round's encoded message.
pub const ROUND_BYTES_MAX: usize = 4096;
/// Most bytes of a failure's code.
pub const FAILURE_CODE_BYTES_MAX: usize = 32;
/// Most bytes of a failure's text.
pub const FAILURE_TEXT_BYTES_MAX: usize = 1024;

/// One round of one subtree, with everything a worker needs that is not in the blob store: a worker without a session
/// rebuilds it from `inputs` and answers as one that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which job this is.
    pub id: JobId,
    /// The group of the block that the subtree belongs to, from 0.
    pub group: u32,
    /// The subtree's position in its group, from 0: which row of the SRS is used.
    pub position: u32,
    /// Subtrees in the group (M).
    pub subtrees: u32,
    /// Base-2 logarithm of the rows of a subtree (T).
    pub rows_log2: u32,
    /// Digest of the key to prove with.
    pub circuit: CircuitDigest,
    /// The subtree's inputs in the blob store.
    pub inputs: BlobDigest,
    /// All challenges so far, in the proof system's encoding.
    #[serde(serialize_with = "capped::write_bytes::<CHALLENGES_BYTES_MAX, _>")]
    #[serde(deserialize_with = "capped::read_bytes::<CHALLENGES_BYTES_MAX, _>")]
    pub challenges: Vec<u8>,
    /// Digest of `challenges`.
    pub transcript: TranscriptDigest,
    /// Time the worker may take, in milliseconds from receipt. Relative, so that clocks need not agree.
    pub deadline_ms: u64,
    /// Forget any session and recompute every round up to this one; the reply then carries all their messages.
    pub fresh: bool,
}

/// The message of one round, in the proof system's encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundBytes {
    /// The round.
    pub round: Round,
    /// The encoded message.
    #[serde(serialize_with = "capped::write_bytes::<ROUND_BYTES_MAX, _>")]
    #[serde(deserialize_with = "capped::read_bytes::<ROUND_BYTES_MAX, _>")]
    pub bytes: Vec<u8>,
}

/// A worker's answer to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The job answered.
    pub id: JobId,
    /// Who answers.
    pub author: WorkerId,
    /// The job's `transcript`: which challenges were used.
    pub transcript: TranscriptDigest,
    /// The messages of the rounds computed for this job, ascending, the last being the job's round: one when the
    /// session was current, rounds 1 to the job's round after a rebuild.
    #[serde(serialize_with = "capped::write_list::<5, _, _>")]
    #[serde(deserialize_with = "capped::read_list::<5, _, _>")]
    pub messages: Vec<RoundBytes>,
    /// What it took.
    pub figures: ProvingFigures,
}

/// A part of the work on a job that is timed on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Fetching and decoding the inputs.
    Inputs,
    /// Expanding the inputs to the witness columns.
    Witness,
    /// Computing the given round.
    Round(Round),
}

/// Time spent in one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// Microseconds.
    pub micros: u64,
}

/// What a reply took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvingFigures {
    /// Time per phase, in the order the phases ran; phases that did not run are absent.
    #[serde(serialize_with = "capped::write_list::<8, _, _>")]
    #[serde(deserialize_with = "capped::read_list::<8, _, _>")]
    pub phases: Vec<PhaseTime>,
    /// Peak resident memory of the worker's process so far, in bytes.
    pub peak_rss_bytes: u64,
}

impl ProvingFigures {
    /// Sum over the phases, in microseconds.
    pub fn total_micros(&self) -> u64 {
        self.phases.iter().fold(0, |total, phase| total.saturating_add(phase.micros))
    }
}

/// What to do about a job that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Disposition {
    /// A passing trouble: the same worker may get it again.
    Retry,
    /// This worker cannot do it (no key, no memory, a broken device): another one may.
    RetryElsewhere,
    /// The job itself is wrong (unsatisfied witness, malformed inputs): no worker can do it.
    Reject,
    /// The blob store does not have the inputs (any more): the coordinator stores them again.
    InputsMissing,
}

/// A job that was not done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// The job.
    pub id: JobId,
    /// Who reports.
    pub author: WorkerId,
    /// What to do about it.
    pub disposition: Disposition,
    /// The error's code, such as `PY-W-007`.
    #[serde(serialize_with = "capped::write_text::<FAILURE_CODE_BYTES_MAX, _>")]
    #[serde(deserialize_with = "capped::read_text::<FAILURE_CODE_BYTES_MAX, _>")]
    pub code: String,
    /// The error's text.
    #[serde(serialize_with = "capped::write_text::<FAILURE_TEXT_BYTES_MAX, _>")]
    #[serde(deserialize_with = "capped::read_text::<FAILURE_TEXT_BYTES_MAX, _>")]
    pub text: String,
}

impl JobFailure {
    /// A failure report; `code` and `text` are cut to their caps, so that reporting never fails.
    pub fn new(id: JobId, author: WorkerId, disposition: Disposition, code: &str, text: &str) -> Self {
        Self {
            id,
            author,
            disposition,
            code: capped::prefix(code, FAILURE_CODE_BYTES_MAX).to_owned(),
            text: capped::prefix(text, FAILURE_TEXT_BYTES_MAX).to_owned(),
        }
    }
}
