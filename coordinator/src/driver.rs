//! Runs the core over a bus and a blob store: turns what happens into events and effects into deeds.
//!
//! Everything heavy runs on tokio's blocking pool, so that heartbeats never stall; the core itself runs in one task.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use proofyard_bus::{BlobStore, CoordinatorBus, Delivery, DeliveryToken, Destination};
use proofyard_job_schema::{
    self as schema, BlockId, JOBS_LISTED_MAX, Job, JobFailure, JobId, Reply, WorkerCommand, WorkerId, WorkerMessage,
};
use proofyard_proof_system::messages::RoundMessage;
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
    time::MissedTickBehavior,
};
use tracing::{Instrument, debug, error, info, info_span, warn};

use crate::{
    board::Board,
    core::{Aggregation, Answer, Effect, Event, Failure, Outcome, Progress, Report, State, policy::TICK_MS, step},
    handle::Request,
    metrics::Metrics,
    setups::Setups,
    spans::Spans,
    work::{self, BlockWork, Prepared},
};

/// Uploads of one block that run at once.
const UPLOADS: usize = 4;
/// Tries of a send or an acknowledgement before it is given up.
const SENDS: u32 = 3;
/// Pause between tries and after a failed receive.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the inputs of an ended block stay in the blob store: one that failed may be handed in again at once.
const BLOBS_KEPT: Duration = Duration::from_secs(30);
/// What the driver's tasks and the handles share.
pub(crate) struct Shared {
    pub bus: Arc<dyn CoordinatorBus>,
    pub blobs: Arc<dyn BlobStore>,
    pub setups: Arc<Setups>,
    pub board: Arc<Board>,
    pub spans: Spans,
    pub metrics: Arc<Metrics>,
    pub events: mpsc::UnboundedSender<Event>,
    pub observers: broadcast::Sender<Progress>,
    pub requests: Mutex<BTreeMap<BlockId, Request>>,
    /// Blocks in work; `None` until they are executed.
    pub works: Mutex<BTreeMap<BlockId, Option<Arc<BlockWork>>>>,
    pub blobs_ready: Mutex<BTreeMap<BlockId, Vec<Bytes>>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn tell(&self, event: Event) {
        // The receiver is gone only when the driver has ended.
        let _ = self.events.send(event);
    }

    /// Forgets a block's work; its inputs are removed from the blob store a while later, unless a block needs them then.
    fn forget(self: &Arc<Self>, block: BlockId) -> Option<Arc<BlockWork>> {
        lock(&self.requests).remove(&block);
        if let Some(blobs) = lock(&self.blobs_ready).remove(&block) {
            let shared = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(BLOBS_KEPT).await;
                for blob in blobs {
                    if lock(&shared.blobs_ready).values().flatten().any(|needed| *needed == blob) {
                        continue;
                    }
                    if let Err(error) = shared.blobs.remove(proofyard_bus::digest_of(&blob)).await {
                        debug!(%error, "an input stays in the blob store");
                    }
                }
            });
        }
        lock(&self.works).remove(&block).flatten()
    }

    fn work(&self, block: BlockId) -> Option<Arc<BlockWork>> {
        lock(&self.works).get(&block).cloned().flatten()
    }

    /// Runs `task` on the blocking pool and reports its event; a panic in it becomes the event of `lost`.
    fn blocking(
        self: &Arc<Self>,
        span: tracing::Span,
        task: impl FnOnce(&Self) -> Event + Send + 'static,
        lost: impl FnOnce(String) -> Event + Send + 'static,
    ) {
        let shared = self.clone();
        tokio::spawn(async move {
            let worker = shared.clone();
            let done = tokio::task::spawn_blocking(move || span.in_scope(|| task(&worker))).await;
            shared.tell(done.unwrap_or_else(|error| lost(error.to_string())));
        });
    }
}

/// Receives what workers say, for ever.
pub(crate) async fn receive(shared: Arc<Shared>) {
    loop {
        match shared.bus.receive().await {
            Ok(delivery) => shared.delivered(delivery),
            Err(error) => {
                warn!(%error, "receiving failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Shared {
    fn delivered(&self, delivery: Delivery<WorkerMessage>) {
        // Messages that need no settling carry no token; they lead to events without one.
        let token = delivery.token.map_or(u64::MAX, DeliveryToken::get);
        self.metrics.farm.heard(&delivery.message);
        match delivery.message {
            WorkerMessage::Progress(schema::Progress { id, done, total, .. }) => {
                let JobId { block, subtree, round, attempt, .. } = id;
                debug!(%block, %subtree, %round, attempt, done, total, "progress");
            }
            WorkerMessage::Heartbeat(heartbeat) => {
                let report = Report {
                    instance: heartbeat.instance,
                    capacity: heartbeat.capacity,
                    sessions_max: heartbeat.sessions_max,
                    draining: heartbeat.draining,
                    jobs: (heartbeat.running.len() < JOBS_LISTED_MAX).then(|| heartbeat.running.clone()),
                };
                let worker = heartbeat.worker.clone();
                self.board.heartbeat(*heartbeat);
                self.tell(Event::Heartbeat { worker, report });
            }
            WorkerMessage::Goodbye(goodbye) => {
                info!(worker = %goodbye.worker, returned = goodbye.returned.len(), "a worker drains");
                self.tell(Event::Returned { token, worker: goodbye.worker, jobs: goodbye.returned });
            }
            WorkerMessage::Failure(failure) => {
                let JobFailure { id, author, code, text, .. } = &*failure;
                let JobId { block, subtree, round, attempt, .. } = id;
                warn!(%block, %subtree, %round, attempt, worker = %author, code, text, "job failed");
                self.spans.answered(*id, Some(format!("[{code}] {text}")));
                let outcome = Outcome::Failed {
                    disposition: failure.disposition,
                    reason: format!("[{}] {}", failure.code, failure.text),
                };
                let answer = Answer { id: failure.id, worker: failure.author, outcome };
                self.tell(Event::Answered { token, answer });
            }
            WorkerMessage::Reply(reply) => {
                let JobId { block, subtree, round, attempt, .. } = reply.id;
                let micros = reply.figures.total_micros();
                debug!(%block, %subtree, %round, attempt, worker = %reply.author, micros, "reply");
                self.spans.answered(reply.id, None);
                let (id, worker) = (reply.id, reply.author.clone());
                let outcome = outcome(*reply);
                self.tell(Event::Answered { token, answer: Answer { id, worker, outcome } });
            }
        }
    }
}

/// A reply's messages, checked to decode.
fn outcome(reply: Reply) -> Outcome {
    let Some(first) = reply.messages.first().map(|message| message.round.get()) else {
        return Outcome::Malformed { reason: "no message".to_owned() };
    };
    for (message, round) in reply.messages.iter().zip(first..) {
        if message.round.get() != round {
            return Outcome::Malformed { reason: format!("round {} where {round} is due", message.round) };
        }
        if let Err(error) = RoundMessage::decode(round, &message.bytes) {
            return Outcome::Malformed { reason: error.to_string() };
        }
    }
    let messages = reply.messages.into_iter().map(|message| message.bytes).collect();
    Outcome::Proved { transcript: reply.transcript, first_round: first, messages }
}

/// The core's task: events in, effects out.
pub(crate) async fn drive(
    shared: Arc<Shared>,
    mut state: State,
    mut inbox: mpsc::UnboundedReceiver<Event>,
    stopped: watch::Sender<bool>,
    receiver: JoinHandle<()>,
) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            event = inbox.recv() => match event {
                Some(event) => event,
                None => break,
            },
            _ = ticks.tick() => Event::Tick,
        };
        let now = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        shared.metrics.pulse.beat();
        let replied =
            matches!(&event, Event::Answered { answer, .. } if matches!(answer.outcome, Outcome::Proved { .. }));
        let effects = step(&mut state, event, now);
        if replied {
            let counts = |effect: &Effect| matches!(effect, Effect::Progress(Progress::Subtree { .. }));
            shared.metrics.farm.answered(effects.iter().any(counts));
        }
        let mut done = false;
        for effect in effects {
            done |= effect == Effect::Stopped;
            shared.act(effect);
        }
        if done {
            break;
        }
    }
    receiver.abort();
    stopped.send_replace(true);
}

impl Shared {
    fn act(self: &Arc<Self>, effect: Effect) {
        match effect {
            Effect::Execute { block } => self.execute(block),
            Effect::Upload { block } => self.upload(block),
            Effect::Send { worker, job, purpose } => {
                self.metrics.farm.assigned(purpose);
                self.send_job(worker, job);
            }
            Effect::Cancel { worker, id } => self.send(worker, WorkerCommand::Cancel(id)),
            Effect::Release { block, workers } => {
                for worker in workers {
                    self.send(worker, WorkerCommand::DropBlock(block));
                }
            }
            Effect::Ack(token) => self.ack(token),
            Effect::Aggregate { block, group, run, round, messages } => {
                self.aggregate(block, group, run, round, messages);
            }
            Effect::ComputeLocally { run, job } => {
                self.metrics.farm.computes();
                self.compute(run, job);
            }
            Effect::Verify { block, groups } => self.verify(block, groups),
            Effect::Alarm { block, worker, subtree, round, kind } => {
                error!(%block, %worker, subtree, round, ?kind, "ALARM: a worker sent something wrong");
                self.metrics.farm.caught(kind);
                self.board.caught(block, &worker, subtree, round);
            }
            Effect::WorkerLost { worker } => {
                warn!(%worker, "a worker fell silent");
                self.metrics.farm.worker_lost();
                self.withdraw(worker);
            }
            Effect::Progress(progress) => {
                if let Progress::Accepted { block, subtrees } = progress {
                    info!(%block, subtrees, "proving");
                }
                self.spans.progress(&progress);
                self.board.progress(&progress).iter().for_each(|ended| self.metrics.farm.round(ended));
                // No observer is no error.
                let _ = self.observers.send(progress);
            }
            Effect::Finished { block, proof } => {
                if let Some(work) = self.forget(block) {
                    info!(%block, bytes = proof.len(), "proven and verified");
                    self.spans.end(block, None);
                    let proven = work.proven(proof);
                    let transfers = proven.transfers;
                    let seconds = self.board.finish(block, proven);
                    self.metrics.farm.proven(seconds, transfers);
                }
            }
            Effect::Failed { block, failure } => {
                warn!(%block, code = failure.code, message = failure.message, "not proven");
                self.metrics.farm.failed(&failure);
                self.forget(block);
                self.spans.end(block, Some(format!("[{}] {}", failure.code, failure.message)));
                self.board.fail(block, failure);
            }
            Effect::Stopped => info!("drained"),
        }
    }

    fn execute(self: &Arc<Self>, block: BlockId) {
        let request = lock(&self.requests).remove(&block);
        lock(&self.works).insert(block, None);
        self.spans.begin(block);
        let span = info_span!("execute", %block);
        self.blocking(
            span,
            move |shared| {
                let Some(request) = request else {
                    return refused(block, "PY-C-126", "the block is gone".to_owned());
                };
                match work::prepare(block, &request, shared.setups.clone()) {
                    Ok(Prepared { work, blobs, plan }) => {
                        // A block that was given up meanwhile is not taken up again.
                        if let Some(entry) = lock(&shared.works).get_mut(&block) {
                            *entry = Some(Arc::new(work));
                            lock(&shared.blobs_ready).insert(block, blobs);
                        }
                        Event::Executed { block, plan }
                    }
                    Err(failure) => Event::Refused { block, failure },
                }
            },
            move |reason| refused(block, "PY-C-127", format!("executing the block crashed: {reason}")),
        );
    }

    fn upload(self: &Arc<Self>, block: BlockId) {
        let shared = self.clone();
        let blobs = lock(&self.blobs_ready).get(&block).cloned().unwrap_or_default();
        let upload = async move {
            let done = stream::iter(blobs)
                .map(|blob| shared.put(blob))
                .buffer_unordered(UPLOADS)
                .try_collect::<Vec<()>>()
                .await;
            shared.tell(match done {
                Ok(_) => Event::Uploaded { block },
                Err(reason) => Event::UploadFailed { block, reason },
            });
        };
        tokio::spawn(upload.instrument(info_span!("upload", %block)));
    }

    async fn put(&self, blob: Bytes) -> Result<(), String> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.blobs.put(blob.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if tries == SENDS => return Err(error.to_string()),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn send_job(self: &Arc<Self>, worker: WorkerId, job: Box<Job>) {
        let shared = self.clone();
        let id = job.id;
        let JobId { block, subtree, round, attempt, .. } = id;
        let span = info_span!("send", %block, %subtree, %round, attempt, %worker);
        self.spans.job(id, job.group, job.fresh, &worker);
        let send = async move {
            debug!(fresh = job.fresh, "job");
            let since = SystemTime::now();
            let command = WorkerCommand::Assign(job);
            let sent = shared.bus.send(&Destination::Worker(worker), &command).await;
            let error = sent.err().map(|error| error.to_string());
            shared.spans.sent(id, since, error.as_deref());
            if let Some(error) = error {
                warn!(error, "the bus did not take a job");
                shared.metrics.farm.not_sent();
                shared.spans.answered(id, Some(error));
                shared.tell(Event::SendFailed { id });
            }
        };
        tokio::spawn(send.instrument(span));
    }

    /// Commands that merely save work: not tried again.
    fn send(self: &Arc<Self>, worker: WorkerId, command: WorkerCommand) {
        let shared = self.clone();
        tokio::spawn(async move {
            if let Err(error) = shared.bus.send(&Destination::Worker(worker.clone()), &command).await {
                debug!(%error, %worker, "the bus did not take a command");
            }
        });
    }

    /// What waits for a silent worker is stale when it comes back.
    fn withdraw(self: &Arc<Self>, worker: WorkerId) {
        let shared = self.clone();
        tokio::spawn(async move {
            if let Err(error) = shared.bus.withdraw(&Destination::Worker(worker.clone())).await {
                debug!(%error, %worker, "a silent worker's jobs stay on the bus");
            }
        });
    }

    fn ack(self: &Arc<Self>, token: u64) {
        if token == u64::MAX {
            return;
        }
        let shared = self.clone();
        tokio::spawn(async move {
            for _ in 0..SENDS {
                match shared.bus.ack(DeliveryToken::new(token)).await {
                    Ok(()) => return,
                    Err(error) => debug!(%error, "an acknowledgement failed"),
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }

    fn aggregate(self: &Arc<Self>, block: BlockId, group: usize, run: u32, round: u8, messages: Vec<Vec<u8>>) {
        let work = self.work(block);
        self.blocking(
            info_span!("aggregate", %block, group, round),
            move |shared| {
                let (started, since) = (Instant::now(), SystemTime::now());
                let outcome = match work {
                    Some(work) => work.aggregate(group, round, &messages),
                    None => Aggregation::Failed("the block is gone".to_owned()),
                };
                debug!(millis = started.elapsed().as_millis(), "aggregated");
                shared.spans.aggregated(block, group, run, since);
                if let Aggregation::Faulty(subtrees) = &outcome {
                    warn!(?subtrees, "messages do not verify; recomputing these subtrees");
                }
                Event::Aggregated { block, group, run, outcome }
            },
            move |reason| Event::Aggregated { block, group, run, outcome: Aggregation::Failed(reason) },
        );
    }

    fn compute(self: &Arc<Self>, run: u32, job: Box<Job>) {
        let (block, subtree) = (job.id.block, job.id.subtree.0);
        let work = self.work(block);
        self.blocking(
            info_span!("compute", %block, subtree, round = job.id.round.get()),
            move |_| {
                info!("the coordinator computes a disputed subtree itself");
                let messages = work.ok_or_else(|| "the block is gone".to_owned()).and_then(|work| work.compute(&job));
                Event::ComputedLocally { block, subtree, run, messages }
            },
            move |reason| Event::ComputedLocally { block, subtree, run, messages: Err(reason) },
        );
    }

    fn verify(self: &Arc<Self>, block: BlockId, groups: Vec<Vec<u8>>) {
        let work = self.work(block);
        self.blocking(
            info_span!("verify", %block),
            move |shared| {
                let since = SystemTime::now();
                let proof = work.ok_or_else(|| "the block is gone".to_owned()).and_then(|work| work.verify(&groups));
                shared.spans.verified(block, since);
                Event::Verified { block, proof }
            },
            move |reason| Event::Verified { block, proof: Err(reason) },
        );
    }
}

fn refused(block: BlockId, code: &str, message: String) -> Event {
    Event::Refused { block, failure: Failure { code: code.to_owned(), message, transaction: None, refused: false } }
}
