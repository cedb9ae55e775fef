//! What the endpoint asks of whoever decides: one trait between HTTP and the rest of the coordinator.
//!
//! The endpoint has checked, before it calls: the request's signature, date and nonce (`caller` is who signed it), the caller's
//! rate, the body's size, its syntax and what a message can say about itself. The desk decides everything else. Each call
//! runs on a task of its own to its end, whether or not the caller still waits.

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use bytes::Bytes;
use proofyard_coordinator_client::{
    Accepted, BlockSubmission, ErrorBody, FarmStatus, FarmView, Health, QuoteRequest, Readiness, SignedQuote,
    SignedReceipt,
};
use proofyard_job_schema::WorkerId;
use tokio::time::Instant;

use crate::track::Follower;

/// No quote, and why: a code `PY-Q-nnn` and a reason of one line, which becomes a header (printable ASCII).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[{code}] {reason}")]
pub struct Declined {
    /// `PY-Q-nnn`.
    pub code: &'static str,
    /// In a line.
    pub reason: String,
}

impl Declined {
    /// A coded reason.
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// Why a block is not taken: what the HTTP status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The block or its papers are wrong; the same again will be refused again (422).
    Wrong,
    /// The caller may not do this (403).
    Forbidden,
    /// It contradicts what was accepted before (409).
    Conflict,
    /// Not now; the same may be taken later (503).
    Busy,
}

/// A block that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[{}] {}", error.code, error.message)]
pub struct Refusal {
    /// What kind.
    pub why: Why,
    /// The coded error, with a remedy.
    pub error: ErrorBody,
}

impl Refusal {
    /// A coded refusal that blames no transaction.
    pub fn new(why: Why, code: &str, message: impl Into<String>) -> Self {
        Self { why, error: ErrorBody { code: code.to_owned(), message: message.into(), transaction: None } }
    }
}

/// How a bare block file is to be cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// Subtrees in all groups; as few as hold the block when `None`.
    pub subtrees: Option<u32>,
    /// Groups; one when `None`.
    pub groups: Option<u32>,
}

/// Why a worker is not told to drain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undrained {
    /// It was never heard of.
    #[error("no worker of this name has been heard of; `proofyard workers` lists them")]
    Unknown,
    /// It is silent.
    #[error("the worker has fallen silent and holds no jobs any more; there is nothing to drain")]
    Silent,
    /// The bus did not take the word.
    #[error("the bus did not take the command: {0}; try again")]
    Bus(String),
}

/// Who decides about quotes and blocks. `id` is a block id or a block commitment.
#[async_trait]
pub trait Desk: Send + Sync + 'static {
    /// What the coordinator says of itself to sequencers.
    async fn status(&self) -> FarmStatus;

    /// Everything there is to see, for people.
    async fn view(&self) -> FarmView;

    /// Tells a worker to take no more jobs, to end or hand back those it has, and to leave.
    async fn drain(&self, worker: &WorkerId) -> Result<(), Undrained>;

    /// A signed quote for the caller's block, or why not. After `deadline` nobody waits for it: nothing should be reserved or
    /// signed then.
    async fn quote(&self, request: QuoteRequest, caller: Address, deadline: Instant) -> Result<SignedQuote, Declined>;

    /// Takes a block under an accepted quote. The receipt is durable before it is returned; the same block commitment again
    /// gives the same receipt.
    async fn accept(&self, submission: BlockSubmission, caller: Address) -> Result<SignedReceipt, Refusal>;

    /// Takes a bare block file, without quote or caller; returns once the block is executed. Asked only where the
    /// configuration allows it.
    async fn take(&self, file: Bytes, cut: Cut) -> Result<Accepted, Refusal>;

    /// Follows a block that is known.
    async fn follow(&self, id: B256) -> Option<Follower>;

    /// The verified root proof of a block, once it is there.
    async fn proof(&self, id: B256) -> Option<Proof>;

    /// Whether blocks can be taken now.
    async fn ready(&self) -> Readiness;

    /// How the process is.
    async fn health(&self) -> Health;
}

/// A verified root proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// As encoded.
    pub bytes: Bytes,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
}
