//! The farm at a glance: what the live page and `proofyard workers` and `blocks` show.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::types::{BlockStatus, FarmStatus, WorkerStatus, wire};

/// Characters of the operators' token at least.
pub const OPERATOR_TOKEN_BYTES_MIN: usize = 16;

/// A worker that was told to drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Told {
    /// Its name.
    pub worker: String,
}

/// The farm now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FarmView {
    /// The coordinator's version.
    pub version: String,
    /// What it says of itself to sequencers.
    pub status: FarmStatus,
    /// What was proven lately.
    pub throughput: ThroughputView,
    /// What was promised on L1; missing when the coordinator has no L1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub market: Option<MarketView>,
    /// Blocks in work first, then the others, each from the newest on; at most 64.
    pub blocks: Vec<BlockView>,
    /// Workers, by name.
    pub workers: Vec<WorkerStatus>,
    /// A block explorer of the chain, without a slash at the end: transactions are at `/tx/HASH` of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub explorer_url: Option<String>,
}

/// Blocks and transfers proven within a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThroughputView {
    /// Seconds that are counted: the last 600, or less soon after the start.
    pub seconds: f64,
    /// Blocks proven in them.
    pub blocks: u32,
    /// Transfers of those blocks.
    pub transfers: u64,
}

/// Promises on L1. Amounts are in the deposit token's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarketView {
    /// Quotes given out that may still be drawn.
    pub quotes_open: u32,
    /// Groups committed to this prover and not ended.
    pub groups_committed: u32,
    /// Deposits that are lost if their groups are not proven.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-f]{1,64}$"))]
    pub deposits_at_risk: U256,
    /// The token of most of them.
    #[serde(with = "wire::address_option", skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^0x[0-9a-f]{40}$"))]
    pub deposit_token: Option<Address>,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockView {
    /// Where it stands.
    pub status: BlockStatus,
    /// When the farm began with it, in Unix milliseconds; missing while it waits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub begun_ms: Option<u64>,
    /// Its groups, as far as they are proven here.
    pub groups: Vec<GroupView>,
    /// Names of the workers that [`GroupView::rounds`] counts.
    pub workers: Vec<String>,
    /// What was promised for its groups.
    pub promises: Vec<PromiseView>,
}

/// A group: who has answered for which subtree in which round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupView {
    /// The group, from 0.
    pub group: usize,
    /// Its first subtree, counted over the block.
    pub first_subtree: u32,
    /// The round it is in, 1 to 5; 6 when all rounds are done.
    pub round: u8,
    /// For each round, 1 to 5, and each subtree of the group: the place in [`BlockView::workers`] of the worker whose message
    /// counts; null where none is in.
    pub rounds: Vec<Vec<Option<u32>>>,
}

/// A group's promise on L1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromiseView {
    /// The group, from 0.
    pub group: u32,
    /// The height it is proposed for.
    pub height: u64,
    /// Where its quote stands: `reserved`, `signed`, `committed`, `settled`, `slashed`, `released`, `expired` or `declined`.
    pub state: String,
    /// Last L1 block that may include the proof.
    pub prove_by: u64,
    /// Seconds to spare by the median; missing when nothing is left to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slack_seconds: Option<f64>,
    /// Seconds to spare at the 99th percentile, when everything else comes first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worst_slack_seconds: Option<f64>,
    /// How urgent that is: `none`, `tight` or `late`; missing when nothing is left to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alarm: Option<String>,
    /// Seconds until its proof must be sent; negative when that is over. Missing when nothing is left to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window_seconds: Option<f64>,
    /// The deposit, in its token's smallest unit.
    #[serde(with = "wire::number")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^0x[0-9a-f]{1,64}$"))]
    pub deposit: U256,
    /// The newest transaction that carries its proof.
    #[serde(with = "wire::hash_option", skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^0x[0-9a-f]{64}$"))]
    pub transaction: Option<B256>,
}
