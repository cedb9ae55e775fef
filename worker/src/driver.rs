//! Runs the core over a bus and a blob store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use proofyard_bus::{BlobStore, BusError, DeliveryToken, WorkerBus};
use proofyard_job_schema::{
    Disposition, Heartbeat, JOBS_LISTED_MAX, Job, JobId, SESSIONS_LISTED_MAX, WorkerId, WorkerMessage,
};
use proofyard_telemetry::Traces;
use rayon::ThreadPoolBuildError;
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tracing::{debug, info, warn};

use crate::{
    core::{Effect, Event, HEARTBEAT_MS, Heart, JobError, Limits, Outcome, Start, State, step},
    figures::Figures,
    metrics::Metrics,
    prover::Prover,
    proving::{self, Task},
    shelf::Shelf,
    spans::Spans,
};

/// Between two ticks of the core: three within a heartbeat.
const TICK_MS: u64 = HEARTBEAT_MS / 3;
/// Pause after a failed receive and between tries of an acknowledgement.
const PAUSE: Duration = Duration::from_millis(250);
/// Tries of an acknowledgement before it is given up: the bus delivers again, and the core recognises it.
const TRIES: u32 = 3;

/// What a worker is made of.
pub struct Parts<P: Prover> {
    /// Its name.
    pub id: WorkerId,
    /// Its end of the bus.
    pub bus: Arc<dyn WorkerBus>,
    /// The blob store.
    pub blobs: Arc<dyn BlobStore>,
    /// What proves: as many jobs at a time as there are provers, at least one.
    pub provers: Vec<P>,
    /// Threads of their pool.
    pub threads: usize,
    /// Bounds; `at_once` follows from the provers.
    pub limits: Limits,
    /// Where spans go.
    pub traces: Traces,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

struct Acting<S> {
    id: WorkerId,
    instance: u64,
    sequence: u64,
    bus: Arc<dyn WorkerBus>,
    blobs: Arc<dyn BlobStore>,
    device: String,
    figures: Figures,
    spans: Spans,
    events: mpsc::UnboundedSender<Event>,
    tasks: std::sync::mpsc::Sender<Task>,
    shelf: Arc<Shelf<S>>,
    inputs_bytes_max: fn(&Job) -> u64,
    proving: Vec<Proving>,
    metrics: Arc<Metrics>,
}

/// A job that is being proven.
struct Proving {
    job: JobId,
    cancelled: Arc<AtomicBool>,
    since: Instant,
}

/// Works until `shutdown` completes and the worker has drained.
pub async fn run<P: Prover>(
    parts: Parts<P>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ThreadPoolBuildError> {
    let Parts { id, bus, blobs, provers, threads, limits, traces, metrics } = parts;
    let (events, mut inbox) = mpsc::unbounded_channel();
    let device = Heartbeat::device_name(provers.first().map_or("none", Prover::device));
    let limits = Limits { at_once: u32::try_from(provers.len()).unwrap_or(u32::MAX), ..limits };
    let shelf = Arc::new(Shelf::new());
    let spans = Spans::new(traces, id.clone());
    let tasks = proving::start(provers, threads, &shelf, &events, &spans)?;
    let mut state = State::new(id.clone(), limits.clone());
    let receiver = tokio::spawn(receive(bus.clone(), events.clone()));
    let mut acting = Acting {
        instance: rand::random(),
        sequence: 0,
        figures: Figures::start(),
        spans,
        inputs_bytes_max: P::inputs_bytes_max,
        proving: Vec::new(),
        shelf,
        id,
        bus,
        blobs,
        device,
        events,
        tasks,
        metrics,
    };
    acting.metrics.starts(acting.id.as_str(), &acting.device, limits.at_once);
    info!(worker = %acting.id, device = acting.device, threads, "working");
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = std::pin::pin!(shutdown);
    let mut draining = false;
    loop {
        let event = tokio::select! {
            Some(event) = inbox.recv() => event,
            _ = ticks.tick() => Event::Tick,
            () = &mut shutdown, if !draining => {
                info!("draining");
                draining = true;
                Event::Drain
            }
        };
        acting.metrics.pulse.beat();
        if let Event::Proved { id, outcome } = &event {
            let ended = acting.proving.iter().position(|proving| proving.job == *id);
            let since = ended.map(|at| acting.proving.swap_remove(at).since);
            acting.metrics.proved(outcome, since.map_or(Duration::ZERO, |since| since.elapsed()));
        }
        let now = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut stopped = false;
        for effect in step(&mut state, event, now) {
            stopped |= effect == Effect::Stopped;
            acting.act(effect);
        }
        if stopped {
            break;
        }
    }
    receiver.abort();
    acting.spans.finish().await;
    Ok(())
}

/// The job that a message answers.
fn job_of(message: &WorkerMessage) -> Option<JobId> {
    match message {
        WorkerMessage::Reply(reply) => Some(reply.id),
        WorkerMessage::Failure(failure) => Some(failure.id),
        WorkerMessage::Progress(_) | WorkerMessage::Heartbeat(_) | WorkerMessage::Goodbye(_) => None,
    }
}

/// Receives commands, for ever.
async fn receive(bus: Arc<dyn WorkerBus>, events: mpsc::UnboundedSender<Event>) {
    loop {
        match bus.receive().await {
            Ok(delivery) => {
                let token = delivery.token.map(DeliveryToken::get);
                if events.send(Event::Command { token, command: delivery.message }).is_err() {
                    return;
                }
            }
            Err(error) => {
                warn!(%error, "receiving failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl<S> Acting<S> {
    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Prove { job, start } => {
                self.metrics.begins(&job, start);
                self.prove(job, start);
            }
            Effect::DropSession(session) => self.shelf.forget(session),
            Effect::Cancel(id) => {
                if let Some(proving) = self.proving.iter().find(|proving| proving.job == id) {
                    proving.cancelled.store(true, Ordering::Relaxed);
                }
            }
            Effect::Publish { number, message } => {
                self.metrics.says(&message);
                self.publish(number, message);
            }
            Effect::Say(message) => self.say(message),
            Effect::Heartbeat(heart) => self.heartbeat(heart),
            Effect::Ack(token) => self.ack(token),
            Effect::InProgress(token) => {
                let bus = self.bus.clone();
                tokio::spawn(async move {
                    if let Err(error) = bus.in_progress(DeliveryToken::new(token)).await {
                        debug!(%error, "the bus did not hear of progress");
                    }
                });
            }
            Effect::Stopped => info!(worker = %self.id, "left"),
        }
    }

    fn task(&self, task: Task) {
        // The threads end only with this sender; a lost task is a lost worker, which the coordinator notices.
        if self.tasks.send(task).is_err() {
            warn!("the proving threads are gone");
        }
    }

    fn prove(&mut self, job: Box<Job>, start: Start) {
        let cancelled = Arc::new(AtomicBool::new(false));
        self.proving.push(Proving { job: job.id, cancelled: cancelled.clone(), since: Instant::now() });
        if start == Start::Continue {
            self.task(Task { job, inputs: None, cancelled });
            return;
        }
        let (blobs, tasks, events) = (self.blobs.clone(), self.tasks.clone(), self.events.clone());
        let cap = (self.inputs_bytes_max)(&job);
        tokio::spawn(async move {
            match blobs.get(job.inputs, cap).await {
                Ok(inputs) => {
                    let _ = tasks.send(Task { job, inputs: Some(inputs), cancelled });
                }
                Err(error) => {
                    let text = format!("the inputs of the subtree: {error}");
                    let code = "PY-W-015".to_owned();
                    let disposition = match error {
                        BusError::BlobMissing { .. } => Disposition::InputsMissing,
                        _ => Disposition::Retry,
                    };
                    let error = JobError { disposition, code, text };
                    let _ = events.send(Event::Proved { id: job.id, outcome: Outcome::Failed(error) });
                }
            }
        });
    }

    fn publish(&self, number: u64, message: WorkerMessage) {
        let (bus, events, spans) = (self.bus.clone(), self.events.clone(), self.spans.clone());
        tokio::spawn(async move {
            let since = SystemTime::now();
            let sent = bus.send(&message).await;
            let error = sent.as_ref().err().map(|error| error.to_string());
            match job_of(&message) {
                Some(id) => {
                    if let Some(error) = &error {
                        let JobId { block, subtree, round, .. } = id;
                        warn!(error, %block, %subtree, %round, "the bus did not take an answer");
                    }
                    spans.replied(id, since, error);
                }
                None => {
                    if let Some(error) = error {
                        warn!(error, "the bus did not take a message");
                    }
                }
            }
            let _ = events.send(Event::Published { number, stored: sent.is_ok() });
        });
    }

    fn say(&self, message: WorkerMessage) {
        let bus = self.bus.clone();
        tokio::spawn(async move {
            if let Err(error) = bus.send(&message).await {
                debug!(%error, "a message got lost");
            }
        });
    }

    fn heartbeat(&mut self, heart: Heart) {
        self.metrics.heart(&heart);
        let Heart { mut sessions, sessions_max, capacity, mut running, draining } = heart;
        sessions.truncate(SESSIONS_LISTED_MAX);
        running.truncate(JOBS_LISTED_MAX);
        let sequence = self.sequence;
        self.sequence += 1;
        self.say(WorkerMessage::Heartbeat(Box::new(Heartbeat {
            worker: self.id.clone(),
            instance: self.instance,
            sequence,
            sessions,
            sessions_max,
            capacity,
            running,
            draining,
            device: self.device.clone(),
            system: self.figures.newest(),
        })));
    }

    fn ack(&self, token: u64) {
        let bus = self.bus.clone();
        tokio::spawn(async move {
            for _ in 0..TRIES {
                match bus.ack(DeliveryToken::new(token)).await {
                    Ok(()) => return,
                    Err(error) => debug!(%error, "an acknowledgement failed"),
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}
