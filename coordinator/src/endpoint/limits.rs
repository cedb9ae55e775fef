//! How much the endpoint takes.

use std::time::Duration;

use proofyard_coordinator_client::auth::{Rate, ReplayLimits};

use super::operators::OperatorToken;

/// Caps and times.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest block file taken, in bytes.
    pub block_bytes_max: usize,
    /// Bytes of all bodies that are held at once, unpacked.
    pub bodies_bytes_max: usize,
    /// A body must be here after this long.
    pub body_time: Duration,
    /// A quote is worked on for at most this long.
    pub quote_time: Duration,
    /// Event streams at once.
    pub followers_max: usize,
    /// Requests of one signer.
    pub rate: Rate,
    /// Nonces that are remembered.
    pub replay: ReplayLimits,
    /// Bare block files are taken, from anyone.
    pub unquoted: bool,
    /// The operators' token; nobody is an operator without one.
    pub operators: Option<OperatorToken>,
    /// The chain's block explorer, for links to transactions.
    pub explorer_url: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            block_bytes_max: 16 << 20,
            bodies_bytes_max: 256 << 20,
            body_time: Duration::from_secs(30),
            quote_time: Duration::from_secs(10),
            followers_max: 512,
            rate: Rate::default(),
            replay: ReplayLimits::default(),
            unquoted: true,
            operators: None,
            explorer_url: None,
        }
    }
}

/// Longest quote request taken, in bytes.
pub(super) const QUOTE_BYTES_MAX: usize = 16 << 10;
/// What a block submission may hold beside the block file, in bytes.
const PAPERS_BYTES_MAX: usize = 64 << 10;

impl Limits {
    /// Longest block submission taken, in bytes: the file is in base64.
    pub(super) fn submission_bytes_max(&self) -> usize {
        self.block_bytes_max.div_ceil(3).saturating_mul(4).saturating_add(PAPERS_BYTES_MAX)
    }
}
