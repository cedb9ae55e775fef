//! The endpoint's JSON.

use serde::{Deserialize, Serialize};

/// The answer to a block handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The block's id, 64 hexadecimal digits.
    pub id: String,
}

/// An error's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Stable code, as `PY-B-021`.
    pub code: String,
    /// What, where, and what to do.
    pub message: String,
    /// Index of the offending transaction, if one is to blame.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transaction: Option<u32>,
}

/// Where a block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Being checked, executed and cut into subtrees.
    Executing,
    /// Workers are at it.
    Proving,
    /// The root proof is being verified.
    Verifying,
    /// The verified proof can be fetched.
    Done,
    /// Refused before any proving.
    Refused,
    /// Given up.
    Failed,
}

impl Stage {
    /// True when nothing more will happen.
    pub fn is_final(self) -> bool {
        match self {
            Self::Done | Self::Refused | Self::Failed => true,
            Self::Executing | Self::Proving | Self::Verifying => false,
        }
    }
}

/// How long a round of a group took, from its start to the start of the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundTime {
    /// The group, from 0.
    pub group: usize,
    /// The round, 1 to 5. A round that was done again appears again.
    pub round: u8,
    /// Seconds.
    pub seconds: f64,
}

/// A worker caught sending something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// Its name.
    pub worker: String,
    /// The subtree, counted over the block.
    pub subtree: u32,
    /// The first round in which its message was wrong.
    pub round: u8,
}

/// A finished proof and what it states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofSummary {
    /// Length of the encoded root proof.
    pub bytes: usize,
    /// SHA-256 of it, in hexadecimal digits.
    pub sha256: String,
    /// Transfers proven.
    pub transfers: usize,
    /// State root before the block, 64 hexadecimal digits, big-endian.
    pub start_root: String,
    /// State root after the block.
    pub end_root: String,
    /// Running data hash after the block.
    pub data_hash: String,
    /// Fees of the block in gwei.
    pub fees: u64,
}

/// Everything about one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockStatus {
    /// The block's id.
    pub id: String,
    /// Where it stands.
    pub stage: Stage,
    /// Subtrees in all groups; 0 before it is cut.
    pub subtrees: u32,
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// The lowest round any unfinished group is in; 0 before the first.
    pub round: u8,
    /// Subtrees of that round that have answered.
    pub subtrees_done: u32,
    /// Seconds from intake to now, or to the end.
    pub seconds: f64,
    /// Rounds finished so far.
    pub rounds: Vec<RoundTime>,
    /// Workers caught in this block.
    pub culprits: Vec<Culprit>,
    /// The proof, when done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proof: Option<ProofSummary>,
    /// Why not, when refused or failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<ErrorBody>,
}

/// One worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Its name.
    pub worker: String,
    /// Heard of within the lease.
    pub live: bool,
    /// It takes no more jobs.
    pub draining: bool,
    /// What it proves on.
    pub device: String,
    /// Jobs it holds.
    pub jobs: u32,
    /// Sessions it keeps.
    pub sessions: u32,
    /// Peak resident memory of its process in bytes.
    pub peak_rss_bytes: u64,
}

/// The coordinator's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or `draining`.
    pub status: String,
    /// Fencing number of this coordinator.
    pub epoch: u64,
    /// The key is the developers' setup's: anyone can forge proofs for it.
    pub insecure_setup: bool,
    /// Digest of the verifying key, 64 hexadecimal digits.
    pub key_digest: String,
    /// Blocks accepted and unfinished.
    pub blocks: usize,
    /// Workers ever heard of.
    pub workers: Vec<WorkerStatus>,
}
