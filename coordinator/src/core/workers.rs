//! Which workers there are, who may get work, and who is passed over.

use std::collections::BTreeMap;

use proofyard_job_schema::{JobId, WorkerId};

use super::policy::{Millis, Policy};

/// What a worker's heartbeat says that assignment depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Drawn at the worker's start: a new value means that its sessions and jobs are gone.
    pub instance: u64,
    /// Jobs it takes at once: one running, the others waiting.
    pub capacity: u32,
    /// Sessions it keeps.
    pub sessions_max: u32,
    /// It wants no more jobs.
    pub draining: bool,
    /// Jobs it holds, answered ones whose reply is not stored yet included; `None` when it holds more than it can list.
    pub jobs: Option<Vec<JobId>>,
}

/// One worker as the coordinator sees it.
#[derive(Debug, Clone)]
struct Worker {
    report: Report,
    last_seen: Millis,
    last_answer: Millis,
    answer_before: Millis,
    live: bool,
    cooling_until: Millis,
    excluded_until: Millis,
}

/// All workers ever heard of, by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Workers(BTreeMap<WorkerId, Worker>);

impl Workers {
    /// Notes a heartbeat. True when the worker is a new incarnation under an old name: its sessions and jobs are gone.
    pub fn heartbeat(&mut self, id: &WorkerId, report: Report, now: Millis) -> bool {
        let Some(worker) = self.0.get_mut(id) else {
            let worker = Worker {
                report,
                last_seen: now,
                last_answer: now,
                answer_before: now,
                live: true,
                cooling_until: 0,
                excluded_until: 0,
            };
            self.0.insert(id.clone(), worker);
            return false;
        };
        let reborn = worker.report.instance != report.instance;
        worker.report = report;
        worker.last_seen = now;
        worker.live = true;
        reborn
    }

    /// Notes that a worker answered a job: a sign of life, and the start of its next job.
    pub fn answered(&mut self, id: &WorkerId, now: Millis) {
        if let Some(worker) = self.0.get_mut(id) {
            worker.last_seen = now;
            worker.answer_before = worker.last_answer;
            worker.last_answer = now;
            worker.live = true;
        }
    }

    /// A worker handed a job back: no more for it until a heartbeat says otherwise.
    pub fn handed_back(&mut self, id: &WorkerId) {
        if let Some(worker) = self.0.get_mut(id) {
            worker.report.draining = true;
        }
    }

    /// Passes a worker over for a while, as long as others are there.
    pub fn cool_down(&mut self, id: &WorkerId, until: Millis) {
        if let Some(worker) = self.0.get_mut(id) {
            worker.cooling_until = worker.cooling_until.max(until);
        }
    }

    /// Gives a worker no work at all for a while.
    pub fn exclude(&mut self, id: &WorkerId, until: Millis) {
        if let Some(worker) = self.0.get_mut(id) {
            worker.excluded_until = worker.excluded_until.max(until);
        }
    }

    /// Declares the silent dead and names them.
    pub fn expire(&mut self, policy: &Policy, now: Millis) -> Vec<WorkerId> {
        let mut dead = Vec::new();
        for (id, worker) in &mut self.0 {
            if worker.live && now.saturating_sub(worker.last_seen) > policy.lease_ms {
                worker.live = false;
                dead.push(id.clone());
            }
        }
        dead
    }

    /// True when the worker may get work at all.
    pub fn eligible(&self, id: &WorkerId, now: Millis) -> bool {
        self.0.get(id).is_some_and(|worker| {
            worker.live && !worker.report.draining && worker.report.capacity > 0 && worker.excluded_until <= now
        })
    }

    /// True while the worker is passed over after a failure.
    pub fn cooling(&self, id: &WorkerId, now: Millis) -> bool {
        self.0.get(id).is_some_and(|worker| worker.cooling_until > now)
    }

    /// Those who may get work, in order of id.
    pub fn eligible_ids(&self, now: Millis) -> impl Iterator<Item = &WorkerId> {
        self.0.keys().filter(move |id| self.eligible(id, now))
    }

    /// Jobs the worker takes at once.
    pub fn capacity(&self, id: &WorkerId) -> usize {
        self.0.get(id).map_or(0, |worker| worker.report.capacity as usize)
    }

    /// Sessions the worker keeps.
    pub fn sessions_max(&self, id: &WorkerId) -> usize {
        self.0.get(id).map_or(0, |worker| worker.report.sessions_max as usize)
    }

    /// How long the worker has been at a job sent at `sent_at`. It proves one job at a time, so a job starts when it was sent
    /// or when the previous one was answered, whichever is later.
    pub fn service_time(&self, id: &WorkerId, sent_at: Millis, now: Millis) -> Millis {
        let started = self.0.get(id).map_or(sent_at, |worker| worker.last_answer.max(sent_at));
        now.saturating_sub(started)
    }

    /// How long the job took that the worker has just answered.
    pub fn service_before(&self, id: &WorkerId, sent_at: Millis, now: Millis) -> Millis {
        let started = self.0.get(id).map_or(sent_at, |worker| worker.answer_before.max(sent_at));
        now.saturating_sub(started)
    }

    /// True when the worker was heard of lately.
    pub fn is_live(&self, id: &WorkerId) -> bool {
        self.0.get(id).is_some_and(|worker| worker.live)
    }

    /// How many workers are live.
    pub fn live(&self) -> usize {
        self.0.values().filter(|worker| worker.live).count()
    }
}
