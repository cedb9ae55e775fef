//! Why a request's signature does not count.

use alloy_primitives::Address;
use thiserror::Error;

/// A request that is not taken for what it says it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// A header is missing.
    #[error("{0} is missing; sign the request with the sequencer's key")]
    Unsigned(&'static str),
    /// A header cannot be read.
    #[error("{header} cannot be read; send {expected}")]
    Malformed {
        /// The header.
        header: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The request is too old or too new.
    #[error(
        "date-milliseconds is {off_ms} ms off the coordinator's clock, at most 30000 are taken; set the clock and sign anew"
    )]
    Date {
        /// By how much.
        off_ms: u64,
    },
    /// The signature is another key's, or over another request.
    #[error(
        "the signature is not {address}'s over this request; sign method, path and query, date, nonce and the body as it is sent"
    )]
    Signature {
        /// Who is said to have signed.
        address: Address,
    },
    /// The nonce has been used.
    #[error("the nonce was used before; sign with a new one")]
    Replayed,
    /// The request was sent before this process began: whether it was seen is not known.
    #[error("the request is older than this process; sign it anew")]
    BeforeStart,
    /// The caller sends too many requests.
    #[error("too many requests; try again in {wait_ms} ms")]
    TooMany {
        /// Until the next one is taken.
        wait_ms: u64,
    },
    /// There are too many callers to remember.
    #[error("too many callers; try again in {wait_ms} ms")]
    Full {
        /// When there may be room.
        wait_ms: u64,
    },
    /// The signer did not sign.
    #[error("the signer did not sign: {0}; check key or signing service")]
    Signer(String),
}

impl AuthError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned(_) => "PY-H-010",
            Self::Malformed { .. } => "PY-H-011",
            Self::Date { .. } => "PY-H-012",
            Self::Signature { .. } => "PY-H-013",
            Self::Replayed => "PY-H-014",
            Self::BeforeStart => "PY-H-015",
            Self::TooMany { .. } => "PY-H-016",
            Self::Full { .. } => "PY-H-017",
            Self::Signer(_) => "PY-H-018",
        }
    }

    /// Milliseconds after which the same caller may be heard.
    pub fn wait_ms(&self) -> Option<u64> {
        match self {
            Self::TooMany { wait_ms } | Self::Full { wait_ms } => Some(*wait_ms),
            _ => None,
        }
    }
}
