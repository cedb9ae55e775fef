//! From an accepted block to its end on L1: when a group is proven, when its proof is submitted, what its quote becomes, and where it
//! stands on the ladder.
//!
//! [`facts`] holds what L1 says, each fact with the block it is from, so that a reorg takes facts back; [`step`] compares what should be
//! done, given the facts, with what was ordered, and orders the difference. It knows no clock, network or disk, and may be told the same
//! thing twice. Fees, replacements and resending are the transaction manager's; what it needs for that goes along with
//! [`Effect::Submit`]: the value at risk and the first and last block that make sense.
//!
//! What always holds:
//! - Proving starts only for a block that is here and committed to us, deep enough; a proof is submitted only while submission is open
//!   and the group is neither proven nor lost as far as L1 is seen.
//! - One submission at a time; a new one only after the last one is known to have failed for good.
//! - What follows from a fact is undone with it: the quote's state goes back, and a proof that a reorg threw out is submitted again.

mod facts;
mod ladder;

use alloy_primitives::{Address, U256};

pub use self::{
    facts::{Fact, Facts, Schedule},
    ladder::{Standing, standing},
};
use crate::ledger::QuoteState;

/// What an operator may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionPolicy {
    /// Blocks on top of the commitment before proving starts.
    pub start_depth: u64,
    /// Blocks on top of the commitment before a proof is submitted.
    pub submit_depth: u64,
    /// Blocks on top of an end before it counts as final.
    pub finality_depth: u64,
    /// Submissions of one group after which it is given up.
    pub attempts_max: u32,
}

impl Default for SubmissionPolicy {
    fn default() -> Self {
        Self { start_depth: 1, submit_depth: 2, finality_depth: 64, attempts_max: 8 }
    }
}

/// What was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Who is to be committed.
    pub prover: Address,
    /// What is lost without a proof, in wei: the deposit and the price.
    pub at_risk: U256,
    /// Last L1 block for the commitment.
    pub commit_by: u64,
    /// Last L1 block for the proof, as reserved; the height's schedule replaces it.
    pub prove_by: u64,
}

/// What the farm does with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Farm {
    /// The block was not handed in.
    Missing,
    /// It is here.
    Waiting,
    /// It is being proven.
    Proving,
    /// The verified proof is there.
    Proven,
    /// Given up, with the coded reason.
    Failed {
        /// As `PY-C-113`.
        code: String,
        /// In words.
        message: String,
    },
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// Written down, perhaps sent.
    Underway,
    /// In a block that a reorg may take back.
    Included,
    /// It reverted, or was given up, for good.
    Failed {
        /// Why.
        reason: String,
    },
    /// It succeeded, finally.
    Succeeded,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// L1's head, after all facts up to it.
    Head(u64),
    /// A fact from a block.
    Seen {
        /// The L1 block.
        block: u64,
        /// The fact.
        fact: Fact,
    },
    /// This block and all later ones are gone.
    Reverted {
        /// The first block that is gone.
        block: u64,
    },
    /// The farm's state. `Waiting` once more: it has failed and may try again.
    Farm(Farm),
    /// The ledger changed the quote's state by itself, as when it expired.
    Quote(QuoteState),
    /// A submission could not be written down: nothing of it exists.
    NotSent {
        /// Which, from 0.
        attempt: u32,
    },
    /// A submission's state.
    Sending {
        /// Which, from 0.
        attempt: u32,
        /// Its state.
        sending: Sending,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Hand the block to the farm.
    Prove,
    /// The farm need not go on with this group.
    Stop {
        /// Why.
        reason: String,
    },
    /// Submit the group's proof.
    Submit {
        /// Names the submission, from 0.
        attempt: u32,
        /// What is lost without it, in wei.
        at_risk: U256,
        /// First L1 block in which it can be.
        not_before: u64,
        /// Last L1 block in which it can be.
        deadline: u64,
    },
    /// The submission is not wanted any more.
    Withdraw {
        /// Which.
        attempt: u32,
    },
    /// Write the quote's new state into the ledger.
    Quote {
        /// The state.
        to: QuoteState,
        /// The L1 block it follows from.
        at: u64,
        /// Why, if that needs words.
        reason: Option<String>,
    },
    /// The group will not be proven in time by us.
    GiveUp {
        /// Why.
        reason: String,
    },
}

/// One group with an open or lately ended quote.
#[derive(Debug, Clone)]
pub struct Group {
    policy: SubmissionPolicy,
    terms: Terms,
    facts: Facts,
    farm: Farm,
    head: u64,
    /// The quote as the ledger has it.
    quote: QuoteState,
    /// The farm was told to prove.
    ordered: bool,
    stopped: bool,
    /// The present submission and its state.
    sending: Option<(u32, Sending)>,
    withdrawn: bool,
    given_up: Option<String>,
}

impl Group {
    /// A group as the ledger has it; facts come from L1, from the block of the quote on.
    pub fn new(policy: SubmissionPolicy, terms: Terms, quote: QuoteState, farm: Farm) -> Self {
        Self {
            policy,
            terms,
            facts: Facts::default(),
            farm,
            head: 0,
            quote,
            ordered: false,
            stopped: false,
            sending: None,
            withdrawn: false,
            given_up: None,
        }
    }

    /// What L1 says.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What the farm does with its block.
    pub fn farm(&self) -> &Farm {
        &self.farm
    }

    /// The quote as the ledger has it, or will have after the last effects.
    pub fn quote(&self) -> QuoteState {
        self.quote
    }

    /// Last L1 block that may include the proof.
    pub fn prove_by(&self) -> u64 {
        self.facts.schedule().map_or(self.terms.prove_by, |schedule| schedule.last)
    }

    /// True when nothing will happen to it any more, not even by a reorg of the depth that is waited for.
    pub fn is_over(&self) -> bool {
        let deep = |block: u64| self.head >= block.saturating_add(self.policy.finality_depth);
        match self.quote {
            // A proven group is shown until its height has ended, too.
            QuoteState::Settled | QuoteState::Slashed | QuoteState::Released => match self.facts.proven() {
                Some(_) => self.facts.height_ended_at().is_some_and(deep),
                None => self.facts.ended_at().is_some_and(deep),
            },
            QuoteState::Expired | QuoteState::Declined => deep(self.terms.commit_by),
            QuoteState::Reserved | QuoteState::Signed | QuoteState::Committed => false,
        }
    }

    /// Whether the commitment stands with so many blocks on top.
    fn committed_deep(&self, depth: u64) -> bool {
        self.facts.committed_to(self.terms.prover).is_some_and(|block| self.head >= block.saturating_add(depth))
    }

    /// Whether the group's fate on L1 is still open for us.
    fn is_open(&self) -> bool {
        self.facts.ended_at().is_none() && self.head < self.prove_by()
    }
}

/// Takes in what happened and says what is to be done. Facts are only noted; what follows from them is said with the next head, when
/// all of them are known. What a reorg takes back is said at once: a deposit that is drawn no longer is promised again.
pub fn step(group: &mut Group, event: Event) -> Vec<Effect> {
    let mut out = Vec::new();
    match event {
        Event::Head(head) => group.head = head,
        Event::Seen { block, fact } => {
            group.facts.see(block, fact);
            return out;
        }
        Event::Reverted { block } => {
            group.facts.revert(block);
            if group.head > 0 {
                group.head = group.head.min(block.saturating_sub(1));
                group.follow_quote(&mut out);
            }
            return out;
        }
        Event::Farm(farm) => {
            group.ordered &= farm != Farm::Waiting;
            group.farm = farm;
        }
        Event::Quote(quote) => {
            group.quote = quote;
            return out;
        }
        Event::NotSent { attempt } => {
            let failed = |attempt| (attempt, Sending::Failed { reason: "not written".to_owned() });
            group.sending = attempt.checked_sub(1).map(failed);
            return out;
        }
        Event::Sending { attempt, sending } => {
            if group.sending.as_ref().is_none_or(|(present, _)| *present <= attempt) {
                group.sending = Some((attempt, sending));
            }
        }
    }
    // Before the first head nothing is known of L1.
    if group.head > 0 {
        group.follow_quote(&mut out);
        group.drive_farm(&mut out);
        group.drive_submission(&mut out);
        group.judge(&mut out);
    }
    out
}

impl Group {
    /// The quote's state follows from the facts, forth and back.
    fn follow_quote(&mut self, out: &mut Vec<Effect>) {
        if matches!(self.quote, QuoteState::Reserved | QuoteState::Declined) {
            return;
        }
        let (to, at, reason) = self.facts.quote_state(self.terms.prover);
        // An expired quote that L1 still does not know stays expired.
        if to == self.quote || (to == QuoteState::Signed && self.quote == QuoteState::Expired) {
            return;
        }
        // The ledger takes single steps: an end follows a commitment, and another end follows from that.
        if !self.quote.may_become(to) {
            let block = self.facts.committed_at().unwrap_or(at);
            out.push(Effect::Quote { to: QuoteState::Committed, at: block, reason: None });
        }
        out.push(Effect::Quote { to, at, reason });
        self.quote = to;
    }

    fn drive_farm(&mut self, out: &mut Vec<Effect>) {
        let wanted = self.is_open() && self.committed_deep(self.policy.start_depth);
        if wanted && self.farm == Farm::Waiting && !self.ordered {
            self.ordered = true;
            self.stopped = false;
            out.push(Effect::Prove);
        }
        let lost = self.facts.end_reason().or_else(|| (self.head >= self.prove_by()).then(|| self.window_over()));
        if let Some(reason) = lost
            && self.farm == Farm::Proving
            && !self.stopped
        {
            self.stopped = true;
            out.push(Effect::Stop { reason });
        }
    }

    fn window_over(&self) -> String {
        format!("the window closed with L1 block {} and the group is not proven", self.prove_by())
    }

    fn drive_submission(&mut self, out: &mut Vec<Effect>) {
        let wanted = self.farm == Farm::Proven && self.is_open() && self.committed_deep(self.policy.submit_depth);
        match &self.sending {
            Some((attempt, Sending::Underway)) if self.facts.ended_at().is_some() && !self.withdrawn => {
                self.withdrawn = true;
                out.push(Effect::Withdraw { attempt: *attempt });
            }
            Some((attempt, Sending::Failed { .. })) if wanted && attempt + 1 < self.policy.attempts_max => {
                let attempt = attempt + 1;
                self.submit(attempt, out);
            }
            None if wanted => self.submit(0, out),
            Some(_) | None => {}
        }
    }

    fn submit(&mut self, attempt: u32, out: &mut Vec<Effect>) {
        // Without the height's schedule nothing is known to be open.
        let Some(schedule) = self.facts.schedule() else { return };
        self.sending = Some((attempt, Sending::Underway));
        self.withdrawn = false;
        let (not_before, deadline) = (schedule.first, schedule.last);
        out.push(Effect::Submit { attempt, at_risk: self.terms.at_risk, not_before, deadline });
    }

    /// Says once why a committed group will not be proven by us, and takes it back when a reorg or a proof changes that.
    fn judge(&mut self, out: &mut Vec<Effect>) {
        let exhausted = |(attempt, sending): &(u32, Sending)| match sending {
            Sending::Failed { reason } if attempt + 1 >= self.policy.attempts_max => {
                Some(format!("{} submissions failed, the last one: {reason}", attempt + 1))
            }
            _ => None,
        };
        let committed = self.facts.committed_to(self.terms.prover).is_some() && self.facts.ended_at().is_none();
        let reason = match &self.farm {
            _ if !committed => None,
            _ if self.head >= self.prove_by() => Some(self.window_over()),
            Farm::Failed { code, message } => Some(format!("[{code}] {message}")),
            Farm::Missing | Farm::Waiting | Farm::Proving | Farm::Proven => self.sending.as_ref().and_then(exhausted),
        };
        if reason != self.given_up {
            self.given_up.clone_from(&reason);
            out.extend(reason.map(|reason| Effect::GiveUp { reason }));
        }
    }
}
