//! The thread that proves: one job at a time, sessions at hand, rayon pool of its own.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use bytes::Bytes;
use proofyard_job_schema::{Disposition, Job, Phase, PhaseTime, ProvingFigures, Round, RoundBytes, SessionId};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::mpsc;
use tracing::{error, info_span};

use crate::{
    core::{Event, JobError, Outcome},
    figures::peak_rss_bytes,
    prover::Prover,
};

/// What the thread is asked to do.
pub(crate) enum Task {
    /// Prove a job, from its inputs when given, else from its session; stop when the flag is raised.
    Prove { job: Box<Job>, inputs: Option<Bytes>, cancelled: Arc<AtomicBool> },
    /// Forget a session.
    Drop(SessionId),
}

/// Starts the thread; it ends when the sender of tasks is dropped.
pub(crate) fn start<P: Prover>(
    prover: P,
    threads: usize,
    events: mpsc::UnboundedSender<Event>,
) -> Result<std::sync::mpsc::Sender<Task>, ThreadPoolBuildError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("prove-{i}")).build()?;
    let (sender, tasks) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut bench = Bench { prover, pool, sessions: BTreeMap::new(), events };
        for task in tasks {
            match task {
                Task::Drop(session) => {
                    bench.sessions.remove(&session);
                }
                Task::Prove { job, inputs, cancelled } => bench.prove(&job, inputs, &cancelled),
            }
        }
    });
    Ok(sender)
}

struct Bench<P: Prover> {
    prover: P,
    pool: ThreadPool,
    sessions: BTreeMap<SessionId, P::Session>,
    events: mpsc::UnboundedSender<Event>,
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
}

impl<P: Prover> Bench<P> {
    fn prove(&mut self, job: &Job, inputs: Option<Bytes>, cancelled: &AtomicBool) {
        let (block, subtree, round) = (job.id.block, job.id.subtree, job.id.round);
        let _block = info_span!("block", %block).entered();
        let _subtree = info_span!("subtree", %subtree).entered();
        let _round = info_span!("round", %round, attempt = job.id.attempt).entered();
        let done = catch_unwind(AssertUnwindSafe(|| self.run(job, inputs, cancelled)));
        let outcome = done.unwrap_or_else(|panic| {
            let reason = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            error!(reason, "proving crashed");
            let text = format!("proving crashed: {reason}; please report it");
            let code = "PY-W-013".to_owned();
            Outcome::Failed(JobError { disposition: Disposition::RetryElsewhere, code, text })
        });
        // The receiver is gone only when the worker has left.
        let _ = self.events.send(Event::Proved { id: job.id, outcome });
    }

    /// A session whose job fails or is cancelled is not put back.
    fn run(&mut self, job: &Job, inputs: Option<Bytes>, cancelled: &AtomicBool) -> Outcome {
        let mut clock = Clock { since: Instant::now(), phases: Vec::new() };
        let id = job.id.session();
        let kept = self.sessions.remove(&id);
        let mut session = match (inputs, kept) {
            (None, Some(session)) => session,
            (Some(inputs), _) => {
                let (prover, laps) = (&mut self.prover, &mut clock);
                let opened = self.pool.install(|| prover.open(job, &inputs, &mut || laps.lap(Phase::Inputs)));
                clock.lap(Phase::Witness);
                match opened {
                    Ok(session) => session,
                    Err(error) => return Outcome::Failed(error),
                }
            }
            (None, None) => {
                let text = "the session is gone".to_owned();
                return Outcome::Failed(JobError {
                    disposition: Disposition::Retry,
                    code: "PY-W-014".to_owned(),
                    text,
                });
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
                return Outcome::Cancelled;
            }
            let Ok(round) = Round::new(number) else { break };
            let prover = &mut self.prover;
            match self.pool.install(|| prover.next_round(&mut session, job, round)) {
                Ok(bytes) => messages.push(RoundBytes { round, bytes }),
                Err(error) => return Outcome::Failed(error),
            }
            clock.lap(Phase::Round(round));
        }
        self.sessions.insert(id, session);
        let figures = ProvingFigures { phases: clock.phases, peak_rss_bytes: peak_rss_bytes().unwrap_or(0) };
        Outcome::Done { messages, figures }
    }
}
