//! What workers' answers do to the records.

use proofyard_job_schema::{BlockId, Disposition, JobId, WorkerId};

use super::{
    AlarmKind, Answer, Effect, Outcome, Progress, State,
    dispute::{Author, Claim, Record},
    group::{Purpose, Waiting},
    policy::Millis,
};

/// The first wait before a subtree that failed everywhere is tried again; doubled with every failure.
const BACKOFF_MS: Millis = 250;
/// Leases after which a job that its worker does not report is taken for lost.
const LOST_AFTER_LEASES: Millis = 2;
/// The longest such wait.
const BACKOFF_MS_MAX: Millis = 4_000;

/// What a worker was caught at.
pub(super) struct Offence {
    pub block: BlockId,
    pub subtree: u32,
    pub round: u8,
    pub kind: AlarmKind,
}

impl Offence {
    /// An answer to a job that no honest worker sends.
    fn malformed(id: JobId) -> Self {
        Self { block: id.block, subtree: id.subtree.0, round: id.round.get(), kind: AlarmKind::Malformed }
    }
}

impl State {
    /// Takes an answer. One that belongs to no job of ours, to another epoch or to other challenges changes nothing.
    pub(super) fn answered(&mut self, answer: Answer, now: Millis, out: &mut Vec<Effect>) {
        let Answer { id, worker, outcome } = answer;
        self.workers.answered(&worker, now);
        if id.epoch != self.epoch {
            return;
        }
        let Some(block) = self.blocks.get_mut(&id.block) else { return };
        let Some((group, slot)) = block.slot_of(id.subtree.0) else { return };
        let Some(issued) = group.slots[slot].jobs.get_mut(id.attempt as usize) else { return };
        if issued.id != id || issued.worker != worker {
            return;
        }
        issued.open = false;
        let purpose = issued.purpose;
        let recomputed = matches!(group.disputes.get(&slot), Some(dispute)
            if dispute.waiting == Waiting::Worker { attempt: id.attempt });
        if recomputed && let Some(dispute) = group.disputes.get_mut(&slot) {
            dispute.waiting = Waiting::Nobody { since: now };
        }
        match outcome {
            Outcome::Proved { transcript, first_round, messages } => {
                let round = id.round;
                let Some(drawn) = group.drawn.get(round.index()) else { return };
                if drawn.transcript != transcript {
                    return;
                }
                let count = usize::from(round.get()).checked_sub(usize::from(first_round)).map(|rounds| rounds + 1);
                let complete = first_round >= 1 && count == Some(messages.len());
                if !complete || (purpose == Purpose::Recompute && first_round != 1) {
                    self.convict(&worker, Offence::malformed(id), now, out);
                    return;
                }
                let author = Author::Worker(worker.clone());
                let claim = Claim { author, first_round, messages };
                self.claimed(id, worker, claim, recomputed, now, out);
            }
            Outcome::Failed { disposition, reason } => {
                self.failed(id, &worker, disposition, &reason, now, out);
            }
            Outcome::Malformed { .. } => {
                self.convict(&worker, Offence::malformed(id), now, out);
            }
        }
    }

    /// Compares well-formed messages with the records and records the current round's.
    fn claimed(
        &mut self,
        id: JobId,
        worker: WorkerId,
        mut claim: Claim,
        recomputed: bool,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        let Some(block) = self.blocks.get_mut(&id.block) else { return };
        let Some((group, slot)) = block.slot_of(id.subtree.0) else { return };
        let records = &group.slots[slot].records;
        let differs = records
            .iter()
            .zip(1u8..)
            .any(|(record, round)| claim.message(round).is_some_and(|message| message != record.message));
        if differs || recomputed {
            group.dispute(slot, false, Some(claim), now);
            return;
        }
        if records.len() + 1 != usize::from(id.round.get()) || records.len() + 1 != group.drawn.len() {
            return;
        }
        let Some(message) = claim.messages.pop() else { return };
        if let Some(issued) = group.slots[slot].jobs.get(id.attempt as usize) {
            group.service_times.push(self.workers.service_before(&worker, issued.sent_at, now));
        }
        group.slots[slot].records.push(Record { message, author: claim.author });
        group.slots[slot].holder = Some(worker.clone());
        let (round, answered, subtrees, first) =
            (group.round(), group.answered(), group.subtrees(), group.first_subtree);
        let index = block.groups().iter().position(|group| group.first_subtree == first).unwrap_or(0);
        out.push(Effect::Progress(Progress::Subtree {
            block: id.block,
            group: index,
            round,
            subtree: id.subtree.0,
            worker,
            answered,
            subtrees,
        }));
    }

    /// A worker could not do a job. The job is wrong only when every worker that may be asked says so, or two of them.
    pub(super) fn failed(
        &mut self,
        id: JobId,
        worker: &WorkerId,
        disposition: Disposition,
        reason: &str,
        now: Millis,
        out: &mut Vec<Effect>,
    ) {
        let others = self.workers.eligible_ids(now).any(|other| other != worker);
        let policy = &self.policy;
        let Some(block) = self.blocks.get_mut(&id.block) else { return };
        let Some((group, slot)) = block.slot_of(id.subtree.0) else { return };
        if id.round.get() != group.round() {
            return;
        }
        let slot = &mut group.slots[slot];
        slot.failures += 1;
        let wait = BACKOFF_MS.saturating_mul(1 << slot.failures.min(16)) / 2;
        slot.retry_at = now + wait.min(BACKOFF_MS_MAX);
        match disposition {
            Disposition::Retry => {}
            // A bus that was lost and came back empty. Storing what is there already changes nothing.
            Disposition::InputsMissing => out.push(Effect::Upload { block: id.block }),
            Disposition::RetryElsewhere => {
                slot.avoid.insert(worker.clone());
                self.workers.cool_down(worker, now + policy.failure_cool_down_ms);
            }
            Disposition::Reject => {
                slot.avoid.insert(worker.clone());
                slot.rejected_by.insert(worker.clone());
            }
        }
        if others && slot.avoid.contains(worker) {
            slot.retry_at = now;
        }
        let rejected = !slot.rejected_by.is_empty() && (slot.rejected_by.len() >= 2 || !others);
        if rejected || slot.failures >= policy.failures_max {
            let (subtree, round, failures) = (id.subtree, id.round, slot.failures);
            let message =
                format!("subtree {subtree}, round {round}: {failures} attempts failed, the last one: {reason}");
            self.give_up(id.block, if rejected { "PY-C-107" } else { "PY-C-108" }, message, out);
        }
    }

    /// A draining worker gives jobs back.
    pub(super) fn returned(&mut self, worker: &WorkerId, jobs: &[JobId]) {
        self.workers.handed_back(worker);
        for id in jobs {
            let Some(block) = self.blocks.get_mut(&id.block) else { continue };
            let Some((group, slot)) = block.slot_of(id.subtree.0) else { continue };
            if let Some(issued) = group.slots[slot].jobs.get_mut(id.attempt as usize)
                && issued.id == *id
                && issued.worker == *worker
            {
                issued.open = false;
            }
        }
    }

    /// The bus did not take a job: the worker gets no more for a while, the job goes on elsewhere.
    pub(super) fn send_failed(&mut self, id: JobId, now: Millis) {
        let Some(block) = self.blocks.get_mut(&id.block) else { return };
        let Some((group, slot)) = block.slot_of(id.subtree.0) else { return };
        let slot = &mut group.slots[slot];
        let Some(issued) = slot.jobs.get_mut(id.attempt as usize) else { return };
        if issued.id == id && issued.open {
            issued.open = false;
            slot.retry_at = now + BACKOFF_MS;
            self.workers.cool_down(&issued.worker, now + self.policy.failure_cool_down_ms);
        }
    }

    /// Jobs that a live worker should hold by now and does not were lost on the way (a bus that was restarted): they are sent
    /// again. Its answer, should it still come, counts all the same.
    pub(super) fn reconcile(&mut self, worker: &WorkerId, held: Option<&[JobId]>, now: Millis) {
        let Some(held) = held else { return };
        let patience = LOST_AFTER_LEASES * self.policy.lease_ms;
        let groups = self.blocks.values_mut().flat_map(|block| block.groups_mut());
        for job in groups.flat_map(|group| &mut group.slots).flat_map(|slot| &mut slot.jobs) {
            let due = now.saturating_sub(job.sent_at) > patience;
            if job.open && job.worker == *worker && due && !held.contains(&job.id) {
                job.open = false;
            }
        }
    }

    /// A worker was caught: alarm, no work for a long while, and its jobs go to others.
    pub(super) fn convict(&mut self, worker: &WorkerId, offence: Offence, now: Millis, out: &mut Vec<Effect>) {
        let Offence { block, subtree, round, kind } = offence;
        self.workers.exclude(worker, now + self.policy.liar_cool_down_ms);
        self.forget_worker(worker);
        out.push(Effect::Alarm { block, worker: worker.clone(), subtree, round, kind });
    }
}
