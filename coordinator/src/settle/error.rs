//! What can go wrong on L1.

use alloy_primitives::B256;
use proofyard_job_schema::BlockId;
use proofyard_settlement::{
    config::ConfigError, rpc::RpcError, sidecar_client::ClientError, signer::SignerError, transactions::ManagerError,
};
use thiserror::Error;

use crate::ledger::LedgerError;

/// What can go wrong between ledger, L1 and farm.
#[derive(Debug, Error)]
pub enum SettleError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// `[l1]` or the deployment file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A contract.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// L1.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Transactions.
    #[error(transparent)]
    Transactions(#[from] ManagerError),
    /// A task of the blocking pool ended early.
    #[error("[PY-C-310] the ledger's task ended: {0}; restart the coordinator")]
    Task(#[from] tokio::task::JoinError),
    /// Sections that contradict each other.
    #[error("[PY-C-311] {0}")]
    Contradiction(String),
    /// Something that is needed for an accepted block is not in the ledger.
    #[error("[PY-C-312] the ledger has no {what} of block {commitment}; was settlement.keep_blocks too small?")]
    Missing {
        /// What.
        what: &'static str,
        /// The block commitment.
        commitment: B256,
    },
    /// The height's version does not take the block's size class.
    #[error("[PY-C-313] height {height} has no verifier for 2^{rows_log2} rows and {subtrees} subtrees a group")]
    NoVerifier {
        /// The height.
        height: u64,
        /// Base-2 logarithm of the rows of a subtree.
        rows_log2: u32,
        /// Subtrees of a group.
        subtrees: u32,
    },
    /// The farm proves the same file for somebody else.
    #[error("[PY-C-314] the farm has block file {id} in work on other terms; it is taken up when that has ended")]
    InWork {
        /// The block's id.
        id: BlockId,
    },
}

impl SettleError {
    /// True when trying again will not help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Contradiction(_) | Self::Missing { .. } | Self::NoVerifier { .. } => true,
            Self::Ledger(_)
            | Self::Config(_)
            | Self::Signer(_)
            | Self::Client(_)
            | Self::Rpc(_)
            | Self::Transactions(_)
            | Self::Task(_)
            | Self::InWork { .. } => false,
        }
    }
}
