//! The proving window: handing over, watching slack, rescue by another prover or by oneself, submission.

use super::{
    attempt::{Attempt, Context, OwnProof},
    bid,
    chain::HeightFacts,
    effect::{Act, Effect, Report, Slot},
    group::{Backing, Worker},
    rung::Rung,
    types::{Address, L1Block},
};

/// Hand-overs to one bidder that may fail before another way is taken.
const REFUSALS_MAX: u32 = 3;
/// The longest pause between two own proofs that fail is 2 to this, in L1 blocks.
const PAUSE_LOG2_MAX: u32 = 3;
/// How the sidecar itself is called in rungs.
const SELF: &str = "self";

impl Attempt {
    /// Our proposal leads and all its groups are committed.
    pub(super) fn prove(&mut self, facts: &HeightFacts, cx: &mut Context<'_>) {
        for group in 0..self.plan.groups {
            self.credit(group, facts, cx);
            if !facts.is_proven(group) {
                self.watch(group, facts, cx);
                self.submit(group, facts, cx);
            }
        }
        let at = cx.view.at();
        if at >= facts.first_blocks[3] {
            let name = |worker: &Worker| match worker {
                Worker::Nobody => String::new(),
                Worker::Asked { bidder } | Worker::With { bidder } => bidder.clone(),
                Worker::Own => SELF.to_owned(),
            };
            let provers = self.groups.iter().map(|group| name(&group.worker)).collect();
            let left = facts.closes().saturating_sub(at);
            self.notify(Rung::Proving { height: self.height, provers, left }, cx.out);
        }
    }

    /// Sees that somebody works on an unproven group.
    fn watch(&mut self, index: u32, facts: &HeightFacts, cx: &mut Context<'_>) {
        let (number, at) = (cx.view.number, cx.view.at());
        let left = facts.closes().saturating_sub(at);
        let group = &mut self.groups[index as usize];
        if group.worker == Worker::Nobody && !group.rescued {
            let backing =
                *group.backing.get_or_insert(if group.bids.is_empty() { Backing::Own } else { Backing::Bid(0) });
            match backing {
                Backing::Own => self.prove_alone(index, cx),
                Backing::Bid(bid) => {
                    let bid = Box::new(group.bids[bid].clone());
                    group.worker = Worker::Asked { bidder: bid.bidder.clone() };
                    group.heard_at = number;
                    self.hand_over(index, Some(bid), false, cx.out);
                }
            }
            return;
        }
        if group.worker == Worker::Own {
            // Again, if it failed.
            return self.start_own(cx);
        }
        if let Worker::With { bidder } = &group.worker {
            if group.asked_at < number {
                group.asked_at = number;
                let (height, block) = (self.height, self.plan.id);
                cx.out.push(Effect::Inquire { height, block, group: index, bidder: bidder.clone() });
            }
            let late = match group.expected_at {
                Some(expected) => expected.saturating_add(cx.policy.rescue_slack_blocks) > facts.closes(),
                None => left <= cx.policy.rescue_others_blocks(),
            };
            if number.saturating_sub(group.heard_at) >= cx.policy.silent_blocks {
                return self.rescue(index, left, "its prover does not answer", cx);
            }
            // A rescuer is not replaced for being slow: what is left is our own time.
            if late && !group.proof_there && !group.rescued {
                return self.rescue(index, left, "its proof is not expected in time", cx);
            }
        }
        let group = &self.groups[index as usize];
        if left <= cx.policy.rescue_self_blocks() && !group.proof_there {
            match (&group.worker, group.expected_at) {
                // On time by its own account: believed, and insured against.
                (Worker::With { .. }, Some(_)) => self.start_own(cx),
                _ => self.rescue(index, left, "its window is about to close", cx),
            }
        }
    }

    /// The present worker of a group is given up: the next bidder that has not had it, if there is time, else the sidecar itself.
    fn rescue(&mut self, index: u32, left: L1Block, reason: &str, cx: &mut Context<'_>) {
        let number = cx.view.number;
        let group = &mut self.groups[index as usize];
        if let Some(bidder) = group.worker.bidder() {
            cx.history.failed(bidder, self.height);
        }
        group.rescued = true;
        let gone = group.worker.bidder().map(str::to_owned);
        let fits = |name: &str| {
            cx.policy.bidder(name).is_some_and(|bidder| bid::may_bid(cx.policy, bidder))
                && cx.history.may_be_asked(name, self.height, cx.policy.cool_down)
                && gone.as_deref() != Some(name)
                && !group.tried.iter().any(|tried| tried == name)
        };
        let ranked = group.bids.iter().map(|bid| bid.bidder.as_str());
        let configured = cx.policy.bidders.iter().map(|bidder| bidder.name.as_str());
        let next = if left > cx.policy.rescue_self_blocks() && !self.self_only {
            ranked.chain(configured).find(|name| fits(name)).map(str::to_owned)
        } else {
            None
        };
        let by = next.clone().unwrap_or_else(|| SELF.to_owned());
        match next {
            Some(bidder) => {
                let bid = group.bids.iter().find(|bid| bid.bidder == bidder).cloned().map(Box::new);
                group.give(Worker::Asked { bidder }, number);
                self.hand_over(index, bid, true, cx.out);
            }
            None => {
                group.give(Worker::Own, number);
                self.prove_alone(index, cx);
            }
        }
        let reason = reason.to_owned();
        self.notify(Rung::Rescuing { height: self.height, group: index, by, reason }, cx.out);
    }

    fn hand_over(&self, index: u32, bid: Option<Box<bid::Bid>>, rescue: bool, out: &mut Vec<Effect>) {
        if let Worker::Asked { bidder } = &self.groups[index as usize].worker {
            let (height, block, bidder) = (self.height, self.plan.id, bidder.clone());
            out.push(Effect::HandOver { height, block, group: index, bidder, bid, rescue });
        }
    }

    /// A coordinator answered to a hand-over.
    pub(super) fn handed_over(
        &mut self,
        index: u32,
        bidder: &str,
        receipt: Result<Option<Address>, String>,
        cx: &mut Context<'_>,
    ) {
        let number = cx.view.number;
        let Some(group) = self.groups.get_mut(index as usize) else { return };
        if group.worker != (Worker::Asked { bidder: bidder.to_owned() }) {
            return;
        }
        // A receipt is worth something only from who answers for the group.
        let bid = group.bids.iter().find(|bid| bid.bidder == bidder);
        let answers = |signer: Option<Address>| match (signer, bid) {
            (Some(signer), Some(bid)) => bid.quote.prover == signer,
            (Some(_), None) => false,
            (None, _) => group.rescued,
        };
        let reason = match receipt {
            Ok(signer) if answers(signer) => {
                group.worker = Worker::With { bidder: bidder.to_owned() };
                group.heard_at = number;
                group.asked_at = number;
                return;
            }
            Ok(Some(signer)) => format!("its receipt is signed by {signer}"),
            Ok(None) => "it gave no receipt".to_owned(),
            Err(reason) => reason,
        };
        group.refusals += 1;
        let rescue = group.rescued;
        // Who made no bid was asked on the off chance.
        if group.refusals < REFUSALS_MAX && bid.is_some() {
            let bid = bid.cloned().map(Box::new);
            return self.hand_over(index, bid, rescue, cx.out);
        }
        if let Some(facts) = cx.view.heights.get(&self.height) {
            let left = facts.closes().saturating_sub(cx.view.at());
            self.rescue(index, left, &format!("{bidder} does not take it: {reason}"), cx);
        }
    }

    /// A coordinator said how a group stands.
    pub(super) fn reported(&mut self, index: u32, bidder: &str, report: Report, cx: &mut Context<'_>) {
        let number = cx.view.number;
        let Some(group) = self.groups.get_mut(index as usize) else { return };
        if group.worker != (Worker::With { bidder: bidder.to_owned() }) {
            return;
        }
        match report {
            Report::Working { remaining } => {
                group.heard_at = number;
                group.expected_at = remaining.map(|remaining| number.saturating_add(remaining));
            }
            Report::Proven => {
                group.heard_at = number;
                group.proof_there = true;
            }
            Report::Silent => {}
            Report::Failed { reason } => {
                if let Some(facts) = cx.view.heights.get(&self.height).filter(|facts| !facts.is_proven(index)) {
                    let left = facts.closes().saturating_sub(cx.view.at());
                    self.rescue(index, left, &format!("{bidder} gave up: {reason}"), cx);
                }
            }
        }
    }

    /// The sidecar proves the block itself; one proof run serves all groups.
    fn prove_alone(&mut self, index: u32, cx: &mut Context<'_>) {
        self.groups[index as usize].worker = Worker::Own;
        self.start_own(cx);
    }

    fn start_own(&mut self, cx: &mut Context<'_>) {
        if let OwnProof::None { failures, from } = self.own
            && cx.view.number >= from
        {
            self.own = OwnProof::Running { failures };
            cx.out.push(Effect::SelfProve { height: self.height, block: self.plan.id });
        }
    }

    /// The own proofs are there, or not to be had for now: tried again 1, 2, 4, ... blocks later, as nobody else would.
    pub(super) fn self_proved(&mut self, is_ready: bool, cx: &mut Context<'_>) {
        let OwnProof::Running { failures } = self.own else { return };
        self.own = if is_ready {
            OwnProof::Ready
        } else {
            let from = cx.view.number + (1 << failures.min(PAUSE_LOG2_MAX));
            OwnProof::None { failures: failures.saturating_add(1), from }
        };
    }

    /// Submits our own proof, or publishes the worker's, when it is time to.
    fn submit(&mut self, index: u32, facts: &HeightFacts, cx: &mut Context<'_>) {
        let at = cx.view.at();
        let group = &self.groups[index as usize];
        // Before its last blocks the window pays the committed prover, whoever proves; in them, the rescuer.
        let rescue = facts.closes().saturating_sub(facts.rules.rescue_blocks.max(2 * cx.policy.submit_blocks));
        let ours = group.backing == Some(Backing::Own);
        let own_from = facts.proofs_from().max(if ours { 0 } else { rescue });
        let (slot, until) = (Slot::Submit(index), facts.closes() - 1);
        if self.own == OwnProof::Ready && at >= own_from {
            self.send((slot, Act::Submit { group: index }), Some(until), cx);
        } else if group.proof_there
            && at >= facts.proofs_from().max(rescue)
            && let Some(bidder) = group.worker.bidder().map(str::to_owned)
        {
            self.send((slot, Act::Publish { group: index, bidder }), Some(until), cx);
        }
    }

    /// Puts a delivery into the bidder's record, once.
    pub(super) fn credit(&mut self, index: u32, facts: &HeightFacts, cx: &mut Context<'_>) {
        let group = &mut self.groups[index as usize];
        if !facts.is_proven(index) || group.recorded {
            return;
        }
        group.recorded = true;
        if let Some(bidder) = group.worker.bidder() {
            cx.history.delivered(bidder);
        }
    }

    /// The height was slashed: who did not deliver is remembered.
    pub(super) fn blame(&mut self, facts: &HeightFacts, cx: &mut Context<'_>) {
        for (index, group) in self.groups.iter_mut().enumerate() {
            if facts.is_proven(index as u32) || group.recorded {
                continue;
            }
            group.recorded = true;
            let committed = group.committed_bid().filter(|_| !group.rescued).map(|bid| bid.bidder.as_str());
            if let Some(bidder) = group.worker.bidder().or(committed) {
                cx.history.failed(bidder, self.height);
            }
        }
    }

    /// After a restart: hand-overs and proofs that may not have happened are asked for again.
    pub(super) fn resume_proving(&self, out: &mut Vec<Effect>) {
        for (index, group) in self.groups.iter().enumerate() {
            if let Worker::Asked { bidder } = &group.worker {
                let bid = group.bids.iter().find(|bid| bid.bidder == *bidder).cloned().map(Box::new);
                self.hand_over(index as u32, bid, group.rescued, out);
            }
        }
        if matches!(self.own, OwnProof::Running { .. }) {
            out.push(Effect::SelfProve { height: self.height, block: self.plan.id });
        }
    }
}
