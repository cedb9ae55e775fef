//! Why a block is refused.

use ark_bn254::Fr;
use thiserror::Error;

use crate::encoding::{DecodeError, Place};

/// A refused block: code, place, reason and remedy. Nothing of a refused block takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// The bytes are no canonical block file, or a count is over its cap.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// No transfer at all.
    #[error("[PY-B-010] block: it holds no transfer; put at least one in")]
    Empty,
    /// A touched leaf has no pre-state entry.
    #[error("[PY-B-011] transaction {transaction}: leaf {leaf} has no pre-state entry; add it to the block")]
    MissingPreState {
        /// First transaction that touches the leaf.
        transaction: usize,
        /// The leaf.
        leaf: u32,
    },
    /// A pre-state entry of a leaf that no transfer touches.
    #[error("[PY-B-012] pre-state: no transaction touches leaf {leaf}; leave its entry out")]
    UnneededPreState {
        /// The leaf.
        leaf: u32,
    },
    /// Too few or too many sibling hashes for the touched leaves.
    #[error("[PY-B-013] pre-state: {got} sibling hashes, the touched leaves need {expected}; write the block again")]
    SiblingCount {
        /// Number needed.
        expected: usize,
        /// Number given.
        got: usize,
    },
    /// The pre-state does not hash to the previous root.
    #[error(
        "[PY-B-014] pre-state: it hashes to root {computed}, the block names {previous_root}; build it on that state"
    )]
    WrongPreviousRoot {
        /// Root named by the block.
        previous_root: Fr,
        /// Root of the pre-state.
        computed: Fr,
    },
    /// Pre-state entries are not ascending (a decoded block is refused earlier, with PY-B-008).
    #[error("[PY-B-015] pre-state: leaf {leaf} does not follow leaf {previous}; order the entries by leaf, each once")]
    PreStateOrder {
        /// The leaf out of order.
        leaf: u32,
        /// The leaf before it.
        previous: u32,
    },
    /// The sender's leaf is unused.
    #[error("[PY-B-020] transaction {transaction}: no account at sender leaf {from}; fund it first")]
    UnknownSender {
        /// The transaction.
        transaction: usize,
        /// The sender's leaf.
        from: u32,
    },
    /// The signature is not the sender's.
    #[error("[PY-B-021] transaction {transaction}: the signature is not valid for account {from}; sign with its key")]
    BadSignature {
        /// The transaction.
        transaction: usize,
        /// The sender's leaf.
        from: u32,
    },
    /// Replayed or too early.
    #[error("[PY-B-022] transaction {transaction}: nonce {got}, account {from} expects {expected}; sign it again")]
    WrongNonce {
        /// The transaction.
        transaction: usize,
        /// The sender's leaf.
        from: u32,
        /// The account's nonce.
        expected: u32,
        /// The transfer's nonce.
        got: u32,
    },
    /// The sender has used every nonce.
    #[error("[PY-B-023] transaction {transaction}: account {from} is at its last nonce 2^32 - 1; use another account")]
    NonceExhausted {
        /// The transaction.
        transaction: usize,
        /// The sender's leaf.
        from: u32,
    },
    /// Amount plus fee is 2^64 or more.
    #[error("[PY-B-024] transaction {transaction}: amount {amount} plus fee {fee} exceeds 64 bits; send less")]
    AmountOverflow {
        /// The transaction.
        transaction: usize,
        /// The amount in gwei.
        amount: u64,
        /// The fee in gwei.
        fee: u64,
    },
    /// The sender cannot pay.
    #[error("[PY-B-025] transaction {transaction}: account {from} has {balance} gwei, needs {needed}; send less")]
    InsufficientBalance {
        /// The transaction.
        transaction: usize,
        /// The sender's leaf.
        from: u32,
        /// Its balance in gwei.
        balance: u64,
        /// Amount plus fee in gwei.
        needed: u64,
    },
    /// The recipient's leaf belongs to another key.
    #[error("[PY-B-026] transaction {transaction}: account {to} has another key than the transfer names; name its key")]
    RecipientKeyMismatch {
        /// The transaction.
        transaction: usize,
        /// The recipient's leaf.
        to: u32,
    },
    /// The recipient's balance would reach 2^64.
    #[error(
        "[PY-B-027] transaction {transaction}: account {to} has {balance} gwei, {amount} more exceeds 64 bits; \
         send less"
    )]
    RecipientOverflow {
        /// The transaction.
        transaction: usize,
        /// The recipient's leaf.
        to: u32,
        /// Its balance in gwei.
        balance: u64,
        /// The amount in gwei.
        amount: u64,
    },
    /// The block's fees would reach 2^64.
    #[error("[PY-B-028] transaction {transaction}: fees {fees} plus {fee} exceed 64 bits; move it to the next block")]
    FeesOverflow {
        /// The transaction.
        transaction: usize,
        /// Fees of the block before it, in gwei.
        fees: u64,
        /// Its fee in gwei.
        fee: u64,
    },
}

impl BlockError {
    /// Index of the transaction the error is about, if it is about one.
    pub fn transaction(&self) -> Option<usize> {
        match self {
            Self::MissingPreState { transaction, .. }
            | Self::UnknownSender { transaction, .. }
            | Self::BadSignature { transaction, .. }
            | Self::WrongNonce { transaction, .. }
            | Self::NonceExhausted { transaction, .. }
            | Self::AmountOverflow { transaction, .. }
            | Self::InsufficientBalance { transaction, .. }
            | Self::RecipientKeyMismatch { transaction, .. }
            | Self::RecipientOverflow { transaction, .. }
            | Self::FeesOverflow { transaction, .. } => Some(*transaction),
            Self::Encoding(error) => match error {
                DecodeError::Truncated { place, .. }
                | DecodeError::NotCanonical { place, .. }
                | DecodeError::Key { place, .. }
                | DecodeError::Order { place, .. } => match place {
                    Place::Transfer(index) => Some(*index),
                    Place::Header | Place::Leaf(_) | Place::Sibling(_) => None,
                },
                DecodeError::Magic { .. }
                | DecodeError::Version { .. }
                | DecodeError::Trailing { .. }
                | DecodeError::TooMany { .. } => None,
            },
            Self::Empty
            | Self::UnneededPreState { .. }
            | Self::SiblingCount { .. }
            | Self::WrongPreviousRoot { .. }
            | Self::PreStateOrder { .. } => None,
        }
    }
}
