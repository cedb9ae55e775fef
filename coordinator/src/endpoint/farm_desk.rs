//! The desk of a farm without L1: takes bare block files, makes no quotes.

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use bytes::Bytes;
use proofyard_coordinator_client::{
    Accepted, BlockSubmission, Check, ClassStatus, FarmStatus, FarmView, Health, QuoteRequest, Readiness, SignedQuote,
    SignedReceipt, Stage,
};
use proofyard_job_schema::{BlockId, WorkerId};
use tokio::time::Instant;

use super::desk::{Cut, Declined, Desk, Proof, Refusal, Undrained, Why};
use crate::{
    board::hex,
    handle::{Handle, Request},
    track::Follower,
};

/// What the farm's proofs are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Verifier contract.
    pub contract: [u8; 20],
    /// Who earns the submission reward; zero: whoever sends the transaction.
    pub beneficiary: [u8; 20],
    /// Digest of the verifying key.
    pub key_digest: [u8; 32],
    /// The key is the developers' setup's.
    pub insecure_setup: bool,
    /// Blocks accepted and unfinished at once.
    pub blocks_max: usize,
}

/// The desk of a farm without L1.
#[derive(Clone)]
pub struct FarmDesk {
    handle: Handle,
    statement: Statement,
}

impl FarmDesk {
    /// The desk of a running coordinator.
    pub fn new(handle: Handle, statement: Statement) -> Self {
        Self { handle, statement }
    }

    /// The coordinator.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Workers heard of within the lease.
    fn live_workers(&self) -> usize {
        self.handle.board().workers().iter().filter(|worker| worker.live).count()
    }
}

#[async_trait]
impl Desk for FarmDesk {
    async fn status(&self) -> FarmStatus {
        let board = self.handle.board();
        let rows_log2 = self.handle.setups().rows_log2();
        let (blocks, draining) = (board.unfinished(), self.handle.is_draining());
        let free = if draining { 0 } else { self.statement.blocks_max.saturating_sub(blocks) };
        let class = ClassStatus {
            rows_log2,
            transfers: proofyard_rollup::circuit::capacity(rows_log2) as u32,
            seconds_per_subtree: board.seconds_per_subtree(),
        };
        FarmStatus {
            chain_id: self.statement.chain_id,
            l1_block: None,
            prover: None,
            classes: vec![class],
            workers: self.live_workers() as u32,
            free_blocks: free as u32,
            blocks: blocks as u32,
            draining,
            insecure_setup: self.statement.insecure_setup,
        }
    }

    async fn view(&self) -> FarmView {
        let board = self.handle.board();
        FarmView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            status: self.status().await,
            throughput: board.throughput(),
            market: None,
            blocks: board.views(),
            workers: board.workers(),
            explorer_url: None,
        }
    }

    async fn drain(&self, worker: &WorkerId) -> Result<(), Undrained> {
        self.handle.drain_worker(worker).await
    }

    async fn quote(&self, _: QuoteRequest, _: Address, _: Instant) -> Result<SignedQuote, Declined> {
        Err(Declined::new("PY-Q-091", "this farm is not on L1 and makes no quotes; ask another prover"))
    }

    async fn accept(&self, _: BlockSubmission, _: Address) -> Result<SignedReceipt, Refusal> {
        let message = "this farm is not on L1 and has made no quote; hand the bare block file in";
        Err(Refusal::new(Why::Forbidden, "PY-Q-091", message))
    }

    async fn take(&self, file: Bytes, cut: Cut) -> Result<Accepted, Refusal> {
        let Statement { chain_id, contract, beneficiary, .. } = self.statement;
        let Cut { subtrees, groups } = cut;
        let id = self.handle.submit(Request { block: file, subtrees, groups, chain_id, contract, beneficiary });
        let executed = self.handle.reached(id, |entry| entry.status.stage != Stage::Executing).await;
        let Some(entry) = executed else {
            let message = "the coordinator has stopped; hand the block in when it is back";
            return Err(Refusal::new(Why::Busy, "PY-C-204", message));
        };
        match (entry.status.stage, entry.status.error) {
            // Full or draining: no fault of the block's.
            (Stage::Refused, Some(error)) if ["PY-C-101", "PY-C-102"].contains(&error.code.as_str()) => {
                Err(Refusal { why: Why::Busy, error })
            }
            (Stage::Refused, Some(error)) => Err(Refusal { why: Why::Wrong, error }),
            _ => Ok(Accepted { id: id.to_string() }),
        }
    }

    async fn follow(&self, id: B256) -> Option<Follower> {
        self.handle.follow(BlockId(id.0))
    }

    async fn proof(&self, id: B256) -> Option<Proof> {
        let entry = self.handle.watch(BlockId(id.0))?;
        let proven = entry.borrow().proven.clone()?;
        Some(Proof { bytes: proven.proof.clone(), sha256: proven.sha256 })
    }

    async fn ready(&self) -> Readiness {
        let (live, draining) = (self.live_workers(), self.handle.is_draining());
        Readiness::of(vec![
            Check::new("intake", !draining, if draining { "draining" } else { "open" }),
            Check::new("workers", live > 0, format!("{live} live")),
        ])
    }

    async fn health(&self) -> Health {
        let board = self.handle.board();
        Health {
            status: if self.handle.is_draining() { "draining" } else { "ok" }.to_owned(),
            epoch: self.handle.epoch().0,
            insecure_setup: self.statement.insecure_setup,
            key_digest: hex(&self.statement.key_digest),
            blocks: board.unfinished(),
            workers: board.workers(),
        }
    }
}
