//! Why an endpoint is not asked.

use thiserror::Error;

/// Why an endpoint is set aside.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Reason {
    /// It serves another chain.
    #[error("[PY-L-020] serves chain {got}, not {wanted}; correct its URL or l1.chain_id")]
    WrongChain {
        /// What it said.
        got: u64,
        /// What is configured.
        wanted: u64,
    },
    /// Its head is far behind the others'.
    #[error("[PY-L-021] its head {head} is behind the others' {others}; the node is syncing or stuck")]
    Lagging {
        /// Its head.
        head: u64,
        /// Theirs.
        others: u64,
    },
    /// Its head went back to a block that is an ancestor of what it showed before.
    #[error(
        "[PY-L-022] its head went back from {from} to {to} without a reorg; is it several nodes behind one address?"
    )]
    WentBack {
        /// The head before.
        from: u64,
        /// The head now.
        to: u64,
    },
    /// It showed a receipt that others with the same or a later head do not know.
    #[error("[PY-L-023] it showed a receipt that others do not know")]
    UnknownReceipt,
    /// It does not answer, or with errors.
    #[error("[PY-L-024] it failed {times} times in a row; see the errors before this one")]
    Failing {
        /// How often.
        times: u32,
    },
    /// Its answer contradicts itself or the other endpoints.
    #[error("[PY-L-025] its answer about {0} is not what the other endpoints or its own headers say")]
    Contradicted(&'static str),
    /// Its head is far ahead of all others.
    #[error("[PY-L-026] its head {head} is ahead of all others' {others}")]
    Ahead {
        /// Its head.
        head: u64,
        /// Theirs.
        others: u64,
    },
}

impl Reason {
    /// Whether its answers may be untrue, not merely late.
    pub fn is_untruth(self) -> bool {
        !matches!(self, Self::Lagging { .. } | Self::WentBack { .. } | Self::Failing { .. })
    }
}
