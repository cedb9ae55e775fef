//! What is known about blocks and workers, for whoever asks.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use proofyard_coordinator_client::{
    BlockStatus, BlockView, Culprit, ErrorBody, ProofSummary, RoundTime, Rung, Stage, ThroughputView, WorkerStatus,
};
use proofyard_job_schema::{BlockId, Heartbeat, WorkerId};
use tokio::sync::watch;

use crate::{
    core::{Failure, Progress, policy::LEASE_MS},
    grid::Grid,
    handle::Request,
    timings::{RoundTiming, Stopwatch, Timings},
    track::{Follower, Track},
    work::Proven,
};

/// Finished blocks that are remembered, proofs included.
const FINISHED_MAX: usize = 256;
/// Blocks in a view at most.
const VIEWED_MAX: usize = 64;
/// Throughput is counted over this long.
const LATELY: Duration = Duration::from_secs(600);

/// Workers not heard of for so long are forgotten: where each start has a new name, there would be ever more of them.
const WORKERS_KEPT: Duration = Duration::from_secs(3_600);

/// A block as the board shows it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its status; `seconds` is final only when the stage is.
    pub status: BlockStatus,
    /// The proof, once verified.
    pub proven: Option<Arc<Proven>>,
    pub(crate) terms: Terms,
    begun_ms: u64,
    started: Instant,
    ended: Option<Instant>,
    grid: Grid,
    /// By group: the round it is in, since when, and how many subtrees have answered.
    groups: BTreeMap<usize, (u8, Instant, u32)>,
    stopwatch: Stopwatch,
}

impl Entry {
    /// The status with `seconds` up to now.
    pub fn current(&self) -> BlockStatus {
        let mut status = self.status.clone();
        if !status.stage.is_final() {
            status.seconds = self.started.elapsed().as_secs_f64();
        }
        status
    }

    fn view(&self) -> BlockView {
        let (groups, workers) = self.grid.view();
        BlockView { status: self.current(), begun_ms: Some(self.begun_ms), groups, workers, promises: Vec::new() }
    }

    /// Where the time went so far.
    pub fn timings(&self) -> Timings {
        self.stopwatch.timings.clone()
    }
}

struct Row {
    entry: watch::Sender<Entry>,
    track: Track,
}

/// What a proof is bound to beside the block: the same file with other terms is another proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub subtrees: Option<u32>,
    pub groups: Option<u32>,
    pub chain_id: u64,
    pub contract: [u8; 20],
    pub beneficiary: [u8; 20],
}

impl Terms {
    pub fn of(request: &Request) -> Self {
        let Request { subtrees, groups, chain_id, contract, beneficiary, .. } = *request;
        Self { subtrees, groups, chain_id, contract, beneficiary }
    }
}

/// What became of a block handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It starts.
    New,
    /// It is in work or proven already, on the same terms.
    Known,
    /// It is in work on other terms, and must end first.
    InWork,
}

struct Blocks {
    entries: BTreeMap<BlockId, Row>,
    finished: VecDeque<BlockId>,
}

/// A worker's last heartbeat.
struct Heard {
    heartbeat: Heartbeat,
    at: Instant,
    at_ms: u64,
}

/// The board. Blocks in work are all on it, finished ones as long as there is room.
pub struct Board {
    rows_log2: u32,
    started: Instant,
    blocks: Mutex<Blocks>,
    workers: Mutex<BTreeMap<WorkerId, Heard>>,
}

impl Board {
    /// An empty board of a farm of one size class.
    pub fn new(rows_log2: u32) -> Self {
        let blocks = Blocks { entries: BTreeMap::new(), finished: VecDeque::new() };
        Self { rows_log2, started: Instant::now(), blocks: Mutex::new(blocks), workers: Mutex::default() }
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a block on the board, unless it is in work or proven already; one that was refused, failed or proven on other terms
    /// starts anew.
    pub(crate) fn admit(&self, id: BlockId, terms: Terms) -> Admission {
        let mut blocks = self.blocks();
        if let Some(row) = blocks.entries.get(&id) {
            let stage = row.entry.borrow().status.stage;
            match (stage, row.entry.borrow().terms == terms) {
                (Stage::Refused | Stage::Failed, _) | (Stage::Done, false) => {}
                (_, true) => return Admission::Known,
                (_, false) => return Admission::InWork,
            }
            blocks.finished.retain(|finished| *finished != id);
        }
        let status = BlockStatus::new(id.to_string(), self.rows_log2);
        let track = Track::new(status.clone());
        let started = Instant::now();
        let entry = Entry {
            status,
            proven: None,
            terms,
            begun_ms: unix_ms(),
            started,
            ended: None,
            grid: Grid::default(),
            groups: BTreeMap::new(),
            stopwatch: Stopwatch::start(started),
        };
        blocks.entries.insert(id, Row { entry: watch::Sender::new(entry), track });
        Admission::New
    }

    /// Follows a block.
    pub fn watch(&self, id: BlockId) -> Option<watch::Receiver<Entry>> {
        self.blocks().entries.get(&id).map(|row| row.entry.subscribe())
    }

    /// Follows each change of a block's status.
    pub fn follow(&self, id: BlockId) -> Option<Follower> {
        self.blocks().entries.get(&id).map(|row| row.track.follow())
    }

    /// Adds to a block's status what the farm does not know: its block commitment, its way on L1, its slack. A block with a
    /// commitment is not called declined when the farm gives it up; whoever set the commitment says what becomes of it.
    pub fn note(&self, id: BlockId, note: impl FnOnce(&mut BlockStatus)) {
        self.change(id, |entry| note(&mut entry.status));
    }

    fn change(&self, id: BlockId, change: impl FnOnce(&mut Entry)) {
        if let Some(row) = self.blocks().entries.get(&id) {
            row.entry.send_modify(change);
            let status = row.entry.borrow().status.clone();
            row.track.change(|shown| *shown = BlockStatus { seconds: shown.seconds, ..status });
        }
    }

    /// Notes progress; the passes through rounds that ended with it.
    pub(crate) fn progress(&self, progress: &Progress) -> Vec<RoundTiming> {
        let now = Instant::now();
        let mut ended = Vec::new();
        self.change(progress.block(), |entry| {
            let known = entry.stopwatch.timings.rounds.len();
            entry.stopwatch.progress(progress, now);
            entry.grid.progress(progress);
            ended.extend_from_slice(&entry.stopwatch.timings.rounds[known..]);
            match *progress {
                Progress::Accepted { subtrees, .. } => {
                    entry.status.stage = Stage::Proving;
                    entry.status.subtrees = subtrees;
                    entry.status.ladder.subtrees = subtrees;
                    entry.status.ladder.climb(Rung::Proving);
                }
                Progress::Round { group, round, answered, .. } => entry.enter(group, Some((round, answered))),
                Progress::Subtree { group, answered, .. } => {
                    if let Some((_, _, done)) = entry.groups.get_mut(&group) {
                        *done = answered;
                    }
                    entry.refresh();
                }
                Progress::Verifying { .. } => {
                    for group in entry.groups.keys().copied().collect::<Vec<_>>() {
                        entry.enter(group, None);
                    }
                    entry.status.stage = Stage::Verifying;
                }
            }
        });
        ended
    }

    pub(crate) fn caught(&self, block: BlockId, worker: &WorkerId, subtree: u32, round: u8) {
        let culprit = Culprit { worker: worker.to_string(), subtree, round };
        self.change(block, |entry| entry.status.culprits.push(culprit));
    }

    /// A block is proven; the seconds that it took.
    pub(crate) fn finish(&self, block: BlockId, proven: Proven) -> f64 {
        let [start_root, ..] = proven.statement.start;
        let [end_root, data_hash, _] = proven.statement.end;
        let scalar = |value| hex(&proofyard_proof_system::codec::scalar_bytes(value));
        let summary = ProofSummary {
            bytes: proven.proof.len(),
            sha256: hex(&proven.sha256),
            transfers: proven.transfers,
            start_root: scalar(&start_root),
            end_root: scalar(&end_root),
            data_hash: scalar(&data_hash),
            fees: proven.fees,
        };
        self.close(block, Stage::Done, |entry| {
            entry.status.proof = Some(summary);
            entry.status.ladder.climb(Rung::Proven);
            entry.stopwatch.finish(Instant::now());
            entry.proven = Some(Arc::new(proven));
        })
    }

    pub(crate) fn fail(&self, block: BlockId, failure: Failure) {
        let stage = if failure.refused { Stage::Refused } else { Stage::Failed };
        let Failure { code, message, transaction, .. } = failure;
        let error = ErrorBody { code, message, transaction };
        self.close(block, stage, |entry| {
            if entry.status.block_commitment.is_none() {
                entry.status.ladder.fall(Rung::Declined, error.clone());
            }
            entry.status.error = Some(error);
        });
    }

    /// Ends a block; the seconds that it took.
    fn close(&self, block: BlockId, stage: Stage, change: impl FnOnce(&mut Entry)) -> f64 {
        let mut seconds = 0.0;
        self.change(block, |entry| {
            change(entry);
            entry.ended = Some(Instant::now());
            seconds = entry.started.elapsed().as_secs_f64();
            entry.status.seconds = seconds;
            entry.status.stage = stage;
        });
        let mut blocks = self.blocks();
        blocks.finished.push_back(block);
        while blocks.finished.len() > FINISHED_MAX {
            if let Some(oldest) = blocks.finished.pop_front() {
                blocks.entries.remove(&oldest);
            }
        }
        seconds
    }

    pub(crate) fn heartbeat(&self, heartbeat: Heartbeat) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if !workers.contains_key(&heartbeat.worker) {
            workers.retain(|_, heard| heard.at.elapsed() < WORKERS_KEPT);
        }
        workers.insert(heartbeat.worker.clone(), Heard { heartbeat, at: Instant::now(), at_ms: unix_ms() });
    }

    /// The last heartbeats of all workers on the board, by name, and whether their lease holds.
    pub fn heartbeats(&self) -> Vec<(bool, Heartbeat)> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = workers.values().filter(|heard| heard.at.elapsed() < WORKERS_KEPT);
        kept.map(|heard| (heard.at.elapsed().as_millis() <= u128::from(LEASE_MS), heard.heartbeat.clone())).collect()
    }

    /// Live workers that hold jobs and go on.
    pub fn busy(&self) -> u32 {
        let busy = self.workers().iter().filter(|worker| worker.live && !worker.draining && worker.jobs > 0).count();
        u32::try_from(busy).unwrap_or(u32::MAX)
    }

    /// All workers heard of lately, by name.
    pub fn workers(&self) -> Vec<WorkerStatus> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers
            .values()
            .map(|Heard { heartbeat, at, at_ms }| WorkerStatus {
                worker: heartbeat.worker.to_string(),
                live: at.elapsed().as_millis() <= u128::from(LEASE_MS),
                heard_ms: *at_ms,
                draining: heartbeat.draining,
                device: heartbeat.device.clone(),
                jobs: heartbeat.running.len() as u32,
                capacity: heartbeat.capacity,
                sessions: heartbeat.sessions.len() as u32,
                cpu_permille: heartbeat.system.cpu_permille,
                rss_bytes: heartbeat.system.process_rss_bytes,
                peak_rss_bytes: heartbeat.system.peak_rss_bytes,
                memory_total_bytes: heartbeat.system.memory_total_bytes,
            })
            .collect()
    }

    /// Seconds of the whole farm that a subtree took, over the finished blocks that are remembered.
    pub fn seconds_per_subtree(&self) -> Option<f64> {
        let blocks = self.blocks();
        let done = blocks.finished.iter().filter_map(|id| {
            let entry = blocks.entries.get(id)?.entry.borrow();
            (entry.status.stage == Stage::Done).then_some((entry.status.seconds, entry.status.subtrees))
        });
        let (seconds, subtrees) = done.fold((0.0, 0), |sum, block| (sum.0 + block.0, sum.1 + block.1));
        (subtrees > 0).then(|| seconds / f64::from(subtrees))
    }

    /// Blocks as they are now: those in work, then the finished ones, each from the newest on.
    pub fn views(&self) -> Vec<BlockView> {
        let blocks = self.blocks();
        let mut entries: Vec<_> = blocks.entries.values().map(|row| row.entry.borrow()).collect();
        entries.sort_by_key(|entry| (entry.ended.is_some(), Reverse(entry.started)));
        entries.iter().take(VIEWED_MAX).map(|entry| entry.view()).collect()
    }

    /// What was proven lately.
    pub fn throughput(&self) -> ThroughputView {
        let blocks = self.blocks();
        let mut sum =
            ThroughputView { seconds: self.started.elapsed().min(LATELY).as_secs_f64(), blocks: 0, transfers: 0 };
        for id in &blocks.finished {
            let Some(entry) = blocks.entries.get(id).map(|row| row.entry.borrow()) else { continue };
            if let (Some(proof), Some(ended)) = (&entry.status.proof, entry.ended)
                && ended.elapsed() <= LATELY
            {
                sum.blocks += 1;
                sum.transfers += proof.transfers as u64;
            }
        }
        sum
    }

    /// Blocks in work.
    pub fn unfinished(&self) -> usize {
        let blocks = self.blocks();
        blocks.entries.len() - blocks.finished.len()
    }
}

impl Entry {
    /// A group enters a round, or ends.
    fn enter(&mut self, group: usize, round: Option<(u8, u32)>) {
        let now = Instant::now();
        let before = match round {
            Some((round, answered)) => self.groups.insert(group, (round, now, answered)),
            None => self.groups.remove(&group),
        };
        if let Some((round, since, _)) = before {
            self.status.rounds.push(RoundTime { group, round, seconds: (now - since).as_secs_f64() });
        }
        self.refresh();
    }

    /// The lowest round of any group, and how far it is.
    fn refresh(&mut self) {
        if let Some(lowest) = self.groups.values().map(|(round, ..)| *round).min() {
            self.status.round = lowest;
            self.status.subtrees_done =
                self.groups.values().filter(|(round, ..)| *round == lowest).map(|(.., answered)| answered).sum();
            self.status.ladder.subtrees_done = self.status.subtrees_done;
        }
    }
}

/// The wall clock in Unix milliseconds, for people to read.
fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    BlockHex(bytes).to_string()
}

struct BlockHex<'a>(&'a [u8]);

impl std::fmt::Display for BlockHex<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}
