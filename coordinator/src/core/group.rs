//! One group of a block on its way through the five rounds: what is recorded, what is asked for.

use std::collections::{BTreeMap, BTreeSet};

use proofyard_job_schema::{BlobDigest, JobId, WorkerId};

use super::{
    dispute::{Author, Claim, Record},
    event::{Drawn, GroupPlan},
    policy::Millis,
};

/// Why a job was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The subtree's first or only job of the round.
    Round,
    /// A second one beside a straggler.
    Hedge,
    /// A full recomputation for a dispute.
    Recompute,
}

/// A job that was sent.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub id: JobId,
    pub worker: WorkerId,
    pub purpose: Purpose,
    pub sent_at: Millis,
    /// Nobody has answered it and its worker is not known to be dead.
    pub open: bool,
}

/// Who computes for a dispute just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nobody yet; since when.
    Nobody { since: Millis },
    /// A worker, by the attempt number of its job.
    Worker { attempt: u32 },
    /// The coordinator, by the run number of the effect.
    Coordinator { run: u32 },
}

/// A subtree whose recorded messages are in doubt.
#[derive(Debug, Clone)]
pub(super) struct Dispute {
    /// The aggregator has shown the records to be wrong.
    pub rejected: bool,
    /// What others computed on the same challenges.
    pub claims: Vec<Claim>,
    pub waiting: Waiting,
}

/// One subtree of the group.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    pub inputs: BlobDigest,
    /// The messages that stand, of rounds 1.. in order.
    pub records: Vec<Record>,
    /// The worker with the newest session.
    pub holder: Option<WorkerId>,
    /// Every job of this subtree, by attempt number.
    pub jobs: Vec<Issued>,
    /// Workers that failed this round of it.
    pub avoid: BTreeSet<WorkerId>,
    /// Workers that called the job itself wrong.
    pub rejected_by: BTreeSet<WorkerId>,
    /// Failures in this round.
    pub failures: u32,
    /// No new attempt before this.
    pub retry_at: Millis,
    /// Disputes so far.
    pub disputes: u32,
}

impl Slot {
    /// Open jobs for the subtree's message of this round. A loser of an earlier round's hedge is none of them.
    pub fn asked(&self, round: u8) -> impl Iterator<Item = &Issued> {
        self.jobs.iter().filter(move |job| job.open && job.id.round.get() == round && job.purpose != Purpose::Recompute)
    }

    /// Closes the open jobs of one worker.
    pub fn close(&mut self, worker: &WorkerId) {
        for job in self.jobs.iter_mut().filter(|job| job.worker == *worker) {
            job.open = false;
        }
    }

    /// A round begins: its failures are forgotten.
    pub fn forgive(&mut self) {
        self.avoid.clear();
        self.rejected_by.clear();
        self.failures = 0;
        self.retry_at = 0;
    }
}

/// A group between its first job and its proof.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Number of its first subtree, counted over the block.
    pub first_subtree: u32,
    pub slots: Vec<Slot>,
    /// What was drawn for rounds 1..; its length is the current round.
    pub drawn: Vec<Drawn>,
    /// Counts aggregations and own computations, so that stale outcomes are recognised.
    pub run: u32,
    /// The run of the aggregation under way.
    pub aggregating: Option<u32>,
    /// By index of the slot.
    pub disputes: BTreeMap<usize, Dispute>,
    /// Settled disputes whose group still waits for others: restart here.
    pub restart_at: Option<u8>,
    pub proof: Option<Vec<u8>>,
    pub round_started: Millis,
    /// How long the answered jobs of this round took.
    pub service_times: Vec<Millis>,
}

impl Group {
    pub fn new(plan: GroupPlan, first_subtree: u32, now: Millis) -> Self {
        Self {
            first_subtree,
            slots: plan.inputs.into_iter().map(|inputs| Slot { inputs, ..Slot::default() }).collect(),
            drawn: vec![plan.first],
            run: 0,
            aggregating: None,
            disputes: BTreeMap::new(),
            restart_at: None,
            proof: None,
            round_started: now,
            service_times: Vec::new(),
        }
    }

    /// The current round, 1..=5.
    pub fn round(&self) -> u8 {
        self.drawn.len() as u8
    }

    /// Subtrees of the group.
    pub fn subtrees(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Subtrees whose message of the current round is recorded.
    pub fn answered(&self) -> u32 {
        self.slots.iter().filter(|slot| slot.records.len() >= self.drawn.len()).count() as u32
    }

    /// True when no regular job may be sent: a dispute or an aggregation is under way, or the group is proven.
    pub fn is_paused(&self) -> bool {
        self.proof.is_some() || self.aggregating.is_some() || !self.disputes.is_empty()
    }

    /// Median service time of the round's answers so far; 0 without any.
    pub fn median_service_time(&self) -> Millis {
        let mut times = self.service_times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(0)
    }

    /// Enters the next round with what was drawn for it.
    pub fn enter(&mut self, drawn: Drawn, now: Millis) {
        self.drawn.push(drawn);
        self.begin_round(now);
    }

    /// Goes back to a round: its messages and those of earlier rounds stay, later ones and their challenges go.
    pub fn restart(&mut self, round: u8, now: Millis) {
        let keep = usize::from(round);
        self.drawn.truncate(keep);
        for slot in &mut self.slots {
            slot.records.truncate(keep);
        }
        self.begin_round(now);
    }

    fn begin_round(&mut self, now: Millis) {
        self.aggregating = None;
        self.run += 1;
        self.round_started = now;
        self.service_times.clear();
        for slot in &mut self.slots {
            slot.forgive();
        }
    }

    /// Opens a dispute about a slot or adds to the open one.
    pub fn dispute(&mut self, slot: usize, rejected: bool, claim: Option<Claim>, now: Millis) {
        let disputes = &mut self.slots[slot].disputes;
        let dispute = self.disputes.entry(slot).or_insert_with(|| {
            *disputes += 1;
            Dispute { rejected: false, claims: Vec::new(), waiting: Waiting::Nobody { since: now } }
        });
        dispute.rejected |= rejected;
        dispute.claims.extend(claim);
    }

    /// Everyone who has spoken about a slot: authors of its records and of claims.
    pub fn speakers(&self, slot: usize) -> BTreeSet<WorkerId> {
        let records = self.slots[slot].records.iter().map(|record| &record.author);
        let claims =
            self.disputes.get(&slot).into_iter().flat_map(|dispute| &dispute.claims).map(|claim| &claim.author);
        records
            .chain(claims)
            .filter_map(|author| match author {
                Author::Worker(worker) => Some(worker.clone()),
                Author::Coordinator => None,
            })
            .collect()
    }
}
