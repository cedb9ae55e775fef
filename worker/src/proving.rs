//! The threads that prove: a job each, sessions at hand, one rayon pool for all.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use proofyard_job_schema::{Disposition, Job, Phase, PhaseTime, ProvingFigures, Round, RoundBytes};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::mpsc::UnboundedSender;
use tracing::{debug, error, info_span};

use crate::{
    core::{Event, JobError, Outcome},
    figures::peak_rss_bytes,
    prover::Prover,
    shelf::Shelf,
    spans::Spans,
};

/// A job to prove, from its inputs when given, else from its session; stopped when the flag is raised.
pub(crate) struct Task {
    pub job: Box<Job>,
    pub inputs: Option<Bytes>,
    pub cancelled: Arc<AtomicBool>,
}

/// Starts a thread for each prover; they end when the sender of tasks is dropped.
pub(crate) fn start<P: Prover>(
    provers: Vec<P>,
    threads: usize,
    shelf: &Arc<Shelf<P::Session>>,
    events: &UnboundedSender<Event>,
    spans: &Spans,
) -> Result<Sender<Task>, ThreadPoolBuildError> {
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("prove-{i}")).build()?);
    let (sender, tasks) = channel();
    let tasks = Arc::new(Mutex::new(tasks));
    for prover in provers {
        let mut bench =
            Bench { prover, pool: pool.clone(), shelf: shelf.clone(), events: events.clone(), spans: spans.clone() };
        let tasks = tasks.clone();
        thread::spawn(move || {
            while let Some(Task { job, inputs, cancelled }) = next(&tasks) {
                bench.prove(&job, inputs, &cancelled);
            }
        });
    }
    Ok(sender)
}

/// The next task; none when there will be no more.
fn next(tasks: &Mutex<Receiver<Task>>) -> Option<Task> {
    // Who waits for a task holds the lock, the others wait for the lock.
    tasks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

struct Bench<P: Prover> {
    prover: P,
    pool: Arc<ThreadPool>,
    shelf: Arc<Shelf<P::Session>>,
    events: UnboundedSender<Event>,
    spans: Spans,
}

/// Collects the time of each phase.
struct Clock {
    since: Instant,
    phases: Vec<PhaseTime>,
}

impl Clock {
    fn lap(&mut self, phase: Phase) {
        let now = Instant::now();
        let micros = u64::try_from((now - self.since).as_micros()).unwrap_or(u64::MAX);
        self.phases.push(PhaseTime { phase, micros });
        self.since = now;
    }

    fn total(&self) -> Duration {
        self.phases.iter().map(|phase| Duration::from_micros(phase.micros)).sum()
    }
}

impl<P: Prover> Bench<P> {
    fn prove(&mut self, job: &Job, inputs: Option<Bytes>, cancelled: &AtomicBool) {
        let (block, subtree, round) = (job.id.block, job.id.subtree, job.id.round);
        let _block = info_span!("block", %block).entered();
        let _subtree = info_span!("subtree", %subtree).entered();
        let _round = info_span!("round", %round, attempt = job.id.attempt).entered();
        let id = job.id.session();
        let kept = self.shelf.take(id);
        let since = SystemTime::now();
        let mut clock = Clock { since: Instant::now(), phases: Vec::new() };
        let done = catch_unwind(AssertUnwindSafe(|| self.run(job, inputs, kept, cancelled, &mut clock)));
        let (outcome, session) = done.unwrap_or_else(|panic| {
            let reason = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            error!(reason, "proving crashed");
            let text = format!("proving crashed: {reason}; please report it");
            let code = "PY-W-013".to_owned();
            (Outcome::Failed(JobError { disposition: Disposition::RetryElsewhere, code, text }), None)
        });
        let error = match &outcome {
            Outcome::Failed(JobError { code, text, .. }) => Some(format!("[{code}] {text}")),
            Outcome::Cancelled => Some("cancelled".to_owned()),
            Outcome::Done { .. } => None,
        };
        debug!(millis = clock.total().as_millis(), error, "proved");
        self.spans.proved(job.id, since, &clock.phases, error);
        // Before the core hears of it: what it says next about the session must find it there.
        self.shelf.put_back(id, session);
        // The receiver is gone only when the worker has left.
        let _ = self.events.send(Event::Proved { id: job.id, outcome });
    }

    /// The outcome, and the session if it is to be kept: one whose job fails or is cancelled is not.
    fn run(
        &mut self,
        job: &Job,
        inputs: Option<Bytes>,
        kept: Option<P::Session>,
        cancelled: &AtomicBool,
        clock: &mut Clock,
    ) -> (Outcome, Option<P::Session>) {
        let mut session = match (inputs, kept) {
            (None, Some(session)) => session,
            (Some(inputs), _) => {
                let (prover, laps) = (&mut self.prover, &mut *clock);
                let opened = self.pool.install(|| prover.open(job, &inputs, &mut || laps.lap(Phase::Inputs)));
                clock.lap(Phase::Witness);
                match opened {
                    Ok(session) => session,
                    Err(error) => return (Outcome::Failed(error), None),
                }
            }
            (None, None) => {
                let text = "the session is gone".to_owned();
                let code = "PY-W-014".to_owned();
                return (Outcome::Failed(JobError { disposition: Disposition::Retry, code, text }), None);
            }
        };
        let mut messages = Vec::new();
        let first = self.prover.completed(&session) + 1;
        for number in first..=job.id.round.get() {
            let done = u64::from(number - first);
            let _ = self.events.send(Event::Progressed {
                id: job.id,
                done,
                total: u64::from(job.id.round.get() - first + 1),
            });
            if cancelled.load(Ordering::Relaxed) {
                return (Outcome::Cancelled, None);
            }
            let Ok(round) = Round::new(number) else { break };
            let prover = &mut self.prover;
            match self.pool.install(|| prover.next_round(&mut session, job, round)) {
                Ok(bytes) => messages.push(RoundBytes { round, bytes }),
                Err(error) => return (Outcome::Failed(error), None),
            }
            clock.lap(Phase::Round(round));
        }
        let figures = ProvingFigures { phases: clock.phases.clone(), peak_rss_bytes: peak_rss_bytes().unwrap_or(0) };
        (Outcome::Done { messages, figures }, Some(session))
    }
}
