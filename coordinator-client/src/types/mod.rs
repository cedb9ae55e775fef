//! The endpoint's JSON. Requests refuse unknown fields and cap every string and list; answers may gain fields.

mod block;
mod farm;
mod ladder;
mod quote;
mod refusal;
mod submission;
mod view;
pub mod wire;

pub use block::{Accepted, BlockStatus, Culprit, ProofSummary, RoundTime, Stage};
pub use farm::{Check, ClassStatus, FarmStatus, Health, Readiness, WorkerStatus};
pub use ladder::{Ladder, Rung};
pub use quote::{Quote, QuoteRequest, SignedQuote};
pub use refusal::{ErrorBody, FieldError};
pub use submission::{BlockSubmission, Header, Receipt, SignedReceipt};
pub use view::{
    BlockView, FarmView, GroupView, MarketView, OPERATOR_TOKEN_BYTES_MIN, PromiseView, ThroughputView, Told,
};

/// Groups of a block at most; the verifier's limit.
pub const GROUPS_MAX: usize = 16;
/// Subtrees of a block at most; the farm's limit.
pub const SUBTREES_MAX: u32 = 256;
/// Base-2 logarithm of the rows of a subtree at most.
pub const ROWS_LOG2_MAX: u32 = 28;
/// Longest signature taken, in bytes: a key's has 65, a contract's (ERC-1271) may be longer.
pub const SIGNATURE_BYTES_MAX: usize = 1_024;
/// Longest data URI taken, in bytes.
pub const URI_BYTES_MAX: usize = 1_024;
/// Longest block file that the types take, in bytes; a coordinator's own limit may be lower.
pub const BLOCK_FILE_BYTES_MAX: usize = 64 << 20;
