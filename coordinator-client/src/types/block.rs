//! A block's status.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::types::{ErrorBody, Ladder, wire};

/// The answer to a bare block file handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// The block's id, 64 hexadecimal digits.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub id: String,
}

/// Where a block stands in the farm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// True when nothing more will happen in the farm.
    pub fn is_final(self) -> bool {
        match self {
            Self::Done | Self::Refused | Self::Failed => true,
            Self::Executing | Self::Proving | Self::Verifying => false,
        }
    }
}

/// How long a round of a group took, from its start to the start of the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockStatus {
    /// The block's id: SHA-256 of its file, 64 hexadecimal digits.
    pub id: String,
    /// Its block commitment on L1, when it has one.
    #[serde(with = "wire::hash_option", skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^0x[0-9a-f]{64}$"))]
    pub block_commitment: Option<B256>,
    /// Where it stands in the farm.
    pub stage: Stage,
    /// Where it stands altogether.
    pub ladder: Ladder,
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

impl BlockStatus {
    /// A block just handed in.
    pub fn new(id: String, rows_log2: u32) -> Self {
        Self {
            id,
            block_commitment: None,
            stage: Stage::Executing,
            ladder: Ladder::new(),
            subtrees: 0,
            rows_log2,
            round: 0,
            subtrees_done: 0,
            seconds: 0.0,
            rounds: Vec::new(),
            culprits: Vec::new(),
            proof: None,
            error: None,
        }
    }

    /// True when nothing more will happen: off or on top of the ladder, or done in the farm when L1 does not know the block.
    pub fn is_final(&self) -> bool {
        self.ladder.rung.is_final() || (self.block_commitment.is_none() && self.stage.is_final())
    }
}
