//! What may happen to the coordinator.

use proofyard_job_schema::{BlobDigest, BlockId, CircuitDigest, Disposition, JobId, TranscriptDigest, WorkerId};

use super::workers::Report;

/// An opaque handle of a delivered message; acknowledged by [`super::Effect::Ack`].
pub type Token = u64;

/// How a block is cut, known after its execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Digest of the key to prove with.
    pub circuit: CircuitDigest,
    /// Groups of subtrees in block order, each becoming one group proof.
    pub groups: Vec<GroupPlan>,
}

/// One group of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPlan {
    /// Digest of each subtree's inputs in the blob store, in order.
    pub inputs: Vec<BlobDigest>,
    /// The challenges of round 1 (none are drawn yet) and what they are bound to.
    pub first: Drawn,
}

/// The challenges that serve a round, encoded, and the digest that names them and everything absorbed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Encoded challenges so far.
    pub challenges: Vec<u8>,
    /// Digest over the statement and the challenges so far.
    pub transcript: TranscriptDigest,
}

/// A worker's answer to one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The job.
    pub id: JobId,
    /// Who answers.
    pub worker: WorkerId,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Messages of `first_round..=round`, all well-formed.
    Proved {
        /// The transcript digest the job carried.
        transcript: TranscriptDigest,
        /// 1 after a rebuilt session, else the job's round.
        first_round: u8,
        /// One encoded message a round.
        messages: Vec<Vec<u8>>,
    },
    /// The worker could not.
    Failed {
        /// What to do about it.
        disposition: Disposition,
        /// Coded reason.
        reason: String,
    },
    /// The answer's messages do not decode, which no honest worker's do.
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}

/// What aggregation of a round came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aggregation {
    /// Challenges for the next round.
    Next(Drawn),
    /// Round 5 is in: the group's proof, encoded.
    Done(Vec<u8>),
    /// These subtrees of the group (counted inside the group) sent something wrong in this round or before.
    Faulty(Vec<u32>),
    /// Aggregation failed for another reason.
    Failed(String),
}

/// Why a block is refused or given up: a code, what happened, and the transaction if one is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable code, as `PY-C-003`.
    pub code: String,
    /// What, where, and what to do.
    pub message: String,
    /// Index of the offending transaction, if one is.
    pub transaction: Option<u32>,
    /// Refused before any work; otherwise the farm gave up.
    pub refused: bool,
}

/// Everything that may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A block was handed in.
    Submitted {
        /// Its id.
        block: BlockId,
    },
    /// The block was executed and cut.
    Executed {
        /// Its id.
        block: BlockId,
        /// Groups and subtrees.
        plan: Plan,
    },
    /// The block is invalid.
    Refused {
        /// Its id.
        block: BlockId,
        /// Why.
        failure: Failure,
    },
    /// All inputs of the block are in the blob store.
    Uploaded {
        /// Its id.
        block: BlockId,
    },
    /// The blob store did not take the inputs.
    UploadFailed {
        /// Its id.
        block: BlockId,
        /// Why.
        reason: String,
    },
    /// A worker answered.
    Answered {
        /// To acknowledge it by.
        token: Token,
        /// The answer.
        answer: Answer,
    },
    /// A job could not be put on the bus.
    SendFailed {
        /// The job.
        id: JobId,
    },
    /// A worker that drains gives jobs back and wants no more; this uses up no retry.
    Returned {
        /// To acknowledge it by.
        token: Token,
        /// Who drains.
        worker: WorkerId,
        /// The jobs.
        jobs: Vec<JobId>,
    },
    /// A worker lives.
    Heartbeat {
        /// Which.
        worker: WorkerId,
        /// What it says.
        report: Report,
    },
    /// An [`super::Effect::Aggregate`] is done.
    Aggregated {
        /// Its block.
        block: BlockId,
        /// Index of the group.
        group: usize,
        /// The effect's run number.
        run: u32,
        /// The outcome.
        outcome: Aggregation,
    },
    /// An [`super::Effect::ComputeLocally`] is done.
    ComputedLocally {
        /// Its block.
        block: BlockId,
        /// The subtree, counted over the block.
        subtree: u32,
        /// The effect's run number.
        run: u32,
        /// Messages of rounds 1.., or why not.
        messages: Result<Vec<Vec<u8>>, String>,
    },
    /// The root proof was checked.
    Verified {
        /// Its block.
        block: BlockId,
        /// The encoded root proof, or why it was rejected.
        proof: Result<Vec<u8>, String>,
    },
    /// Time passed.
    Tick,
    /// No more blocks; finish or give up soon.
    Drain,
}
