//! A running coordinator as its users see it: starting, handing blocks in, following them, ending.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use proofyard_bus::{BlobStore, CoordinatorBus, Destination};
use proofyard_coordinator_client::{BlockStatus, ErrorBody, Stage};
use proofyard_job_schema::{BlockId, Epoch, WorkerCommand, WorkerId};
use proofyard_telemetry::Traces;
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    board::{Admission, Board, Entry, Terms},
    core::{Event, Policy, Progress, State},
    driver::{Shared, drive, lock, receive},
    endpoint::Undrained,
    metrics::Metrics,
    setups::Setups,
    spans::Spans,
    timings::Timings,
    track::Follower,
    work::Proven,
};

/// Progress events an observer may lag behind.
const PROGRESS_BUFFER: usize = 4_096;

/// What a coordinator is started with.
pub struct Settings {
    /// Times and counts.
    pub policy: Policy,
    /// Circuit and setups.
    pub setups: Arc<Setups>,
    /// Where spans go.
    pub traces: Traces,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// A block handed in.
#[derive(Debug, Clone)]
pub struct Request {
    /// The block file.
    pub block: Bytes,
    /// Subtrees in all groups; as few as hold the block when `None`.
    pub subtrees: Option<u32>,
    /// Groups; one when `None`.
    pub groups: Option<u32>,
    /// Chain the proof is for.
    pub chain_id: u64,
    /// Verifier contract the proof is for.
    pub contract: [u8; 20],
    /// Who earns the submission reward; zero: whoever sends the transaction.
    pub beneficiary: [u8; 20],
}

/// A block's verified proof and its way there.
#[derive(Debug, Clone)]
pub struct Proved {
    /// Proof and statement.
    pub proven: Arc<Proven>,
    /// Times by round, culprits, seconds from intake to verified proof.
    pub status: BlockStatus,
    /// Where the time went.
    pub timings: Timings,
}

/// A block refused or given up; its status has the coded reason. `None`: the coordinator ended before the block did.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.reason())]
pub struct Unproven {
    /// The block's last status.
    pub status: Option<Box<BlockStatus>>,
}

impl Unproven {
    /// The coordinator's coded error.
    pub fn error(&self) -> Option<&ErrorBody> {
        self.status.as_ref()?.error.as_ref()
    }

    /// True when the block itself was refused.
    pub fn is_refused(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.stage == Stage::Refused)
    }

    fn reason(&self) -> String {
        match self.error() {
            Some(error) => format!("[{}] {}", error.code, error.message),
            None => "[PY-C-114] the coordinator ended before the block was proven; hand the block in again".to_owned(),
        }
    }
}

/// A running coordinator; see [`Handle`].
pub struct Coordinator;

impl Coordinator {
    /// Starts the core's task on the current runtime. The epoch is the wall clock's milliseconds: a coordinator started later
    /// has a higher one.
    pub fn start(bus: Arc<dyn CoordinatorBus>, blobs: Arc<dyn BlobStore>, settings: Settings) -> Handle {
        let Settings { policy, setups, traces, metrics } = settings;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch = Epoch(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let board = Arc::new(Board::new(setups.rows_log2()));
        let (events, inbox) = mpsc::unbounded_channel();
        let (observers, _) = broadcast::channel(PROGRESS_BUFFER);
        let shared = Arc::new(Shared {
            bus,
            blobs,
            setups,
            board,
            spans: Spans::new(traces),
            metrics,
            events,
            observers,
            requests: Mutex::default(),
            works: Mutex::default(),
            blobs_ready: Mutex::default(),
        });
        let receiver = tokio::spawn(receive(shared.clone()));
        let (stopped, _) = watch::channel(false);
        let driver = tokio::spawn(drive(shared.clone(), State::new(policy, epoch), inbox, stopped.clone(), receiver));
        Handle { shared, epoch, stopped, draining: Arc::default(), driver: Arc::new(driver) }
    }
}

/// A hold on a running coordinator. Clones are the same coordinator.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    epoch: Epoch,
    stopped: watch::Sender<bool>,
    draining: Arc<AtomicBool>,
    driver: Arc<JoinHandle<()>>,
}

impl Handle {
    /// Hands a block in; its id. A block that is in work or done is not started again.
    pub fn submit(&self, request: Request) -> BlockId {
        self.offer(request).0
    }

    /// Hands a block in; its id, and whether it starts.
    pub fn offer(&self, request: Request) -> (BlockId, Admission) {
        let id = BlockId(proofyard_bus::digest_of(&request.block).0);
        let admission = self.shared.board.admit(id, Terms::of(&request));
        if admission == Admission::New {
            lock(&self.shared.requests).insert(id, request);
            self.shared.tell(Event::Submitted { block: id });
        }
        (id, admission)
    }

    /// Follows a block.
    pub fn watch(&self, id: BlockId) -> Option<watch::Receiver<Entry>> {
        self.shared.board.watch(id)
    }

    /// Follows each change of a block's status.
    pub fn follow(&self, id: BlockId) -> Option<Follower> {
        self.shared.board.follow(id)
    }

    /// Waits until a block is done, refused or failed.
    pub async fn finished(&self, id: BlockId) -> Option<Entry> {
        self.reached(id, |entry| entry.status.stage.is_final()).await
    }

    /// Hands a block in, reports progress and waits for its verified proof. The observer is called from this task.
    pub async fn prove(&self, request: Request, mut observe: impl FnMut(&Progress)) -> Result<Proved, Unproven> {
        let mut progress = self.observe();
        let id = self.submit(request);
        let mut finished = std::pin::pin!(self.finished(id));
        let entry = loop {
            tokio::select! {
                biased;
                heard = progress.recv() => match heard {
                    Ok(heard) if heard.block() == id => observe(&heard),
                    // Other blocks; or more events than could be shown.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => break finished.await,
                },
                entry = &mut finished => break entry,
            }
        };
        let Some(entry) = entry else { return Err(Unproven { status: None }) };
        let (status, timings) = (entry.current(), entry.timings());
        match entry.proven {
            Some(proven) => Ok(Proved { proven, status, timings }),
            None => Err(Unproven { status: Some(Box::new(status)) }),
        }
    }

    /// Waits until a block satisfies a condition.
    pub async fn reached(&self, id: BlockId, condition: impl FnMut(&Entry) -> bool) -> Option<Entry> {
        let mut watch = self.watch(id)?;
        let entry = watch.wait_for(condition).await.ok()?;
        Some(entry.clone())
    }

    /// Progress of all blocks from now on.
    pub fn observe(&self) -> broadcast::Receiver<Progress> {
        self.shared.observers.subscribe()
    }

    /// Blocks and workers as they are known.
    pub fn board(&self) -> &Board {
        &self.shared.board
    }

    /// The circuit and its setups.
    pub fn setups(&self) -> &Arc<Setups> {
        &self.shared.setups
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Fencing number of this coordinator.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Tells a worker to drain: to take no more jobs, to end or hand back those it has, and to leave.
    pub async fn drain_worker(&self, worker: &WorkerId) -> Result<(), Undrained> {
        let known = self.board().workers().into_iter().find(|known| known.worker == worker.as_str());
        if !known.ok_or(Undrained::Unknown)?.live {
            return Err(Undrained::Silent);
        }
        let sent = self.shared.bus.send(&Destination::Worker(worker.clone()), &WorkerCommand::Drain).await;
        sent.map_err(|error| Undrained::Bus(error.to_string()))
    }

    /// Takes no more blocks; unfinished ones are given up after the policy's time.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.shared.tell(Event::Drain);
    }

    /// True once [`Handle::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Waits until the coordinator has drained.
    pub async fn stopped(&self) {
        let mut stopped = self.stopped.subscribe();
        // An error means that the driver is gone, which is as good.
        let _ = stopped.wait_for(|stopped| *stopped).await;
        self.shared.spans.finish().await;
    }

    /// Ends the coordinator at once, as a crash would.
    pub fn abort(&self) {
        self.driver.abort();
    }
}
