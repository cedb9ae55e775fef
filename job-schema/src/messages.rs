//! The two directions of the bus.

use serde::{Deserialize, Serialize};

use crate::capped;
use crate::codec::Message;
use crate::heartbeat::Heartbeat;
use crate::ids::{BlockId, JobId, WorkerId};
use crate::job::{Job, JobFailure, Reply};

/// Most sessions listed in one message.
pub const SESSIONS_LISTED_MAX: usize = 64;
/// Most jobs listed in one message.
pub const JOBS_LISTED_MAX: usize = 64;

/// From the coordinator to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerCommand {
    /// Do this job.
    Assign(Box<Job>),
    /// This job is no longer needed: stop at the next chance, do not reply.
    Cancel(JobId),
    /// The block is finished or given up: drop its sessions and jobs.
    DropBlock(BlockId),
    /// Take no new jobs, finish or hand back what is running, leave.
    Drain,
}

impl Message for WorkerCommand {
    const NAME: &'static str = "worker command";
    const BYTES_MAX: usize = 8 * 1024;
}

/// From a worker to the coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerMessage {
    /// A job goes on.
    Progress(Progress),
    /// A job is done.
    Reply(Box<Reply>),
    /// A job failed.
    Failure(Box<JobFailure>),
    /// Sign of life.
    Heartbeat(Box<Heartbeat>),
    /// The worker leaves.
    Goodbye(Goodbye),
}

impl WorkerMessage {
    /// The worker that the message says it is from.
    pub fn author(&self) -> &WorkerId {
        match self {
            Self::Progress(progress) => &progress.author,
            Self::Reply(reply) => &reply.author,
            Self::Failure(failure) => &failure.author,
            Self::Heartbeat(heartbeat) => &heartbeat.worker,
            Self::Goodbye(goodbye) => &goodbye.worker,
        }
    }

    /// Whether losing it loses something: replies, failures and goodbyes are stored until acknowledged, progress and
    /// heartbeats are not, the next one says as much.
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Reply(_) | Self::Failure(_) | Self::Goodbye(_))
    }
}

impl Message for WorkerMessage {
    const NAME: &'static str = "worker message";
    const BYTES_MAX: usize = 32 * 1024;
}

/// A running job's progress, sent from the proving loop itself, so that a hung device falls silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The job.
    pub id: JobId,
    /// Who works on it.
    pub author: WorkerId,
    /// Steps done.
    pub done: u64,
    /// Steps in all; 0 when unknown.
    pub total: u64,
}

/// A draining worker's word: sent when it begins to drain, if jobs waited, and when it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// Who leaves.
    pub worker: WorkerId,
    /// Jobs it was given and did not do; they go to others without counting as a failed attempt.
    #[serde(serialize_with = "capped::write_list::<JOBS_LISTED_MAX, _, _>")]
    #[serde(deserialize_with = "capped::read_list::<JOBS_LISTED_MAX, _, _>")]
    pub returned: Vec<JobId>,
}
