//! Who proves what, when a second worker is asked, and what time alone brings about.

use std::collections::{BTreeMap, BTreeSet};

use proofyard_job_schema::{BlockId, Round, WorkerId};

use super::{
    Effect, State,
    blocks::{JobFrame, JobStamp, Phase},
    group::{Group, Issued, Purpose, Slot},
    policy::{Millis, Policy},
    workers::Workers,
};

/// Open jobs and held sessions by worker, over all blocks.
#[derive(Debug, Default)]
pub(super) struct Loads {
    jobs: BTreeMap<WorkerId, usize>,
    sessions: BTreeMap<WorkerId, usize>,
}

impl Loads {
    fn jobs(&self, worker: &WorkerId) -> usize {
        self.jobs.get(worker).copied().unwrap_or(0)
    }

    fn sessions(&self, worker: &WorkerId) -> usize {
        self.sessions.get(worker).copied().unwrap_or(0)
    }
}

/// Of those with room for a job, the one with room for a session, then the least busy, then the one with fewest sessions.
pub(super) fn least_loaded<'a>(
    workers: &Workers,
    loads: &Loads,
    candidates: impl IntoIterator<Item = &'a WorkerId>,
) -> Option<WorkerId> {
    candidates
        .into_iter()
        .filter(|id| loads.jobs(id) < workers.capacity(id))
        .min_by_key(|id| {
            (loads.sessions(id) >= workers.sessions_max(id), loads.jobs(id), loads.sessions(id), (*id).clone())
        })
        .cloned()
}

/// A job about to be sent.
pub(super) struct Sending {
    pub block: BlockId,
    pub index: usize,
    pub slot: usize,
    pub round: Round,
    pub worker: WorkerId,
    pub purpose: Purpose,
}

impl State {
    /// Everything that follows from the state and the time: called after every event.
    pub(super) fn advance(&mut self, now: Millis, out: &mut Vec<Effect>) {
        for worker in self.workers.expire(&self.policy, now) {
            self.forget_worker(&worker);
            out.push(Effect::WorkerLost { worker });
        }
        for block in self.order.clone() {
            self.expire_jobs(block, now, out);
            let groups = self.blocks.get(&block).map_or(0, |entry| entry.groups().len());
            for index in 0..groups {
                self.advance_disputes(block, index, now, out);
                self.aggregate(block, index, out);
                self.assign(block, index, now, out);
            }
            self.expire_block(block, now, out);
        }
        self.drain(now, out);
    }

    /// Jobs without an answer for too long count as failed on their worker.
    fn expire_jobs(&mut self, block: BlockId, now: Millis, out: &mut Vec<Effect>) {
        let timeout = self.policy.job_timeout_ms;
        let mut expired = Vec::new();
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        for slot in entry.groups_mut().iter_mut().flat_map(|group| &mut group.slots) {
            for job in slot.jobs.iter_mut().filter(|job| job.open && now.saturating_sub(job.sent_at) > timeout) {
                job.open = false;
                expired.push((job.id, job.worker.clone()));
            }
        }
        for (id, worker) in expired {
            let reason = format!("worker {worker} did not answer for {timeout} ms");
            let disposition = proofyard_job_schema::Disposition::RetryElsewhere;
            out.push(Effect::Cancel { worker: worker.clone(), id });
            self.failed(id, &worker, disposition, &reason, now, out);
        }
    }

    fn expire_block(&mut self, block: BlockId, now: Millis, out: &mut Vec<Effect>) {
        let Some(entry) = self.blocks.get(&block) else { return };
        let deadline = self.policy.block_deadline_ms;
        if now.saturating_sub(entry.since) > deadline {
            let live = self.workers.live();
            let message = format!("not proven after {deadline} ms; {live} workers are live, start more of them");
            self.give_up(block, "PY-C-112", message, out);
        }
    }

    /// Hands a complete round to the aggregator.
    fn aggregate(&mut self, block: BlockId, index: usize, out: &mut Vec<Effect>) {
        let Some(entry) = self.blocks.get_mut(&block) else { return };
        let Some(group) = entry.groups_mut().get_mut(index) else { return };
        if group.is_paused() || group.answered() < group.subtrees() {
            return;
        }
        let round = group.round();
        let at = usize::from(round) - 1;
        let messages = group.slots.iter().map(|slot| slot.records[at].message.clone()).collect();
        group.run += 1;
        group.aggregating = Some(group.run);
        out.push(Effect::Aggregate { block, group: index, run: group.run, round, messages });
    }

    /// Sends what can be sent of a group's current round.
    fn assign(&mut self, block: BlockId, index: usize, now: Millis, out: &mut Vec<Effect>) {
        let Some(group) = self.blocks.get(&block).and_then(|entry| entry.groups().get(index)) else { return };
        if group.is_paused() {
            return;
        }
        let Ok(round) = Round::new(group.round()) else { return };
        let stragglers = self.stragglers(group, now);
        let waiting: Vec<usize> = (0..group.slots.len())
            .filter(|&slot| group.slots[slot].records.len() < group.drawn.len() && group.slots[slot].retry_at <= now)
            .collect();
        for slot in waiting {
            let Some(group) = self.blocks.get(&block).and_then(|entry| entry.groups().get(index)) else { return };
            let loads = self.loads();
            let asked: Vec<&Issued> = group.slots[slot].asked(round.get()).collect();
            let (worker, purpose) = match asked[..] {
                [] => (self.worker_for(&group.slots[slot], &loads, &stragglers, now), Purpose::Round),
                [only] => (self.hedge_for(&group.slots[slot], only, &loads, &stragglers, now), Purpose::Hedge),
                [..] => continue,
            };
            if let Some(worker) = worker {
                self.send(Sending { block, index, slot, round, worker, purpose }, now, out);
            }
        }
    }

    /// Workers that hold up a nearly complete round: they sit on one of its jobs for much longer than the others took.
    fn stragglers(&self, group: &Group, now: Millis) -> BTreeSet<WorkerId> {
        let Policy { hedge_after_percent, hedge_median_percent, hedge_floor_ms, .. } = self.policy;
        let (answered, subtrees) = (u64::from(group.answered()), u64::from(group.subtrees()));
        if answered == 0 || answered * 100 < subtrees * hedge_after_percent {
            return BTreeSet::new();
        }
        let threshold = (group.median_service_time() * hedge_median_percent / 100).max(hedge_floor_ms);
        let open = group.slots.iter().flat_map(|slot| &slot.jobs).filter(|job| job.open);
        open.filter(|job| self.workers.service_time(&job.worker, job.sent_at, now) > threshold)
            .map(|job| job.worker.clone())
            .collect()
    }

    /// A second worker for a subtree whose only job lies with a straggler.
    fn hedge_for(
        &self,
        slot: &Slot,
        only: &Issued,
        loads: &Loads,
        stragglers: &BTreeSet<WorkerId>,
        now: Millis,
    ) -> Option<WorkerId> {
        if !stragglers.contains(&only.worker) {
            return None;
        }
        let others = self.workers.eligible_ids(now).filter(|id| {
            **id != only.worker
                && !stragglers.contains(*id)
                && !slot.avoid.contains(*id)
                && !self.workers.cooling(id, now)
        });
        least_loaded(&self.workers, loads, others)
    }

    /// The worker for a subtree that nobody is at: the holder of its session, else the least loaded. None means: wait.
    fn worker_for(&self, slot: &Slot, loads: &Loads, stragglers: &BTreeSet<WorkerId>, now: Millis) -> Option<WorkerId> {
        let eligible: Vec<&WorkerId> = self.workers.eligible_ids(now).collect();
        if let Some(holder) = &slot.holder
            && eligible.contains(&holder)
            && !slot.avoid.contains(holder)
            && !stragglers.contains(holder)
        {
            return (loads.jobs(holder) < self.workers.capacity(holder)).then(|| holder.clone());
        }
        let narrow = |from: Vec<&'_ WorkerId>, keep: &dyn Fn(&WorkerId) -> bool| -> Vec<WorkerId> {
            let kept: Vec<WorkerId> = from.iter().filter(|id| keep(id)).map(|id| (*id).clone()).collect();
            if kept.is_empty() { from.into_iter().cloned().collect() } else { kept }
        };
        let tried = narrow(eligible, &|id| !slot.avoid.contains(id));
        let fit = narrow(tried.iter().collect(), &|id| !self.workers.cooling(id, now) && !stragglers.contains(id));
        least_loaded(&self.workers, loads, &fit)
    }

    /// Counts open jobs and held sessions.
    pub(super) fn loads(&self) -> Loads {
        let mut loads = Loads::default();
        for slot in self.blocks.values().flat_map(|block| block.groups()).flat_map(|group| &group.slots) {
            for job in slot.jobs.iter().filter(|job| job.open) {
                *loads.jobs.entry(job.worker.clone()).or_default() += 1;
            }
            // A subtree in a worker's hands will be a session of its.
            let asked = slot.jobs.iter().find(|job| job.open).map(|job| &job.worker);
            if let Some(worker) = slot.holder.as_ref().or(asked) {
                *loads.sessions.entry(worker.clone()).or_default() += 1;
            }
        }
        loads
    }

    /// What jobs of one group have in common.
    pub(super) fn frame(&self, block: BlockId, index: usize) -> Option<JobFrame> {
        let Phase::Proving(proving) = &self.blocks.get(&block)?.phase else { return None };
        let group = proving.groups.get(index)?;
        Some(JobFrame {
            block,
            rows_log2: proving.rows_log2,
            circuit: proving.circuit,
            group: index as u32,
            first_subtree: group.first_subtree,
            subtrees: group.subtrees(),
        })
    }

    /// Sends a job and notes it; its attempt number.
    pub(super) fn send(&mut self, sending: Sending, now: Millis, out: &mut Vec<Effect>) -> Option<u32> {
        let Sending { block, index, slot, round, worker, purpose } = sending;
        let frame = self.frame(block, index)?;
        let (epoch, deadline) = (self.epoch, self.policy.block_deadline_ms);
        let timeout = self.policy.job_timeout_ms;
        let entry = self.blocks.get_mut(&block)?;
        let left = deadline.saturating_sub(now.saturating_sub(entry.since));
        let group = entry.groups_mut().get_mut(index)?;
        let attempt = group.slots[slot].jobs.len() as u32;
        let stamp = JobStamp { epoch, attempt, deadline_ms: left.min(timeout) };
        let drawn = &group.drawn[round.index()];
        let fresh = purpose == Purpose::Recompute;
        let job = Box::new(frame.job(slot, group.slots[slot].inputs, round, drawn, fresh, stamp));
        let issued = Issued { id: job.id, worker: worker.clone(), purpose, sent_at: now, open: true };
        // A worker drops an older job of the same subtree when it gets a newer one.
        group.slots[slot].close(&worker);
        group.slots[slot].jobs.push(issued);
        out.push(Effect::Send { worker, job, purpose });
        Some(attempt)
    }

    /// After a request to drain: done when nothing is left, given up when time is.
    fn drain(&mut self, now: Millis, out: &mut Vec<Effect>) {
        let Some(since) = self.draining_since else { return };
        if self.stopped {
            return;
        }
        if now.saturating_sub(since) >= self.policy.drain_ms {
            for block in self.order.clone() {
                let message = "the coordinator was told to stop; hand the block in again".to_owned();
                self.give_up(block, "PY-C-113", message, out);
            }
        }
        if self.blocks.is_empty() {
            self.stopped = true;
            out.push(Effect::Stopped);
        }
    }
}
