//! What the core asks its driver to do.

use proofyard_job_schema::{BlockId, Job, JobId, WorkerId};

use super::{
    event::{Failure, Token},
    group::Purpose,
};

/// Why an alarm is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmKind {
    /// Its message of the round is not what the protocol prescribes.
    WrongMessage,
    /// Its message does not decode.
    Malformed,
}

/// Something an observer may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The block was accepted and is cut into this many subtrees.
    Accepted {
        /// Its id.
        block: BlockId,
        /// Subtrees in all groups.
        subtrees: u32,
    },
    /// A group entered a round, for the first time or again.
    Round {
        /// Its block.
        block: BlockId,
        /// Index of the group.
        group: usize,
        /// Its first subtree, counted over the block.
        first_subtree: u32,
        /// The round.
        round: u8,
        /// Subtrees of the group whose message of this round is there already.
        answered: u32,
        /// Subtrees of the group.
        subtrees: u32,
    },
    /// A subtree's message of the current round is in.
    Subtree {
        /// Its block.
        block: BlockId,
        /// Index of the group.
        group: usize,
        /// The round.
        round: u8,
        /// The subtree, counted over the block.
        subtree: u32,
        /// Whose message counts.
        worker: WorkerId,
        /// Subtrees of the group answered by now.
        answered: u32,
        /// Subtrees of the group.
        subtrees: u32,
    },
    /// All groups are proven; the root proof is being checked.
    Verifying {
        /// Its block.
        block: BlockId,
    },
}

impl Progress {
    /// The block it is about.
    pub fn block(&self) -> BlockId {
        match *self {
            Self::Accepted { block, .. }
            | Self::Round { block, .. }
            | Self::Subtree { block, .. }
            | Self::Verifying { block } => block,
        }
    }
}

/// Everything the core may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Execute the block on the blocking pool; answer `Executed` or `Refused`.
    Execute {
        /// Its id.
        block: BlockId,
    },
    /// Put the block's inputs into the blob store; answer `Uploaded` or `UploadFailed`.
    Upload {
        /// Its id.
        block: BlockId,
    },
    /// Send a job; answer `SendFailed` if the bus does not take it.
    Send {
        /// To whom.
        worker: WorkerId,
        /// The job.
        job: Box<Job>,
        /// Why it is sent.
        purpose: Purpose,
    },
    /// Tell a worker that a job is no longer needed.
    Cancel {
        /// Whom.
        worker: WorkerId,
        /// The job.
        id: JobId,
    },
    /// Tell workers that a block is over: its sessions can go.
    Release {
        /// The block.
        block: BlockId,
        /// Everyone who had a job of it and lives.
        workers: Vec<WorkerId>,
    },
    /// Acknowledge a delivered message.
    Ack(Token),
    /// Absorb a round on the blocking pool, starting from the aggregator as it was before that round; answer `Aggregated`.
    Aggregate {
        /// The block.
        block: BlockId,
        /// Index of the group.
        group: usize,
        /// To be handed back; an outcome of an older run is stale.
        run: u32,
        /// The round.
        round: u8,
        /// The round's messages in subtree order.
        messages: Vec<Vec<u8>>,
    },
    /// Prove rounds 1..=round of a subtree on the coordinator itself; answer `ComputedLocally`.
    ComputeLocally {
        /// To be handed back.
        run: u32,
        /// What to prove; its attempt number means nothing here.
        job: Box<Job>,
    },
    /// Assemble the root proof and verify it on the blocking pool; answer `Verified`.
    Verify {
        /// The block.
        block: BlockId,
        /// Encoded group proofs in order.
        groups: Vec<Vec<u8>>,
    },
    /// A worker was caught.
    Alarm {
        /// The block it happened in.
        block: BlockId,
        /// Who did it.
        worker: WorkerId,
        /// The subtree, counted over the block.
        subtree: u32,
        /// The first round in which its message is wrong.
        round: u8,
        /// What was wrong.
        kind: AlarmKind,
    },
    /// A worker fell silent; its jobs go to others.
    WorkerLost {
        /// Who.
        worker: WorkerId,
    },
    /// For observers.
    Progress(Progress),
    /// The block is proven and the proof verified.
    Finished {
        /// The block.
        block: BlockId,
        /// The encoded root proof.
        proof: Vec<u8>,
    },
    /// The block is refused or given up; forget it.
    Failed {
        /// The block.
        block: BlockId,
        /// Why.
        failure: Failure,
    },
    /// Drained: the driver may end.
    Stopped,
}
