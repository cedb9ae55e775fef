//! L1 as of one block, as far as the sidecar is concerned. The core compares what it wants with this view each time it gets one,
//! instead of adding events up: a reorg, a missed event or a restart is just another view.

use std::collections::BTreeMap;

use super::types::{Address, Amount, Hash, Height, L1Block, Link};

/// The rules of a version (docs/sidecar.md, section 2), as far as the sidecar acts on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Lengths of the proposal, reveal, commitment, proving and submission phases.
    pub lengths: [u64; 5],
    /// Whether groups are committed and bonded; not with the multiproof strategy.
    pub bonded: bool,
    /// Whether proofs are taken in the submission phase only.
    pub fixed_window: bool,
    /// Last blocks of the window in which a rescuer takes the price.
    pub rescue_blocks: u64,
    /// Token of all deposits.
    pub deposit_token: Address,
    /// Least deposit for a whole block.
    pub min_deposit: Amount,
}

impl Rules {
    /// Least deposit of one of `groups` groups: its part, rounded up.
    pub fn deposit_of_group(&self, groups: u32) -> Amount {
        self.min_deposit.div_ceil(Amount::from(groups.max(1)))
    }
}

/// Where a height stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Proposals are taken.
    Proposal,
    /// Proposals are revealed.
    Reveal,
    /// Groups are committed.
    Commitment,
    /// The winner's groups are proven.
    Proving,
    /// Last chance for proofs.
    Submission,
    /// The window is over and nobody has settled it yet.
    Closed,
    /// Ended: all groups and the parent are proven.
    Proven,
    /// Ended: the window closed on an unproven group.
    Slashed,
    /// Ended: without a winner, or because an earlier height failed.
    Void,
}

impl Phase {
    /// Whether the height has ended.
    pub fn is_final(self) -> bool {
        match self {
            Self::Proven | Self::Slashed | Self::Void => true,
            Self::Proposal | Self::Reveal | Self::Commitment | Self::Proving | Self::Submission | Self::Closed => false,
        }
    }
}

/// Our proposal as L1 has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// Its number, from 0.
    pub proposal: u32,
    /// The block commitment in it.
    pub commitment: Hash,
    /// Whether it is revealed.
    pub revealed: bool,
    /// Whether tip and deposits went back.
    pub refunded: bool,
    /// Prover committed for each group; empty before the reveal.
    pub provers: Vec<Option<Address>>,
}

/// One height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeightFacts {
    /// The state its block starts from, where that is known.
    pub start: Option<Link>,
    /// Where it stands as of this block.
    pub phase: Phase,
    /// First blocks of proposal, reveal, commitment, proving, submission, closed.
    pub first_blocks: [L1Block; 6],
    /// Rules it began with.
    pub rules: Rules,
    /// The leading committed proposal; final once the commitment phase is over.
    pub winner: Option<u32>,
    /// Our proposal, if there is one.
    pub ours: Option<Ours>,
    /// Whether each group of the leading proposal is proven.
    pub proven: Vec<bool>,
}

impl HeightFacts {
    /// Whether our proposal leads.
    pub fn we_lead(&self) -> bool {
        self.ours.as_ref().is_some_and(|ours| self.winner == Some(ours.proposal))
    }

    /// Whether this group of our leading proposal is proven.
    pub fn is_proven(&self, group: u32) -> bool {
        self.we_lead() && self.proven.get(group as usize).copied().unwrap_or(false)
    }

    /// First block in which a proof is taken.
    pub fn proofs_from(&self) -> L1Block {
        self.first_blocks[if self.rules.fixed_window { 4 } else { 3 }]
    }

    /// First block in which no proof is taken any more.
    pub fn closes(&self) -> L1Block {
        self.first_blocks[5]
    }
}

/// The next height, not opened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// Whether a proposal may open it now.
    pub open: bool,
    /// Its number.
    pub height: Height,
    /// The state its block must start from.
    pub start: Link,
}

/// L1 as of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The block's number.
    pub number: L1Block,
    /// Rules that the next height will have.
    pub rules: Rules,
    /// The next height.
    pub next: Next,
    /// Every open height, and every height the core asked to see ([`super::State::heights`]).
    pub heights: BTreeMap<Height, HeightFacts>,
    /// End of the last proven height whose ancestors are proven.
    pub proven_end: Link,
    /// What can be withdrawn, by token.
    pub credits: Vec<(Address, Amount)>,
}

impl View {
    /// The first block in which a transaction sent now may be included.
    pub fn at(&self) -> L1Block {
        self.number + 1
    }
}
