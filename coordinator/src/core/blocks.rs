//! A block's way from intake to the verified proof.

use std::collections::BTreeSet;

use proofyard_job_schema::{BlobDigest, BlockId, CircuitDigest, Epoch, Job, JobId, Round, SubtreeIndex, WorkerId};

use super::{
    Effect, Plan, Progress, State,
    event::{Aggregation, Drawn, Failure},
    group::Group,
    policy::Millis,
};

/// A block accepted and unfinished.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub since: Millis,
    pub phase: Phase,
}

/// Where a block stands.
#[derive(Debug, Clone)]
pub(super) enum Phase {
    Executing,
    Uploading(Plan),
    Proving(Proving),
}

/// A block whose inputs lie in the blob store; also while its root proof is being verified.
#[derive(Debug, Clone)]
pub(super) struct Proving {
    pub rows_log2: u32,
    pub circuit: CircuitDigest,
    pub groups: Vec<Group>,
}

impl Block {
    /// The block's groups; none before it is cut and uploaded.
    pub fn groups_mut(&mut self) -> &mut [Group] {
        match &mut self.phase {
            Phase::Executing | Phase::Uploading(_) => &mut [],
            Phase::Proving(proving) => &mut proving.groups,
        }
    }

    /// The block's groups; none before it is cut and uploaded.
    pub fn groups(&self) -> &[Group] {
        match &self.phase {
            Phase::Executing | Phase::Uploading(_) => &[],
            Phase::Proving(proving) => &proving.groups,
        }
    }

    /// The group and slot of a subtree counted over the block.
    pub fn slot_of(&mut self, subtree: u32) -> Option<(&mut Group, usize)> {
        self.groups_mut().iter_mut().find_map(|group| {
            let slot = subtree.checked_sub(group.first_subtree)? as usize;
            (slot < group.slots.len()).then_some((group, slot))
        })
    }
}

/// What jobs of one subtree have in common.
pub(super) struct JobFrame {
    pub block: BlockId,
    pub rows_log2: u32,
    pub circuit: CircuitDigest,
    pub group: u32,
    pub first_subtree: u32,
    pub subtrees: u32,
}

impl JobFrame {
    /// The job of one round; `fresh` asks for all rounds up to it, computed anew.
    pub fn job(&self, slot: usize, inputs: BlobDigest, round: Round, drawn: &Drawn, fresh: bool, id: JobStamp) -> Job {
        let position = slot as u32;
        Job {
            id: JobId {
                block: self.block,
                round,
                subtree: SubtreeIndex(self.first_subtree + position),
                epoch: id.epoch,
                attempt: id.attempt,
            },
            group: self.group,
            position,
            subtrees: self.subtrees,
            rows_log2: self.rows_log2,
            circuit: self.circuit,
            inputs,
            challenges: drawn.challenges.clone(),
            transcript: drawn.transcript,
            deadline_ms: id.deadline_ms,
            fresh,
        }
    }
}

/// What tells one sending of a job from another.
pub(super) struct JobStamp {
    pub epoch: Epoch,
    pub attempt: u32,
    pub deadline_ms: Millis,
}

impl State {
    pub(super) fn submitted(&mut self, block: BlockId, now: Millis, out: &mut Vec<Effect>) {
        if self.blocks.contains_key(&block) {
            return;
        }
        let refusal = if self.draining_since.is_some() {
            Some(("PY-C-101", "the coordinator is shutting down; hand the block to another one or later".to_owned()))
        } else if self.blocks.len() >= self.policy.blocks_max {
            let max = self.policy.blocks_max;
            Some(("PY-C-102", format!("{max} blocks are unfinished already; hand the block in later")))
        } else {
            None
        };
        if let Some((code, message)) = refusal {
            let failure = Failure { code: code.to_owned(), message, transaction: None, refused: true };
            out.push(Effect::Failed { block, failure });
            return;
        }
        self.blocks.insert(block, Block { since: now, phase: Phase::Executing });
        self.order.push(block);
        out.push(Effect::Execute { block });
    }

    pub(super) fn executed(&mut self, block: BlockId, plan: Plan, out: &mut Vec<Effect>) {
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        if !matches!(entry.phase, Phase::Executing) {
            return;
        }
        let subtrees = plan.groups.iter().map(|group| group.inputs.len() as u32).sum();
        if plan.groups.is_empty() || plan.groups.iter().any(|group| group.inputs.is_empty()) {
            self.give_up(block, "PY-C-103", "the block was cut into no subtrees".to_owned(), out);
            return;
        }
        entry.phase = Phase::Uploading(plan);
        out.push(Effect::Progress(Progress::Accepted { block, subtrees }));
        out.push(Effect::Upload { block });
    }

    pub(super) fn uploaded(&mut self, block: BlockId, now: Millis, out: &mut Vec<Effect>) {
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        let Phase::Uploading(plan) = &mut entry.phase else { return };
        let mut groups = Vec::with_capacity(plan.groups.len());
        let mut first_subtree = 0;
        for group in plan.groups.drain(..) {
            let group = Group::new(group, first_subtree, now);
            first_subtree += group.subtrees();
            groups.push(group);
        }
        for (index, group) in groups.iter().enumerate() {
            out.push(Effect::Progress(round_progress(block, index, group)));
        }
        entry.phase = Phase::Proving(Proving { rows_log2: plan.rows_log2, circuit: plan.circuit, groups });
    }

    /// Ends a block that was being uploaded. One that is being proven goes on: whoever misses the inputs asks for them again.
    pub(super) fn upload_failed(&mut self, block: BlockId, reason: &str, out: &mut Vec<Effect>) {
        if self.blocks.get(&block).is_some_and(|entry| matches!(entry.phase, Phase::Uploading(_))) {
            let message = format!("the blob store did not take the block's inputs: {reason}; hand the block in again");
            self.give_up(block, "PY-C-104", message, out);
        }
    }

    pub(super) fn aggregated(
        &mut self,
        block: BlockId,
        index: usize,
        run: u32,
        outcome: Aggregation,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        let Some(group) = entry.groups_mut().get_mut(index) else { return };
        if group.aggregating != Some(run) {
            return;
        }
        group.aggregating = None;
        match outcome {
            Aggregation::Next(drawn) => {
                group.enter(drawn, now);
                out.push(Effect::Progress(round_progress(block, index, group)));
            }
            Aggregation::Faulty(slots) if slots.is_empty() || slots.iter().any(|&slot| slot >= group.subtrees()) => {
                let message = format!("aggregation of round {} blamed subtrees that do not exist", group.round());
                self.give_up(block, "PY-C-105", message, out);
            }
            Aggregation::Faulty(slots) => {
                for slot in slots {
                    group.dispute(slot as usize, true, None, now);
                }
            }
            Aggregation::Failed(reason) => {
                let message = format!("aggregation of round {} failed: {reason}", group.round());
                self.give_up(block, "PY-C-105", message, out);
            }
            Aggregation::Done(proof) => {
                group.proof = Some(proof);
                self.vindicated(block, index, now, out);
                let Some(entry) = self.blocks.get(&block) else { return };
                let proofs: Option<Vec<_>> = entry.groups().iter().map(|group| group.proof.clone()).collect();
                if let Some(groups) = proofs {
                    out.push(Effect::Progress(Progress::Verifying { block }));
                    out.push(Effect::Verify { block, groups });
                }
            }
        }
    }

    pub(super) fn verified(&mut self, block: BlockId, proof: Result<Vec<u8>, String>, out: &mut Vec<Effect>) {
        match proof {
            Ok(proof) if self.blocks.contains_key(&block) => {
                self.forget_block(block, out);
                out.push(Effect::Finished { block, proof });
            }
            Ok(_) => {}
            Err(reason) => {
                let message = format!("the root proof was made but does not verify, it is not handed out: {reason}");
                self.give_up(block, "PY-C-106", message, out);
            }
        }
    }

    /// Ends a block without a proof.
    pub(super) fn give_up(&mut self, block: BlockId, code: &str, message: String, out: &mut Vec<Effect>) {
        let failure = Failure { code: code.to_owned(), message, transaction: None, refused: false };
        self.fail(block, failure, out);
    }

    /// Ends a block without a proof.
    pub(super) fn fail(&mut self, block: BlockId, failure: Failure, out: &mut Vec<Effect>) {
        if self.blocks.contains_key(&block) {
            self.forget_block(block, out);
            out.push(Effect::Failed { block, failure });
        }
    }

    fn forget_block(&mut self, block: BlockId, out: &mut Vec<Effect>) {
        self.order.retain(|other| *other != block);
        let Some(entry) = self.blocks.remove(&block) else { return };
        let jobs = entry.groups().iter().flat_map(|group| &group.slots).flat_map(|slot| &slot.jobs);
        let asked: BTreeSet<WorkerId> = jobs.map(|job| job.worker.clone()).collect();
        let workers: Vec<WorkerId> = asked.into_iter().filter(|worker| self.workers.is_live(worker)).collect();
        if !workers.is_empty() {
            out.push(Effect::Release { block, workers });
        }
    }
}

/// What an observer hears when a group enters a round.
pub(super) fn round_progress(block: BlockId, index: usize, group: &Group) -> Progress {
    Progress::Round {
        block,
        group: index,
        first_subtree: group.first_subtree,
        round: group.round(),
        answered: group.answered(),
        subtrees: group.subtrees(),
    }
}
