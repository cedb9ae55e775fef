//! The ladder that a block climbs, as the sequencer follows it.

use serde::{Deserialize, Serialize};

use super::types::{Address, BlockId, Height, Reason};

/// Where a block stands, for those who wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rung")]
pub enum Rung {
    /// Waits for its turn.
    Queued,
    /// Quotes are asked for.
    Bidding {
        /// At this height.
        height: Height,
    },
    /// The proposal is on its way.
    Mempool {
        /// At this height.
        height: Height,
    },
    /// The proposal is on L1.
    Proposed {
        /// At this height.
        height: Height,
    },
    /// The block is shown on L1.
    Revealed {
        /// At this height.
        height: Height,
    },
    /// Every group has a prover.
    Committed {
        /// At this height.
        height: Height,
        /// The provers, by group.
        provers: Vec<Address>,
    },
    /// It won the height and is being proven.
    Proving {
        /// At this height.
        height: Height,
        /// Who works on each group; the sidecar itself is `self`.
        provers: Vec<String>,
        /// L1 blocks left for the proof.
        left: u64,
    },
    /// A committed prover is not trusted to deliver any more: others, or the sidecar itself, prove the block.
    Rescuing {
        /// At this height.
        height: Height,
        /// The group.
        group: u32,
        /// Who is to rescue it; the sidecar itself is `self`.
        by: String,
        /// Why.
        reason: String,
    },
    /// L1 verified all proofs.
    Verified {
        /// At this height.
        height: Height,
    },
    /// Deep enough in L1.
    Finalized {
        /// At this height.
        height: Height,
    },
    /// Another proposal won, or ours came to nothing; the block waits for the next height.
    Lost {
        /// This height.
        height: Height,
        /// Why.
        reason: String,
    },
    /// The window closed on an unproven group; the block waits for the next height.
    Slashed {
        /// This height.
        height: Height,
    },
    /// The height is void; the block waits for the next.
    Voided {
        /// This height.
        height: Height,
    },
    /// L1 took something back.
    Reorged {
        /// At this height.
        height: Height,
    },
    /// The block was cut in two, which go on in its place.
    Cut {
        /// The first, self-proven part.
        first: BlockId,
        /// The rest.
        rest: BlockId,
    },
    /// Given up, with the reason.
    HandedBack {
        /// Why, and what to do.
        reason: Reason,
    },
}

impl Rung {
    /// Whether the block behind it is shown on L1, or was.
    pub fn is_revealed(&self) -> bool {
        match self {
            Self::Revealed { .. }
            | Self::Committed { .. }
            | Self::Proving { .. }
            | Self::Rescuing { .. }
            | Self::Verified { .. }
            | Self::Finalized { .. }
            | Self::Slashed { .. } => true,
            Self::Queued
            | Self::Bidding { .. }
            | Self::Mempool { .. }
            | Self::Proposed { .. }
            | Self::Lost { .. }
            | Self::Voided { .. }
            | Self::Reorged { .. }
            | Self::Cut { .. }
            | Self::HandedBack { .. } => false,
        }
    }

    /// All names, as [`Rung::name`] gives them.
    pub const NAMES: &'static [&'static str] = &[
        "queued",
        "bidding",
        "mempool",
        "proposed",
        "revealed",
        "committed",
        "proving",
        "rescuing",
        "verified",
        "finalized",
        "lost",
        "slashed",
        "voided",
        "reorged",
        "cut",
        "handed_back",
    ];

    /// Its name, as it is written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Bidding { .. } => "bidding",
            Self::Mempool { .. } => "mempool",
            Self::Proposed { .. } => "proposed",
            Self::Revealed { .. } => "revealed",
            Self::Committed { .. } => "committed",
            Self::Proving { .. } => "proving",
            Self::Rescuing { .. } => "rescuing",
            Self::Verified { .. } => "verified",
            Self::Finalized { .. } => "finalized",
            Self::Lost { .. } => "lost",
            Self::Slashed { .. } => "slashed",
            Self::Voided { .. } => "voided",
            Self::Reorged { .. } => "reorged",
            Self::Cut { .. } => "cut",
            Self::HandedBack { .. } => "handed_back",
        }
    }

    /// Whether the block is through: nothing follows.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Finalized { .. } | Self::Cut { .. } | Self::HandedBack { .. })
    }
}
