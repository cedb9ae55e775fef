//! What can go wrong between client and coordinator.

use thiserror::Error;

use crate::{auth::AuthError, types::ErrorBody};

/// A request that did not give what was asked for.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is not one.
    #[error("[PY-H-001] {url:?} is no coordinator address: {reason}; give it as http://HOST:PORT")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answered, or not in time.
    #[error("[PY-H-002] {url}: {reason}; check that the coordinator runs there")]
    Network {
        /// What was asked.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The coordinator refused: its own coded error.
    #[error("[{}] {}", .0.code, .0.message)]
    Refused(ErrorBody),
    /// The coordinator cannot take it now: its own coded error.
    #[error("[{}] {}", .0.code, .0.message)]
    Unavailable(ErrorBody),
    /// No such block, or no proof yet.
    #[error("[PY-H-003] {what}: not there; check its name or id; a proof is there when its block is done")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The call has to be signed, and the client has no signer.
    #[error("[PY-H-005] the call must be signed by a sequencer; give the client its signer")]
    NoSigner,
    /// The request could not be signed.
    #[error("[{code}] {0}", code = .0.code())]
    Auth(AuthError),
    /// An answer that is none of the documented ones.
    #[error("[PY-H-004] {url}: unexpected answer: {reason}; client and coordinator must be the same release")]
    Answer {
        /// What was asked.
        url: String,
        /// What came.
        reason: String,
    },
}

impl ClientError {
    /// True when the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Network { .. } | Self::Unavailable(_) | Self::NotFound { .. } => true,
            Self::Address { .. } | Self::Refused(_) | Self::NoSigner | Self::Auth(_) | Self::Answer { .. } => false,
        }
    }
}
