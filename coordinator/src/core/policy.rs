//! The times and counts the core decides by, with the arithmetic that ties them.

use serde::{Deserialize, Serialize};

/// Milliseconds of the driver's monotonic clock.
pub type Millis = u64;

/// Workers report this often.
pub const HEARTBEAT_MS: Millis = 300;

/// A worker silent this long is taken for dead: five heartbeats.
pub const LEASE_MS: Millis = 5 * HEARTBEAT_MS;

/// The driver calls `step` with a tick at least this often.
pub const TICK_MS: Millis = 100;

// A dead worker is noticed within two seconds: the lease and one tick, whatever the phase of its last heartbeat.
const _: () = assert!(LEASE_MS + TICK_MS <= 2_000);
// Losing two heartbeats in a row must not look like death.
const _: () = assert!(LEASE_MS >= 4 * HEARTBEAT_MS);

/// What an operator may set, in the section `[schedule]` of the configuration; [`Policy::default`] is what the commented example shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// A worker silent for longer is dead.
    pub lease_ms: Millis,
    /// Hedging starts when this many of 100 subtrees of a round have answered.
    pub hedge_after_percent: u64,
    /// A job older than this many percent of the round's median is hedged.
    pub hedge_median_percent: u64,
    /// No job younger than this is hedged, however short the median.
    pub hedge_floor_ms: Millis,
    /// A job unanswered for this long counts as failed on its worker.
    pub job_timeout_ms: Millis,
    /// How long a worker is passed over after a failure while others are there.
    pub failure_cool_down_ms: Millis,
    /// How long a worker that lied gets no work.
    pub liar_cool_down_ms: Millis,
    /// Failures of one subtree in one round after which the block fails.
    pub failures_max: u32,
    /// Disputes of one subtree after which the block fails.
    pub disputes_max: u32,
    /// A dispute waits this long for a worker; then the coordinator computes itself.
    pub dispute_patience_ms: Millis,
    /// A block not proven after this long fails.
    pub block_deadline_ms: Millis,
    /// Blocks accepted and unfinished at once.
    pub blocks_max: usize,
    /// After a request to drain, unfinished blocks are given up after this long.
    pub drain_ms: Millis,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lease_ms: LEASE_MS,
            hedge_after_percent: 75,
            hedge_median_percent: 150,
            hedge_floor_ms: 500,
            job_timeout_ms: 600_000,
            failure_cool_down_ms: 3_000,
            liar_cool_down_ms: 600_000,
            failures_max: 12,
            disputes_max: 8,
            dispute_patience_ms: 2 * LEASE_MS,
            block_deadline_ms: 3_600_000,
            blocks_max: 16,
            drain_ms: 9_000,
        }
    }
}
