//! Why a coordinator does not start on L1.

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
}
