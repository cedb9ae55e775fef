//! A block whose proposal is made: reveal, commitments, the height's end, tip and deposits that come back.

use super::{
    attempt::{Attempt, Context, Stage, Verdict},
    bid::Bid,
    chain::{HeightFacts, Ours, Phase},
    effect::{Act, Slot},
    group::Backing,
    rung::Rung,
    types::L1Block,
};

impl Attempt {
    /// Compares what L1 shows of the height with what is wanted, and does the next thing.
    pub(super) fn run(&mut self, cx: &mut Context<'_>) -> Verdict {
        let view = cx.view;
        let Some(facts) = view.heights.get(&self.height) else { return self.propose(cx) };
        self.settle(facts, cx);
        let Some(ours) = &facts.ours else { return self.propose(cx) };
        if self.commitment != Some(ours.commitment) {
            let reason = "an earlier proposal of ours holds this height".to_owned();
            return Verdict::Release(Rung::Lost { height: self.height, reason });
        }
        if let Some(verdict) = self.ended(facts, cx) {
            return verdict;
        }
        self.on_chain(facts, ours, cx);
        Verdict::Stay
    }

    /// What the end of a height means, once it has been seen for a few blocks. None: it goes on.
    fn ended(&mut self, facts: &HeightFacts, cx: &mut Context<'_>) -> Option<Verdict> {
        let (number, height) = (cx.view.number, self.height);
        let lost = cx.view.at() >= facts.first_blocks[3] && !facts.we_lead();
        let over = match facts.phase {
            Phase::Proven if facts.we_lead() => {
                self.over_since = None;
                return Some(self.proven(facts, cx));
            }
            Phase::Slashed if facts.we_lead() => Rung::Slashed { height },
            Phase::Void if !lost => Rung::Voided { height },
            Phase::Void => Rung::Lost { height, reason: "no proposal was committed in time".to_owned() },
            _ if lost => Rung::Lost { height, reason: "another proposal won".to_owned() },
            _ => {
                if matches!(self.stage, Stage::Proven { .. }) || self.over_since.take().is_some() {
                    self.stage = Stage::Running;
                    self.notify(Rung::Reorged { height }, cx.out);
                }
                return None;
            }
        };
        if matches!(self.stage, Stage::Proven { .. }) {
            self.stage = Stage::Running;
            self.notify(Rung::Reorged { height }, cx.out);
        }
        let since = *self.over_since.get_or_insert(number);
        if number.saturating_sub(since) < cx.policy.missing_blocks {
            return Some(Verdict::Stay);
        }
        if facts.phase == Phase::Slashed {
            self.blame(facts, cx);
        }
        Some(Verdict::Release(over))
    }

    fn proven(&mut self, facts: &HeightFacts, cx: &mut Context<'_>) -> Verdict {
        for group in 0..self.plan.groups {
            self.credit(group, facts, cx);
        }
        let since = match self.stage {
            Stage::Proven { since } => since,
            _ => {
                self.stage = Stage::Proven { since: cx.view.number };
                self.notify(Rung::Verified { height: self.height }, cx.out);
                cx.view.number
            }
        };
        if cx.view.number.saturating_sub(since) < cx.policy.finality_blocks {
            return Verdict::Stay;
        }
        self.notify(Rung::Finalized { height: self.height }, cx.out);
        Verdict::Final
    }

    /// Our proposal stands on L1 and the height goes on.
    fn on_chain(&mut self, facts: &HeightFacts, ours: &Ours, cx: &mut Context<'_>) {
        let (at, height) = (cx.view.at(), self.height);
        let [_, reveal, commitment, proving, _, closed] = facts.first_blocks;
        if !ours.revealed {
            self.notify(Rung::Proposed { height }, cx.out);
            // A displaced proposal was refunded; it cannot be revealed any more.
            if (reveal..commitment).contains(&at) && !ours.refunded {
                self.send((Slot::Reveal, Act::Reveal), Some(commitment - 1), cx);
            }
            return;
        }
        let bonded = facts.rules.bonded;
        let all = !bonded || (!ours.provers.is_empty() && ours.provers.iter().all(Option::is_some));
        if !all || (!bonded && at < proving) {
            self.notify(Rung::Revealed { height }, cx.out);
        }
        if !all {
            if (commitment..proving).contains(&at) {
                for (group, prover) in ours.provers.iter().enumerate() {
                    if prover.is_none() && group < self.groups.len() {
                        self.commit(group as u32, proving - 1, facts, cx);
                    }
                }
            }
            return;
        }
        for (group, prover) in self.groups.iter_mut().zip(ours.provers.iter().flatten()) {
            group.committed_to(*prover, cx.policy.sequencer);
        }
        if bonded && at < proving {
            let provers = ours.provers.iter().flatten().copied().collect();
            self.notify(Rung::Committed { height, provers }, cx.out);
        }
        if facts.we_lead() && at < closed {
            self.prove(facts, cx);
        }
    }

    /// Commits a group: the best bid that still can be, else ourselves when the block is small enough.
    fn commit(&mut self, index: u32, last: L1Block, facts: &HeightFacts, cx: &mut Context<'_>) {
        let slot = Slot::Commit(index);
        if let Some(act) = self.slots.taken(slot) {
            // Ours is under way, or L1 took it back and gets it again.
            let act = act.clone();
            return self.send((slot, act), Some(last), cx);
        }
        let (at, part) = (cx.view.at(), self.tip_of_group());
        let deposit = facts.rules.deposit_of_group(self.plan.groups);
        let group = &mut self.groups[index as usize];
        if let Some(Backing::Bid(tried)) = group.backing
            && self.slots.is_hopeless(slot)
        {
            // Published in time and refused for what it says: the bidder's doing.
            let bid = &group.bids[tried];
            if bid.brings_deposit && self.slots.is_bad_quote(slot) && bid.quote.expiry >= at {
                cx.history.failed(&bid.bidder, self.height);
            }
            group.next = group.next.max(tried + 1);
            group.backing = None;
        }
        let usable =
            |at: L1Block, bid: &Bid| (!bid.brings_deposit || bid.quote.expiry >= at) && bid.quote.price <= part;
        while group.bids.get(group.next).is_some_and(|bid| !usable(at, bid)) {
            group.next += 1;
        }
        let (backing, act, until) = match group.bids.get(group.next) {
            Some(bid) if bid.brings_deposit => {
                let until = last.min(bid.quote.expiry);
                (Backing::Bid(group.next), Act::CommitQuote { group: index, bid: Box::new(bid.clone()) }, until)
            }
            Some(bid) => {
                (Backing::Bid(group.next), Act::CommitOwn { group: index, prover: bid.quote.prover, deposit }, last)
            }
            None if self.plan.transfers <= cx.policy.self_prove_transfers.max(1) => {
                (Backing::Own, Act::CommitOwn { group: index, prover: cx.policy.sequencer, deposit }, last)
            }
            None => return,
        };
        group.backing = Some(backing);
        self.send((slot, act), Some(until), cx);
    }

    /// Ends a height whose time has come.
    fn settle(&mut self, facts: &HeightFacts, cx: &mut Context<'_>) {
        if facts.phase == Phase::Closed {
            self.send((Slot::Settle, Act::Settle), None, cx);
        }
    }

    /// The block has left: gets back what is ours. True when nothing is left to do at this height.
    pub(super) fn clear(&mut self, cx: &mut Context<'_>) -> bool {
        let view = cx.view;
        let Some(facts) = view.heights.get(&self.height) else { return !self.may_be_on_chain() };
        self.settle(facts, cx);
        let Some(ours) = &facts.ours else {
            let over = view.number >= facts.first_blocks[1] + cx.policy.missing_blocks;
            return !self.slots.is_waiting() && (over || !self.may_be_on_chain());
        };
        let beaten = view.at() >= facts.first_blocks[3] && !facts.we_lead();
        if (beaten || facts.phase == Phase::Void) && !ours.refunded {
            self.send((Slot::Refund, Act::Refund { proposal: ours.proposal }), None, cx);
        }
        let paid_back = ours.refunded || (facts.we_lead() && facts.phase != Phase::Void);
        facts.phase.is_final() && paid_back && !self.slots.is_waiting()
    }
}
