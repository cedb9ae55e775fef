//! The ladder a block climbs, from execution to a final state on L1.

use serde::{Deserialize, Serialize};

use crate::types::ErrorBody;

/// How far a block has come. The order is that of the ladder; the last three are where it can fall off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Being checked, executed and cut.
    Executing,
    /// Its proposal waits in the mempool.
    Mempool,
    /// Its proposal is on L1.
    Proposed,
    /// Its header is on L1.
    Revealed,
    /// A prover is bound to it.
    Committed,
    /// Workers are at it.
    Proving,
    /// The verified proof is there for anyone to fetch.
    Proven,
    /// A transaction with the proof has been sent.
    Published,
    /// L1 has verified the proof.
    Verified,
    /// That is deep enough not to be undone.
    Finalized,
    /// The window closed without a proof; the deposit is lost.
    Slashed,
    /// L1, or the end of an earlier height, has undone it.
    Reorged,
    /// This coordinator does not prove it, or has given it up.
    Declined,
}

impl Rung {
    /// True when nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finalized | Self::Slashed | Self::Reorged | Self::Declined)
    }
}

/// Where a block stands on its ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ladder {
    /// The rung.
    pub rung: Rung,
    /// Why, when it is slashed, reorged or declined.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<ErrorBody>,
    /// Subtrees of the present round that have answered.
    pub subtrees_done: u32,
    /// Subtrees in all groups; 0 before the block is cut.
    pub subtrees: u32,
    /// Seconds from the predicted proof to the end of the window; negative when it will be late. Missing without a window.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slack_seconds: Option<f64>,
}

impl Ladder {
    /// The lowest rung.
    pub fn new() -> Self {
        Self { rung: Rung::Executing, reason: None, subtrees_done: 0, subtrees: 0, slack_seconds: None }
    }

    /// Up to a rung; stays where it is when that is lower.
    pub fn climb(&mut self, rung: Rung) {
        self.rung = self.rung.max(rung);
    }

    /// Off the ladder, with the reason.
    pub fn fall(&mut self, rung: Rung, reason: ErrorBody) {
        self.rung = rung;
        self.reason = Some(reason);
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self::new()
    }
}
