//! What L1 says about one group of one proposal, and how a reorg takes it back.

use alloy_primitives::Address;

use crate::ledger::QuoteState;

/// When the height's proofs are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// First L1 block in which a proof is taken.
    pub first: u64,
    /// Last L1 block in which a proof is taken.
    pub last: u64,
}

/// Something that L1 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The block commitment was proposed.
    Proposed,
    /// The header was revealed.
    Revealed,
    /// The group is committed to a prover.
    Committed {
        /// Who.
        prover: Address,
    },
    /// The height's schedule, known since it opened.
    Scheduled(Schedule),
    /// Another proposal has won the height.
    Lost,
    /// The group is proven.
    GroupProven {
        /// Somebody else took the price.
        rescued: bool,
    },
    /// The height is proven.
    HeightProven,
    /// The height is slashed.
    HeightSlashed,
    /// The height is void.
    HeightVoided,
}

/// The facts that stand, each with its block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    all: Vec<(u64, Fact)>,
    /// Something was taken back and has not come again.
    undone: bool,
}

impl Facts {
    /// Takes a fact in; the same one again changes nothing.
    pub fn see(&mut self, block: u64, fact: Fact) {
        if !self.all.contains(&(block, fact)) {
            self.all.push((block, fact));
            self.undone = false;
        }
    }

    /// This block and all later ones are gone.
    pub fn revert(&mut self, block: u64) {
        let before = self.all.len();
        self.all.retain(|(at, _)| *at < block);
        self.undone |= self.all.len() < before;
    }

    /// True while something that stood does not any more and nothing new has come.
    pub fn is_undone(&self) -> bool {
        self.undone
    }

    fn first<T>(&self, of: impl Fn(&Fact) -> Option<T>) -> Option<(u64, T)> {
        self.all.iter().find_map(|(block, fact)| of(fact).map(|value| (*block, value)))
    }

    fn block_of(&self, wanted: impl Fn(&Fact) -> bool) -> Option<u64> {
        self.first(|fact| wanted(fact).then_some(())).map(|(block, ())| block)
    }

    /// When it was proposed.
    pub fn proposed_at(&self) -> Option<u64> {
        self.block_of(|fact| *fact == Fact::Proposed)
    }

    /// When it was revealed.
    pub fn revealed_at(&self) -> Option<u64> {
        self.block_of(|fact| *fact == Fact::Revealed)
    }

    /// When it was committed to anybody.
    pub fn committed_at(&self) -> Option<u64> {
        self.block_of(|fact| matches!(fact, Fact::Committed { .. }))
    }

    /// When it was committed to this prover; `None` also when to another.
    pub fn committed_to(&self, prover: Address) -> Option<u64> {
        self.block_of(|fact| *fact == Fact::Committed { prover })
    }

    /// The height's schedule.
    pub fn schedule(&self) -> Option<Schedule> {
        let schedule = |fact: &Fact| if let Fact::Scheduled(schedule) = fact { Some(*schedule) } else { None };
        self.first(schedule).map(|(_, schedule)| schedule)
    }

    /// When it was proven, and whether somebody else was paid.
    pub fn proven(&self) -> Option<(u64, bool)> {
        self.first(|fact| if let Fact::GroupProven { rescued } = fact { Some(*rescued) } else { None })
    }

    /// When the whole height was proven.
    pub fn height_proven_at(&self) -> Option<u64> {
        self.block_of(|fact| *fact == Fact::HeightProven)
    }

    /// When the height ended, in whatever way.
    pub fn height_ended_at(&self) -> Option<u64> {
        self.block_of(|fact| matches!(fact, Fact::HeightProven | Fact::HeightSlashed | Fact::HeightVoided))
    }

    /// When it was slashed, unproven.
    pub fn slashed_at(&self) -> Option<u64> {
        self.proven().is_none().then(|| self.block_of(|fact| *fact == Fact::HeightSlashed)).flatten()
    }

    /// When it was decided that its deposit comes back without a proof: another won, or the height is void.
    pub fn released_at(&self) -> Option<u64> {
        let released = |fact: &Fact| matches!(fact, Fact::Lost | Fact::HeightVoided);
        self.proven().is_none().then(|| self.block_of(released)).flatten()
    }

    /// When nothing was left to do for a prover: proven, slashed, lost or void.
    pub fn ended_at(&self) -> Option<u64> {
        self.proven().map(|(block, _)| block).or_else(|| self.slashed_at()).or_else(|| self.released_at())
    }

    /// Why it ended without our proof.
    pub fn end_reason(&self) -> Option<String> {
        let at = |what: &str, block: u64| Some(format!("{what} in L1 block {block}"));
        match (self.proven(), self.slashed_at(), self.block_of(|fact| *fact == Fact::Lost)) {
            (Some((block, true)), ..) => at("somebody else's proof took the price", block),
            (Some((block, false)), ..) => at("the group is proven", block),
            (None, Some(block), _) => at("the height was slashed", block),
            (None, None, Some(block)) => at("another proposal won the height", block),
            (None, None, None) => self.released_at().and_then(|block| at("the height became void", block)),
        }
    }

    /// What a signed quote for this group is, when it names `prover`; since which block, and why.
    pub fn quote_state(&self, prover: Address) -> (QuoteState, u64, Option<String>) {
        let Some(committed) = self.committed_to(prover) else { return (QuoteState::Signed, 0, None) };
        match (self.proven(), self.slashed_at(), self.released_at()) {
            // A rescued group costs part of the deposit.
            (Some((block, true)), ..) => (QuoteState::Slashed, block, self.end_reason()),
            (Some((block, false)), ..) => (QuoteState::Settled, block, None),
            (None, Some(block), _) => (QuoteState::Slashed, block, self.end_reason()),
            (None, None, Some(block)) => (QuoteState::Released, block, self.end_reason()),
            (None, None, None) => (QuoteState::Committed, committed, None),
        }
    }
}
