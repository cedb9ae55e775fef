//! Running a dispute: who computes next, and what its end does to the group.

use proofyard_job_schema::{BlockId, Round};

use super::{
    AlarmKind, Effect, State,
    blocks::{JobFrame, round_progress},
    dispatch::{Sending, least_loaded},
    dispute::{Author, Claim, Lie, Verdict, judge},
    group::{Purpose, Waiting},
    policy::Millis,
    replies::Offence,
};

impl State {
    /// The coordinator's own computation of a subtree is done.
    pub(super) fn computed_locally(
        &mut self,
        block: BlockId,
        subtree: u32,
        run: u32,
        messages: Result<Vec<Vec<u8>>, String>,
        out: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        let Some((group, slot)) = entry.slot_of(subtree) else { return };
        let Some(dispute) = group.disputes.get_mut(&slot) else { return };
        if dispute.waiting != (Waiting::Coordinator { run }) {
            return;
        }
        dispute.waiting = Waiting::Nobody { since: 0 };
        match messages {
            Ok(messages) => {
                dispute.claims.retain(|claim| claim.author != Author::Coordinator);
                dispute.claims.push(Claim { author: Author::Coordinator, first_round: 1, messages });
            }
            Err(reason) => {
                let message = format!("subtree {subtree} is disputed and the coordinator cannot compute it: {reason}");
                self.give_up(block, "PY-C-109", message, out);
            }
        }
    }

    /// Moves every dispute of a group on; when none is left, restarts the group where its records changed.
    pub(super) fn advance_disputes(&mut self, block: BlockId, index: usize, now: Millis, out: &mut Vec<Effect>) {
        let slots: Vec<usize> = match self.blocks.get(&block).and_then(|entry| entry.groups().get(index)) {
            Some(group) if group.proof.is_none() => group.disputes.keys().copied().collect(),
            _ => return,
        };
        if slots.is_empty() {
            return;
        }
        for slot in slots {
            if let Err(GivenUp) = self.advance_dispute(block, index, slot, now, out) {
                return;
            }
        }
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        let Some(group) = entry.groups_mut().get_mut(index) else { return };
        if !group.disputes.is_empty() {
            return;
        }
        if let Some(round) = group.restart_at.take() {
            for slot in &mut group.slots {
                for job in slot.jobs.iter_mut().filter(|job| job.open && job.id.round.get() > round) {
                    job.open = false;
                    out.push(Effect::Cancel { worker: job.worker.clone(), id: job.id });
                }
            }
            group.restart(round, now);
            out.push(Effect::Progress(round_progress(block, index, group)));
        }
    }

    fn advance_dispute(
        &mut self,
        block: BlockId,
        index: usize,
        slot: usize,
        now: Millis,
        out: &mut Vec<Effect>,
    ) -> Result<(), GivenUp> {
        let Some(entry) = self.blocks.get_mut(&block) else { return Ok(()) };
        let Some(group) = entry.groups_mut().get_mut(index) else { return Ok(()) };
        let Some(dispute) = group.disputes.get_mut(&slot) else { return Ok(()) };
        if let Waiting::Worker { attempt } = dispute.waiting
            && !group.slots[slot].jobs.get(attempt as usize).is_some_and(|job| job.open)
        {
            // Its worker died, failed or gave the job back.
            dispute.waiting = Waiting::Nobody { since: now };
        }
        let Waiting::Nobody { since } = dispute.waiting else { return Ok(()) };
        let subtree = group.first_subtree + slot as u32;
        if group.slots[slot].disputes > self.policy.disputes_max {
            let message = format!("subtree {subtree} was disputed {} times", group.slots[slot].disputes);
            self.give_up(block, "PY-C-110", message, out);
            return Err(GivenUp);
        }
        match judge(&group.slots[slot].records, &dispute.claims, dispute.rejected) {
            Verdict::Settled { corrections, lies } => {
                group.disputes.remove(&slot);
                if let Some((first, _)) = corrections.first() {
                    let restart = group.restart_at.map_or(*first, |at| at.min(*first));
                    group.restart_at = Some(restart);
                }
                for (round, record) in corrections {
                    group.slots[slot].records[usize::from(round) - 1] = record;
                }
                self.name(block, subtree, &lies, now, out);
            }
            Verdict::Unexplained => {
                let message = format!(
                    "subtree {subtree}: the coordinator's own computation is what aggregation rejects; \
                     the block's inputs or this build are at fault, no worker is"
                );
                self.give_up(block, "PY-C-111", message, out);
                return Err(GivenUp);
            }
            Verdict::AskAnother => {
                let speakers = group.speakers(slot);
                let strangers: Vec<_> = self.workers.eligible_ids(now).filter(|id| !speakers.contains(id)).collect();
                let waited = since != 0 && now.saturating_sub(since) > self.policy.dispute_patience_ms;
                if strangers.is_empty() || waited {
                    self.compute_here(block, index, slot, out);
                } else if let Some(worker) = least_loaded(&self.workers, &self.loads(), strangers) {
                    let round = self.disputed_round(block, index, slot);
                    let sending = Sending { block, index, slot, round, worker, purpose: Purpose::Recompute };
                    if let Some(attempt) = self.send(sending, now, out) {
                        self.wait_for(block, index, slot, Waiting::Worker { attempt });
                    }
                }
            }
            Verdict::AskCoordinator => self.compute_here(block, index, slot, out),
        }
        Ok(())
    }

    /// The coordinator computes the disputed subtree itself.
    fn compute_here(&mut self, block: BlockId, index: usize, slot: usize, out: &mut Vec<Effect>) {
        let round = self.disputed_round(block, index, slot);
        let Some(frame) = self.frame(block, index) else { return };
        let epoch = self.epoch;
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        let Some(group) = entry.groups_mut().get_mut(index) else { return };
        group.run += 1;
        let (run, drawn) = (group.run, &group.drawn[round.index()]);
        let stamp = super::blocks::JobStamp { epoch, attempt: u32::MAX, deadline_ms: u64::MAX };
        let job = Box::new(JobFrame::job(&frame, slot, group.slots[slot].inputs, round, drawn, true, stamp));
        self.wait_for(block, index, slot, Waiting::Coordinator { run });
        out.push(Effect::ComputeLocally { run, job });
    }

    fn wait_for(&mut self, block: BlockId, index: usize, slot: usize, waiting: Waiting) {
        let group = self.blocks.get_mut(&block).and_then(|entry| entry.groups_mut().get_mut(index));
        if let Some(dispute) = group.and_then(|group| group.disputes.get_mut(&slot)) {
            dispute.waiting = waiting;
        }
    }

    /// The last round that is recorded: a recomputation goes up to it.
    fn disputed_round(&self, block: BlockId, index: usize, slot: usize) -> Round {
        let group = self.blocks.get(&block).and_then(|entry| entry.groups().get(index));
        let rounds = group.map_or(1, |group| group.slots[slot].records.len());
        Round::new(rounds as u8).unwrap_or(Round::FIRST)
    }

    /// The group's proof holds, so its records are right and every differing claim is wrong.
    pub(super) fn vindicated(&mut self, block: BlockId, index: usize, now: Millis, out: &mut Vec<Effect>) {
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        let Some(group) = entry.groups_mut().get_mut(index) else { return };
        let mut lies = Vec::new();
        for (slot, dispute) in std::mem::take(&mut group.disputes) {
            for claim in dispute.claims {
                let records = group.slots[slot].records.iter().zip(1u8..);
                let wrong =
                    records.filter(|(record, round)| claim.message(*round).is_some_and(|m| m != record.message));
                if let Some(round) = wrong.map(|(_, round)| round).min() {
                    let lie = Lie { author: claim.author, round };
                    lies.push((group.first_subtree + slot as u32, lie));
                }
            }
        }
        for (subtree, lie) in lies {
            self.name(block, subtree, &[lie], now, out);
        }
    }

    fn name(&mut self, block: BlockId, subtree: u32, lies: &[Lie], now: Millis, out: &mut Vec<Effect>) {
        for lie in lies {
            if let Author::Worker(worker) = &lie.author {
                let offence = Offence { block, subtree, round: lie.round, kind: AlarmKind::WrongMessage };
                self.convict(worker, offence, now, out);
            }
        }
    }
}

/// The block was given up on the way.
struct GivenUp;
