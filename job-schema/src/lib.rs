//! What crosses the bus between coordinator and workers, and the one codec that reads and writes it.
//!
//! A *job* is one round of one subtree. The coordinator sends [`WorkerCommand`]s, workers send [`WorkerMessage`]s. Both
//! directions go through [`codec`], which caps every message and every list in it before anything is allocated, refuses
//! trailing bytes and accepts exactly one encoding of each message. Round messages and challenges are opaque here: the
//! proof system owns their meaning.
//!
//! No I/O, no clock.

mod capped;
pub mod codec;
mod heartbeat;
mod ids;
mod job;
mod messages;

pub use codec::{CodecError, Message, decode, encode};
pub use heartbeat::{DEVICE_NAME_BYTES_MAX, Heartbeat, SystemFigures};
pub use ids::{
    BlobDigest, BlockId, CircuitDigest, Epoch, IdError, JobId, Round, SessionId, SubtreeIndex, TranscriptDigest,
    WORKER_ID_BYTES_MAX, WorkerId,
};
pub use job::{
    CHALLENGES_BYTES_MAX, Disposition, FAILURE_CODE_BYTES_MAX, FAILURE_TEXT_BYTES_MAX, Job, JobFailure, Phase,
    PhaseTime, ProvingFigures, ROUND_BYTES_MAX, Reply, RoundBytes,
};
pub use messages::{Goodbye, JOBS_LISTED_MAX, Progress, SESSIONS_LISTED_MAX, WorkerCommand, WorkerMessage};
