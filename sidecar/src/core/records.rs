//! What must survive the process: the queue, the attempts, the bidders' records, the withdrawals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    attempt::Attempt,
    rank::History,
    slots::Slots,
    types::{BlockId, Height, L1Block, Plan},
};

/// Where a block of the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    /// For a height that starts where it does.
    Waiting,
    /// Being cut in two; the sequencer hoped for this height.
    Cutting { height: Height },
    /// At this height.
    At { height: Height },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queued {
    pub(super) plan: Plan,
    pub(super) place: Place,
    /// It was cut off to be self-proven.
    pub(super) self_only: bool,
    /// Heights it was tried at.
    pub(super) attempts: u32,
    /// Since when nothing leads to its start.
    pub(super) stale_since: Option<L1Block>,
}

impl Queued {
    pub(super) fn new(plan: Plan, self_only: bool) -> Self {
        Self { plan, place: Place::Waiting, self_only, attempts: 0, stale_since: None }
    }
}

/// Everything durable. The driver stores it whole after each step that changed it, before it does what the step asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Blocks that have not ended, in the order they came.
    pub(super) queue: Vec<Queued>,
    /// What was tried, and is not cleared, by height.
    pub(super) attempts: BTreeMap<Height, Attempt>,
    /// Attempts there ever were; each has its number, so that no two transactions have the same name.
    pub(super) attempts_made: u64,
    pub(super) history: History,
    pub(super) withdrawals: Slots,
}

impl Records {
    /// Blocks that have not ended, in order.
    pub fn queue(&self) -> impl Iterator<Item = &Plan> {
        self.queue.iter().map(|queued| &queued.plan)
    }

    /// What the bidders have done so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    pub(super) fn position(&self, block: BlockId) -> Option<usize> {
        self.queue.iter().position(|queued| queued.plan.id == block)
    }
}
