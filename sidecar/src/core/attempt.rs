//! A block at one height, from the preparation to the height's end: what it is made of, and the time before the proposal.

use serde::{Deserialize, Serialize};

use super::{
    bid::{self, Offer, Request},
    chain::View,
    effect::{Act, Effect, Slot},
    group::Group,
    policy::{Persona, Policy},
    rank::History,
    rung::Rung,
    slots::{About, Slots},
    types::{Amount, BlockId, Hash, Height, L1Block, Link, Millis, Plan},
};

/// What a step of an attempt may look at and change.
pub(super) struct Context<'a> {
    pub(super) policy: &'a Policy,
    pub(super) view: &'a View,
    pub(super) history: &'a mut History,
    pub(super) now: Millis,
    pub(super) out: &'a mut Vec<Effect>,
}

/// What becomes of an attempt after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Stay,
    /// Nobody bids: cut the block. Nothing was proposed.
    Cut,
    /// The block goes back to the queue, with the news.
    Release(Rung),
    /// The block is through.
    Final,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Waits for its commitment.
    Preparing,
    /// Waits for bids until then.
    Bidding { until: Millis },
    /// From the proposal on.
    Running,
    /// Proven as of this L1 block.
    Proven { since: L1Block },
    /// The block has left; tip and deposit remain to be cleared.
    Released,
}

/// The sidecar's own proof of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum OwnProof {
    /// Not begun; after a failure, not before that L1 block.
    None {
        failures: u32,
        from: L1Block,
    },
    Running {
        failures: u32,
    },
    Ready,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// From 1, over all heights.
    pub(super) number: u64,
    pub(super) height: Height,
    pub(super) plan: Plan,
    /// No quotes are asked for.
    pub(super) self_only: bool,
    pub(super) stage: Stage,
    pub(super) commitment: Option<Hash>,
    /// Requests without an answer.
    pub(super) asked: Vec<(String, Request)>,
    pub(super) groups: Vec<Group>,
    pub(super) slots: Slots,
    pub(super) own: OwnProof,
    /// The tip for all groups.
    pub(super) tip: Amount,
    /// The last rung its block was told.
    pub(super) rung: Option<Rung>,
    /// Since when L1 shows that the height is over for us.
    pub(super) over_since: Option<L1Block>,
}

impl Attempt {
    pub(super) fn new(number: u64, height: Height, plan: Plan, self_only: bool, out: &mut Vec<Effect>) -> Self {
        out.push(Effect::Prepare { height, block: plan.id, start: plan.start });
        Self {
            number,
            height,
            self_only,
            stage: Stage::Preparing,
            commitment: None,
            asked: Vec::new(),
            groups: (0..plan.groups).map(|_| Group::new()).collect(),
            slots: Slots::default(),
            own: OwnProof::None { failures: 0, from: 0 },
            tip: 0,
            rung: None,
            over_since: None,
            plan,
        }
    }

    pub(super) fn block(&self) -> BlockId {
        self.plan.id
    }

    fn about(&self) -> About {
        About { height: self.height, attempt: self.number, block: self.plan.id }
    }

    /// Sends an act in its slot, again when it failed a while ago or L1 does not show it.
    pub(super) fn send(&mut self, slot_act: (Slot, Act), until: Option<L1Block>, cx: &mut Context<'_>) {
        let seen = (cx.view.number, cx.policy.missing_blocks);
        self.slots.send(self.about(), slot_act, until, seen, cx.out);
    }

    pub(super) fn notify(&mut self, rung: Rung, out: &mut Vec<Effect>) {
        if self.rung.as_ref() != Some(&rung) {
            self.rung = Some(rung.clone());
            out.push(Effect::Notify { block: self.plan.id, rung });
        }
    }

    /// The commitment is known: asks for quotes, or goes on alone.
    pub(super) fn prepared(&mut self, commitment: Hash, cx: &mut Context<'_>) {
        if self.stage != Stage::Preparing {
            return;
        }
        self.commitment = Some(commitment);
        self.asked = if self.self_only { Vec::new() } else { self.requests(commitment, cx) };
        self.stage = Stage::Bidding { until: cx.now.saturating_add(cx.policy.bid_deadline_ms) };
        if !self.asked.is_empty() {
            self.notify(Rung::Bidding { height: self.height }, cx.out);
            self.ask(cx.out);
        }
    }

    fn ask(&self, out: &mut Vec<Effect>) {
        let asks = self.asked.iter().cloned();
        out.extend(asks.map(|(bidder, request)| Effect::Ask { bidder, request }));
    }

    /// One request for each group and each bidder that may be asked, in the order of the configuration.
    fn requests(&self, commitment: Hash, cx: &Context<'_>) -> Vec<(String, Request)> {
        let Context { policy, view, history, .. } = cx;
        let may = |name: &str| history.may_be_asked(name, self.height, policy.cool_down);
        let bidders = policy.bidders.iter().filter(|bidder| bid::may_bid(policy, bidder) && may(&bidder.name));
        let rules = view.heights.get(&self.height).map_or(&view.rules, |facts| &facts.rules);
        let [commit_from, commit_by, prove_by] = deadlines(view, self.height, policy.propose_blocks);
        // Without a commitment phase no quote is ever drawn: it need not live to anything.
        let [commit_from, commit_by] =
            if rules.bonded { [commit_from, commit_by] } else { [0, commit_by.max(commit_from)] };
        let Plan { rows_log2, subtrees, groups, .. } = self.plan;
        bidders
            .flat_map(|bidder| {
                let bonded = rules.bonded && !bidder.own_deposit;
                (0..groups).map(move |group| {
                    let request = Request {
                        height: self.height,
                        block_commitment: commitment,
                        group,
                        groups,
                        transfers: self.plan.transfers_of(group),
                        subtrees,
                        rows_log2,
                        tip_token: policy.tip_token,
                        price_max: policy.price_max / Amount::from(groups.max(1)),
                        deposit_token: rules.deposit_token,
                        deposit: if bonded { rules.deposit_of_group(groups) } else { 0 },
                        commit_by,
                        commit_from,
                        prove_by,
                    };
                    (bidder.name.clone(), request)
                })
            })
            .collect()
    }

    /// A bidder answered. What was not asked, or is late, counts for nothing.
    pub(super) fn answered(
        &mut self,
        commitment: Hash,
        group: u32,
        bidder: &str,
        answer: Result<Box<Offer>, String>,
        cx: &mut Context<'_>,
    ) {
        if !matches!(self.stage, Stage::Bidding { .. }) || self.commitment != Some(commitment) {
            return;
        }
        let asked = self.asked.iter().position(|(name, request)| name == bidder && request.group == group);
        let Some((name, request)) = asked.map(|index| self.asked.remove(index)) else { return };
        let (Ok(offer), Some(bidder)) = (answer, cx.policy.bidder(&name)) else { return };
        match bid::check(cx.policy, bidder, &request, *offer) {
            Ok(bid) => self.groups[group as usize].bids.push(bid),
            Err(fault) => cx.out.push(Effect::Refused { bidder: name, fault }),
        }
    }

    /// Decides when all have answered or time is up. `None`: not yet.
    pub(super) fn decide(&mut self, until: Millis, cx: &mut Context<'_>) -> Option<Verdict> {
        if !self.asked.is_empty() && cx.now < until {
            return None;
        }
        self.asked.clear();
        for group in &mut self.groups {
            cx.history.rank(&mut group.bids);
        }
        let uncovered = self.groups.iter().any(|group| group.bids.is_empty());
        if uncovered && self.plan.transfers > cx.policy.self_prove_transfers.max(1) {
            return Some(Verdict::Cut);
        }
        let part = self.groups.iter().map(Group::tip).max().unwrap_or(0);
        self.tip = part.saturating_mul(Amount::from(self.plan.groups));
        self.stage = Stage::Running;
        Some(Verdict::Stay)
    }

    /// What each group's prover is paid at most.
    pub(super) fn tip_of_group(&self) -> Amount {
        self.tip / Amount::from(self.plan.groups.max(1))
    }

    /// The last block in which the proposal is of use: the proposal phase's last; of a height not opened yet, the one after which no
    /// best quote would live to the commitment phase. `None`: the height does not take the proposal (any more).
    fn useful_until(&self, view: &View) -> Option<Option<L1Block>> {
        let (start, until) = proposable(view, self.height)?;
        let [proposal, reveal, ..] = view.rules.lengths;
        let drawn = self.groups.iter().filter_map(|group| group.bids.first()).filter(|bid| bid.brings_deposit);
        let lives_to = drawn.map(|bid| bid.quote.expiry.saturating_sub(proposal + reveal)).min();
        (start == self.plan.start).then(|| until.or(lives_to))
    }

    /// Our proposal is not on L1: sends it, or finds that it is too late.
    pub(super) fn propose(&mut self, cx: &mut Context<'_>) -> Verdict {
        let lost = |reason: &str| Verdict::Release(Rung::Lost { height: self.height, reason: reason.to_owned() });
        let included = self.slots.included(Slot::Propose);
        let missing = included.is_some_and(|block| cx.view.number >= block + cx.policy.missing_blocks);
        let Some(until) = self.useful_until(cx.view) else {
            return if self.slots.is_free(Slot::Propose) {
                lost("the height was closed before the proposal got in")
            } else if missing {
                lost("L1 took the proposal back and the height is closed")
            } else {
                Verdict::Stay
            };
        };
        let Some(commitment) = self.commitment else { return Verdict::Stay };
        let act = Act::Propose { commitment, tip_token: cx.policy.tip_token, tip: self.tip };
        if self.slots.is_spent(Slot::Propose, &act) {
            return lost(self.slots.failure(Slot::Propose).unwrap_or_default());
        }
        if missing {
            self.notify(Rung::Reorged { height: self.height }, cx.out);
        }
        self.send((Slot::Propose, act), until, cx);
        self.notify(Rung::Mempool { height: self.height }, cx.out);
        Verdict::Stay
    }

    /// Asks again for everything unfinished, after a restart.
    pub(super) fn resume(&mut self, now: Millis, policy: &Policy, out: &mut Vec<Effect>) {
        match &mut self.stage {
            Stage::Preparing => {
                out.push(Effect::Prepare { height: self.height, block: self.plan.id, start: self.plan.start });
            }
            Stage::Bidding { until } => {
                *until = now.saturating_add(policy.bid_deadline_ms);
                self.ask(out);
            }
            Stage::Running | Stage::Proven { .. } | Stage::Released => {}
        }
        self.slots.resume(self.about(), out);
        self.resume_proving(out);
    }

    /// Whether something was sent that may still take a place at this height.
    pub(super) fn may_be_on_chain(&self) -> bool {
        !self.slots.is_free(Slot::Propose)
    }
}

/// Whether a bidder's name may be asked for nothing under the persona: no bids at all.
pub(super) fn asks_nobody(policy: &Policy) -> bool {
    policy.persona == Persona::SelfProve || !policy.bidders.iter().any(|bidder| bid::may_bid(policy, bidder))
}

/// Start of a height that takes proposals, and the proposal phase's last block if it is open already.
pub(super) fn proposable(view: &View, height: Height) -> Option<(Link, Option<L1Block>)> {
    match view.heights.get(&height) {
        Some(facts) => {
            let reveal = facts.first_blocks[1];
            let start = facts.start.filter(|_| facts.ours.is_none() && view.at() < reveal)?;
            Some((start, Some(reveal - 1)))
        }
        None => {
            let next = &view.next;
            (next.open && next.height == height).then_some((next.start, None))
        }
    }
}

/// First and last block for a commitment, last block for the proof. A height not opened yet opens with the next block at the earliest
/// and `propose_blocks` later at the latest: the commitment may come as late as the one allows, the proof must come as early as the
/// other.
fn deadlines(view: &View, height: Height, propose_blocks: u64) -> [L1Block; 3] {
    match view.heights.get(&height) {
        Some(facts) => {
            let [_, _, commitment, proving, _, closed] = facts.first_blocks;
            [commitment, proving.saturating_sub(1), closed.saturating_sub(1)]
        }
        None => {
            let [proposal, reveal, commitment, proving, submission] = view.rules.lengths;
            let first = view.at() + proposal + reveal;
            let last = (first + commitment).saturating_sub(1);
            [first + propose_blocks, last + propose_blocks, last + proving + submission]
        }
    }
}
