//! The spans of blocks: what the driver does and hears, told as traces.
//!
//! `block` holds `execute`, `upload`, `verify` and one `round` for each time that a group enters one; a round holds its jobs and
//! its `aggregate`; a job, the `send` that put it on the bus, and what its worker tells of it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use proofyard_job_schema::{BlockId, JobId, WorkerId};
use proofyard_telemetry::{Kind, Span, SpanId, TraceId, Traces};

use crate::core::Progress;

/// A round of a group that goes on.
#[derive(Debug, Clone, Copy)]
struct Round {
    id: SpanId,
    round: u8,
    since: SystemTime,
}

/// A job that is not answered.
#[derive(Debug, Clone)]
struct Job {
    round: Option<SpanId>,
    worker: WorkerId,
    fresh: bool,
    since: SystemTime,
}

/// A block in work.
#[derive(Debug)]
struct Open {
    since: SystemTime,
    /// When it was executed, until its inputs are uploaded.
    executed: Option<SystemTime>,
    rounds: BTreeMap<usize, Round>,
    /// Rounds entered so far, by all groups.
    entered: u32,
    jobs: BTreeMap<JobId, Job>,
}

/// The spans of all blocks in work. Costs nothing where no traces are sent.
#[derive(Default)]
pub(crate) struct Spans {
    traces: Traces,
    open: Mutex<BTreeMap<BlockId, Open>>,
}

fn trace(block: BlockId) -> TraceId {
    TraceId::of_block(&block.0)
}

/// The id of a block's first span.
fn root() -> SpanId {
    SpanId::of("block")
}

/// A span of a block that ends now; with its parent and the rest to be filled in.
fn ended(block: BlockId, name: &'static str, since: SystemTime) -> Span {
    Span {
        trace: trace(block),
        id: SpanId::of(name),
        parent: Some(root()),
        kind: Kind::Internal,
        name,
        start: since,
        end: SystemTime::now(),
        attributes: Vec::new(),
        error: None,
    }
}

impl Spans {
    pub fn new(traces: Traces) -> Self {
        Self { traces, open: Mutex::default() }
    }

    fn open(&self) -> Option<MutexGuard<'_, BTreeMap<BlockId, Open>>> {
        self.traces.is_on().then(|| self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A block is about to be executed.
    pub fn begin(&self, block: BlockId) {
        let Some(mut open) = self.open() else { return };
        let since = SystemTime::now();
        let (rounds, jobs) = (BTreeMap::new(), BTreeMap::new());
        open.insert(block, Open { since, executed: None, rounds, entered: 0, jobs });
    }

    /// The core has made progress.
    pub fn progress(&self, progress: &Progress) {
        let Some(mut all) = self.open() else { return };
        let block = progress.block();
        let Some(open) = all.get_mut(&block) else { return };
        let now = SystemTime::now();
        match *progress {
            Progress::Accepted { subtrees, .. } => {
                open.executed = Some(now);
                let attributes = vec![("proofyard.subtrees", i64::from(subtrees).into())];
                self.traces.tell(Span { attributes, ..ended(block, "execute", open.since) });
            }
            Progress::Round { group, round, .. } => {
                if let Some(executed) = open.executed.take() {
                    self.traces.tell(ended(block, "upload", executed));
                }
                self.end_round(block, group, open.rounds.remove(&group));
                open.entered += 1;
                let id = SpanId::of(format_args!("round {} of the block", open.entered));
                open.rounds.insert(group, Round { id, round, since: now });
            }
            Progress::Verifying { .. } => {
                for (group, round) in std::mem::take(&mut open.rounds) {
                    self.end_round(block, group, Some(round));
                }
            }
            Progress::Subtree { .. } => {}
        }
    }

    fn end_round(&self, block: BlockId, group: usize, round: Option<Round>) {
        let Some(Round { id, round, since }) = round else { return };
        let attributes = vec![("proofyard.group", (group as i64).into()), ("proofyard.round", i64::from(round).into())];
        self.traces.tell(Span { id, attributes, ..ended(block, "round", since) });
    }

    /// A job of a group is about to be put on the bus.
    pub fn job(&self, id: JobId, group: u32, fresh: bool, worker: &WorkerId) {
        let Some(mut all) = self.open() else { return };
        let Some(open) = all.get_mut(&id.block) else { return };
        let round = open.rounds.get(&(group as usize)).map(|round| round.id);
        open.jobs.insert(id, Job { round, worker: worker.clone(), fresh, since: SystemTime::now() });
    }

    /// The bus has stored the job, or has not.
    pub fn sent(&self, id: JobId, since: SystemTime, error: Option<&str>) {
        if !self.traces.is_on() {
            return;
        }
        self.traces.tell(Span {
            id: SpanId::of(format_args!("sending {id}")),
            parent: Some(SpanId::of(id)),
            kind: Kind::Producer,
            error: error.map(str::to_owned),
            ..ended(id.block, "send", since)
        });
    }

    /// The job was answered, or failed.
    pub fn answered(&self, id: JobId, error: Option<String>) {
        let Some(mut all) = self.open() else { return };
        let Some(open) = all.get_mut(&id.block) else { return };
        if let Some(job) = open.jobs.remove(&id) {
            self.end_job(id, job, error);
        }
    }

    fn end_job(&self, id: JobId, job: Job, error: Option<String>) {
        let Job { round, worker, fresh, since } = job;
        let attributes = vec![
            ("proofyard.subtree", i64::from(id.subtree.0).into()),
            ("proofyard.round", i64::from(id.round.get()).into()),
            ("proofyard.attempt", i64::from(id.attempt).into()),
            ("proofyard.worker", worker.to_string().into()),
            ("proofyard.session_is_new", fresh.into()),
        ];
        let parent = Some(round.unwrap_or_else(root));
        self.traces.tell(Span { id: SpanId::of(id), parent, attributes, error, ..ended(id.block, "job", since) });
    }

    /// A round's messages were summed.
    pub fn aggregated(&self, block: BlockId, group: usize, run: u32, since: SystemTime) {
        let Some(all) = self.open() else { return };
        let Some(open) = all.get(&block) else { return };
        let parent = Some(open.rounds.get(&group).map_or_else(root, |round| round.id));
        let id = SpanId::of(format_args!("aggregation {run} of group {group}"));
        self.traces.tell(Span { id, parent, ..ended(block, "aggregate", since) });
    }

    /// The root proof was checked.
    pub fn verified(&self, block: BlockId, since: SystemTime) {
        if self.traces.is_on() {
            self.traces.tell(ended(block, "verify", since));
        }
    }

    /// The block is proven, refused or given up. What was not answered then ends with it.
    pub fn end(&self, block: BlockId, error: Option<String>) {
        let Some(mut all) = self.open() else { return };
        let Some(open) = all.remove(&block) else { return };
        for (group, round) in open.rounds {
            self.end_round(block, group, Some(round));
        }
        for (id, job) in open.jobs {
            self.end_job(id, job, Some("not answered, and not needed any more".to_owned()));
        }
        let attributes = vec![("proofyard.block", block.to_string().into())];
        self.traces.tell(Span { parent: None, attributes, error, ..ended(block, "block", open.since) });
    }

    /// Sends what waits, when the process ends.
    pub async fn finish(&self) {
        self.traces.finish().await;
    }
}
