//! The sidecar's work in numbers, for those who look after it.

use super::{
    State,
    attempt::{Attempt, Stage},
    chain::{HeightFacts, View},
    group::{Backing, Group, Worker},
    types::Amount,
};

/// Groups of blocks at a height, by where they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Their block is being prepared or bid for.
    pub bidding: usize,
    /// Nobody works on them: they wait for L1, or for somebody to take them.
    pub waiting: usize,
    /// Being handed over to a prover.
    pub handing_over: usize,
    /// With a prover.
    pub with_prover: usize,
    /// Being proven by the sidecar itself.
    pub self_proving: usize,
    /// Proven on L1, as far as is seen.
    pub proven: usize,
}

/// The sidecar at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Blocks taken and not ended.
    pub blocks: usize,
    /// No more blocks are taken for now.
    pub full: bool,
    /// Groups at heights.
    pub groups: GroupCounts,
    /// L1 blocks between the expected proof and the end of the window, of the group with the fewest; negative when it is late.
    pub slack_blocks: Option<i64>,
    /// The sequencer's own deposits behind groups that are not proven.
    pub own_deposits: Amount,
}

impl State {
    /// The sidecar's work in numbers.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { blocks: self.blocks(), full: self.is_full(), ..Summary::default() };
        for attempt in self.records.attempts.values() {
            match attempt.stage {
                Stage::Preparing | Stage::Bidding { .. } => summary.groups.bidding += attempt.groups.len(),
                Stage::Running | Stage::Proven { .. } => self.add(attempt, &mut summary),
                Stage::Released => {}
            }
        }
        summary
    }

    fn add(&self, attempt: &Attempt, summary: &mut Summary) {
        let view = self.view.as_deref();
        let facts = view.and_then(|view| view.heights.get(&attempt.height));
        for (index, group) in (0..).zip(&attempt.groups) {
            if facts.is_some_and(|facts| facts.is_proven(index)) {
                summary.groups.proven += 1;
                continue;
            }
            *match group.worker {
                Worker::Nobody => &mut summary.groups.waiting,
                Worker::Asked { .. } => &mut summary.groups.handing_over,
                Worker::With { .. } => &mut summary.groups.with_prover,
                Worker::Own => &mut summary.groups.self_proving,
            } += 1;
            let (Some(facts), Some(view)) = (facts, view) else { continue };
            let slack = slack(group, facts, view, self.policy.self_prove_blocks);
            summary.slack_blocks = summary.slack_blocks.into_iter().chain(slack).min();
            let committed = facts.ours.as_ref().and_then(|ours| *ours.provers.get(index as usize)?);
            if committed.is_some() && is_own_deposit(group) {
                let deposit = facts.rules.deposit_of_group(attempt.plan.groups);
                summary.own_deposits = summary.own_deposits.saturating_add(deposit);
            }
        }
    }
}

/// What is left of the window once the proof is there; a proof that is there needs only to be sent. Not known of a prover that has not
/// said when.
fn slack(group: &Group, facts: &HeightFacts, view: &View, self_prove_blocks: u64) -> Option<i64> {
    let expected = match &group.worker {
        Worker::Nobody => return None,
        _ if group.proof_there => view.at(),
        Worker::Own => group.heard_at.saturating_add(self_prove_blocks).max(view.at()),
        Worker::Asked { .. } | Worker::With { .. } => group.expected_at?,
    };
    i64::try_from(i128::from(facts.closes()) - i128::from(expected)).ok()
}

fn is_own_deposit(group: &Group) -> bool {
    match group.backing {
        Some(Backing::Own) => true,
        Some(Backing::Bid(_)) => group.committed_bid().is_some_and(|bid| !bid.brings_deposit),
        None => false,
    }
}
