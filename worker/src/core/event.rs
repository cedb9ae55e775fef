//! What may happen to a worker, and what its core asks for.

use proofyard_job_schema::{
    Disposition, Job, JobId, ProvingFigures, RoundBytes, SessionId, WorkerCommand, WorkerMessage,
};

/// Milliseconds of the driver's monotonic clock.
pub type Millis = u64;

/// An opaque handle of a delivered command.
pub type Token = u64;

/// Why a job was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[{code}] {text}")]
pub struct JobError {
    /// What the coordinator should do about it.
    pub disposition: Disposition,
    /// Stable code, as `PY-W-003`.
    pub code: String,
    /// What, where, and what to do.
    pub text: String,
}

/// What proving came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Messages of the rounds computed, ascending, the job's round last.
    Done {
        /// The messages.
        messages: Vec<RoundBytes>,
        /// What it took.
        figures: ProvingFigures,
    },
    /// Not done.
    Failed(JobError),
    /// Stopped because it was cancelled.
    Cancelled,
}

/// Everything that may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A command arrived.
    Command {
        /// To settle it by; none when it needs no settling.
        token: Option<Token>,
        /// The command.
        command: WorkerCommand,
    },
    /// An [`Effect::Prove`] is over.
    Proved {
        /// The job.
        id: JobId,
        /// Its outcome.
        outcome: Outcome,
    },
    /// The proving loop went on.
    Progressed {
        /// The job.
        id: JobId,
        /// Steps done.
        done: u64,
        /// Steps in all.
        total: u64,
    },
    /// An [`Effect::Publish`] is over.
    Published {
        /// Its number.
        number: u64,
        /// The bus has it; otherwise it may or may not.
        stored: bool,
    },
    /// Time passed.
    Tick,
    /// Take no more jobs and leave soon.
    Drain,
}

/// Where a proof starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// From the session that is kept.
    Continue,
    /// From the inputs; a session under the same name is dropped.
    Rebuild,
}

/// What the core contributes to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heart {
    /// Sessions kept.
    pub sessions: Vec<SessionId>,
    /// Most sessions kept.
    pub sessions_max: u32,
    /// Most jobs held.
    pub capacity: u32,
    /// Jobs held.
    pub running: Vec<JobId>,
    /// No more jobs are wanted.
    pub draining: bool,
}

/// Everything the core may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Prove on the blocking pool; answer `Proved`, and `Progressed` from within the loop.
    Prove {
        /// The job.
        job: Box<Job>,
        /// From where.
        start: Start,
    },
    /// Forget a session.
    DropSession(SessionId),
    /// Stop the running proof of this job at the next chance.
    Cancel(JobId),
    /// Send a stored message; answer `Published`.
    Publish {
        /// To be handed back.
        number: u64,
        /// The message.
        message: WorkerMessage,
    },
    /// Send a message that may get lost.
    Say(WorkerMessage),
    /// Send a heartbeat.
    Heartbeat(Heart),
    /// Acknowledge a delivery.
    Ack(Token),
    /// Tell the bus that a delivery is being worked on.
    InProgress(Token),
    /// Drained: the driver may end.
    Stopped,
}
