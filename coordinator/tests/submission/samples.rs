//! A group and a chain for it: commitment until block 110, proofs in blocks 114 to 157.

use alloy_primitives::{Address, U256};
use proofyard_coordinator::{
    ledger::QuoteState,
    submission::{Effect, Event, Fact, Farm, Group, Schedule, Sending, SubmissionPolicy, Terms, step},
};

pub const PROVER: Address = Address::repeat_byte(3);
pub const FIRST: u64 = 114;
pub const LAST: u64 = 157;

pub fn policy() -> SubmissionPolicy {
    SubmissionPolicy { start_depth: 1, submit_depth: 2, finality_depth: 64, attempts_max: 3 }
}

pub fn group(quote: QuoteState, farm: Farm) -> Group {
    let terms = Terms { prover: PROVER, at_risk: U256::from(1_000), commit_by: 110, prove_by: 150 };
    Group::new(policy(), terms, quote, farm)
}

/// A group and everything it ordered.
pub struct Play {
    pub group: Group,
    pub ordered: Vec<Effect>,
}

impl Play {
    pub fn new(quote: QuoteState, farm: Farm) -> Self {
        Self { group: group(quote, farm), ordered: Vec::new() }
    }

    /// A group whose block is here and that is committed in block 105, up to that block.
    pub fn committed() -> Self {
        let mut play = Self::new(QuoteState::Signed, Farm::Waiting);
        play.see(100, Fact::Scheduled(Schedule { first: FIRST, last: LAST }));
        play.see(100, Fact::Proposed);
        play.see(104, Fact::Revealed);
        play.see(105, Fact::Committed { prover: PROVER });
        play.head(105);
        play.take();
        play
    }

    /// Proven by the farm, and submitted.
    pub fn submitted() -> Self {
        let mut play = Self::committed();
        play.head(108);
        play.farm(Farm::Proving);
        play.farm(Farm::Proven);
        play.take();
        play
    }

    pub fn event(&mut self, event: Event) {
        let effects = step(&mut self.group, event);
        self.ordered.extend(effects);
    }

    pub fn head(&mut self, block: u64) {
        self.event(Event::Head(block));
    }

    pub fn see(&mut self, block: u64, fact: Fact) {
        self.event(Event::Seen { block, fact });
    }

    pub fn farm(&mut self, farm: Farm) {
        self.event(Event::Farm(farm));
    }

    pub fn sending(&mut self, attempt: u32, sending: Sending) {
        self.event(Event::Sending { attempt, sending });
    }

    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.ordered)
    }
}

pub fn quote(to: QuoteState, at: u64) -> Effect {
    Effect::Quote { to, at, reason: None }
}

pub fn submit(attempt: u32) -> Effect {
    Effect::Submit { attempt, at_risk: U256::from(1_000), not_before: FIRST, deadline: LAST }
}
