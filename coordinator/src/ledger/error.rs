//! What can go wrong with the ledger.

use std::path::PathBuf;

use alloy_primitives::{B256, U256};
use thiserror::Error;

use super::records::QuoteState;

/// A ledger that does not open, or a change that was not made.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The file cannot be opened or made.
    #[error("[PY-M-001] cannot open the ledger {path}: {reason}; check that its folder exists and can be written")]
    Open {
        /// The file.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// Another process has it.
    #[error(
        "[PY-M-002] the ledger {path} is in use by another coordinator; stop it first, or use another ledger and key"
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Not a ledger, or a later release's.
    #[error(
        "[PY-M-003] {path} is no ledger of this release: {reason}; check the path, or use the release that wrote it"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The ledger of another chain or other contracts.
    #[error(
        "[PY-M-004] the ledger {path} belongs to {found}, the configuration says {expected}; use one ledger for each"
    )]
    OtherContracts {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// The file is damaged.
    #[error(
        "[PY-M-005] the ledger {path} is damaged: {reason}; do not sign with this key before its open quotes have expired"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check found.
        reason: String,
    },
    /// Reading or writing failed; nothing was changed.
    #[error("[PY-M-006] {operation}: the ledger does not answer: {reason}; check disk space and the disk's health")]
    Storage {
        /// What was to be done.
        operation: &'static str,
        /// What happened.
        reason: String,
    },
    /// The group has an open quote on other terms.
    #[error(
        "[PY-M-007] group {group} of {commitment} has an open quote on other terms; use that one, or wait for its expiry"
    )]
    Quoted {
        /// The block commitment.
        commitment: B256,
        /// The group.
        group: u32,
    },
    /// Deposits of open quotes and this one exceed the balance.
    #[error(
        "[PY-M-008] the escrow balance {balance} does not cover a deposit of {deposit} beside {held} for open quotes; add \
         to the escrow, or wait until quotes expire"
    )]
    Balance {
        /// What the escrow has for the prover.
        balance: U256,
        /// Deposits of open quotes that the balance does not show yet.
        held: U256,
        /// What this quote needs.
        deposit: U256,
    },
    /// Nothing of this name.
    #[error("[PY-M-009] the ledger knows no {what}; it was never written here")]
    Unknown {
        /// What was asked for.
        what: String,
    },
    /// A quote cannot go from one state to the other.
    #[error("[PY-M-010] quote {nonce:#x} is {from}, it cannot become {to}")]
    Transition {
        /// The quote.
        nonce: U256,
        /// Its state.
        from: QuoteState,
        /// What was asked.
        to: QuoteState,
    },
    /// Something else is written there already, and what is written stays.
    #[error("[PY-M-011] {what} is written already and differs; what was signed or accepted once does not change")]
    Differs {
        /// What.
        what: String,
    },
    /// A value outside of what the ledger takes.
    #[error("[PY-M-012] {what} is {got}, at most {max} is taken")]
    TooLarge {
        /// Which value.
        what: &'static str,
        /// It.
        got: u64,
        /// The most.
        max: u64,
    },
    /// It was let go of.
    #[error("[PY-M-013] {operation}: the ledger is closed, this coordinator has shut down; ask the one that runs")]
    Closed {
        /// What was to be done.
        operation: &'static str,
    },
}

impl LedgerError {
    /// True when the same call may succeed later, without anybody's doing.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::InUse { .. }
            | Self::Storage { .. }
            | Self::Quoted { .. }
            | Self::Balance { .. }
            | Self::Closed { .. } => true,
            Self::Open { .. }
            | Self::Foreign { .. }
            | Self::OtherContracts { .. }
            | Self::Damaged { .. }
            | Self::Unknown { .. }
            | Self::Transition { .. }
            | Self::Differs { .. }
            | Self::TooLarge { .. } => false,
        }
    }
}
