//! A coordinator and its farm.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::types::wire;

/// A size class that a farm proves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassStatus {
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Transfers that fit a subtree.
    pub transfers: u32,
    /// Seconds of the whole farm that a subtree takes, as measured; missing before the first block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds_per_subtree: Option<f64>,
}

/// What a coordinator says of itself to those who would have blocks proven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FarmStatus {
    /// Chain that proofs are for.
    pub chain_id: u64,
    /// Last L1 block seen; missing when the coordinator has no L1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub l1_block: Option<u64>,
    /// Address that quotes name; missing when it makes none.
    #[serde(with = "wire::address_option", skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^0x[0-9a-f]{40}$"))]
    pub prover: Option<Address>,
    /// Size classes.
    pub classes: Vec<ClassStatus>,
    /// Workers heard of within the lease.
    pub workers: u32,
    /// Blocks it would take now, beside those in work and those promised.
    pub free_blocks: u32,
    /// Blocks accepted and unfinished.
    pub blocks: u32,
    /// It takes no more blocks.
    pub draining: bool,
    /// The key is the developers' setup's: anyone can forge proofs for it.
    pub insecure_setup: bool,
}

/// One worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerStatus {
    /// Its name.
    pub worker: String,
    /// Heard of within the lease.
    pub live: bool,
    /// When it was heard of last, in Unix milliseconds.
    #[serde(default)]
    pub heard_ms: u64,
    /// It takes no more jobs.
    pub draining: bool,
    /// What it proves on.
    pub device: String,
    /// Jobs it holds.
    pub jobs: u32,
    /// Jobs it takes at most.
    pub capacity: u32,
    /// Sessions it keeps.
    pub sessions: u32,
    /// Processor time that its machine uses, in 1/1000 of all cores.
    pub cpu_permille: u32,
    /// Resident memory of its process in bytes.
    pub rss_bytes: u64,
    /// Peak resident memory of its process in bytes.
    pub peak_rss_bytes: u64,
    /// Memory of its machine in bytes.
    pub memory_total_bytes: u64,
}

/// The coordinator's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`, or `draining`.
    pub status: String,
    /// Fencing number of this coordinator.
    pub epoch: u64,
    /// The key is the developers' setup's: anyone can forge proofs for it.
    pub insecure_setup: bool,
    /// Digest of the verifying key, 64 hexadecimal digits.
    pub key_digest: String,
    /// Blocks accepted and unfinished.
    pub blocks: usize,
    /// Workers ever heard of.
    pub workers: Vec<WorkerStatus>,
}

/// One thing that must work before blocks can be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// `bus`, `ledger`, `l1` or `workers`.
    pub name: String,
    /// It works.
    pub ok: bool,
    /// What is seen, in a line.
    pub detail: String,
}

/// Whether a coordinator can take blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Readiness {
    /// All checks hold.
    pub ready: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Readiness {
    /// Ready when all checks hold.
    pub fn of(checks: Vec<Check>) -> Self {
        Self { ready: checks.iter().all(|check| check.ok), checks }
    }
}

impl Check {
    /// What was seen of `name`.
    pub fn new(name: &str, ok: bool, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok, detail: detail.into() }
    }
}
