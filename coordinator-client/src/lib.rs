//! The coordinator's HTTP endpoint: its messages, signed requests, and a client. docs/sidecar.md, section 7, says what they mean.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /v1/status` | 200 [`FarmStatus`] |
//! | `POST /v1/quotes`, signed: [`QuoteRequest`] | 200 [`SignedQuote`]; 204 with `Proofyard-Decline` |
//! | `POST /v1/blocks`, signed: [`BlockSubmission`] | 202 [`SignedReceipt`] |
//! | `POST /v1/blocks[?subtrees=M][&groups=J]`, body: a block file | 202 [`Accepted`]; only where unquoted blocks are taken |
//! | `GET /v1/blocks/{id}` | 200 [`BlockStatus`] |
//! | `GET /v1/blocks/{id}/events` | 200 server-sent events, each a [`BlockStatus`] |
//! | `GET /v1/blocks/{id}/proof` | 200 the root proof's bytes; 404 until it is there |
//! | `GET /v1/farm` | 200 [`FarmView`]: blocks, workers, promises |
//! | `GET /v1/farm/events` | 200 server-sent events, each a [`FarmView`] |
//! | `POST /v1/workers/{worker}/drain`, with the operators' token | 202; the worker finishes or hands back its jobs and ends |
//! | `GET /healthz`, `GET /readyz` | 200 [`Health`]; 200 or 503 [`Readiness`] |
//! | `GET /openapi.json` | all of this, for machines |
//!
//! Every refusal is an [`ErrorBody`]. A block's id is the SHA-256 of its file, so handing the same block in twice is one block.

pub mod auth;
mod client;
mod error;
pub mod sse;
mod types;

pub use client::{Client, Follow, QuoteAnswer, Timeouts};
pub use error::ClientError;
pub use types::{
    Accepted, BLOCK_FILE_BYTES_MAX, BlockStatus, BlockSubmission, BlockView, Check, ClassStatus, Culprit, ErrorBody,
    FarmStatus, FarmView, FieldError, GROUPS_MAX, GroupView, Header, Health, Ladder, MarketView,
    OPERATOR_TOKEN_BYTES_MIN, PromiseView, ProofSummary, Quote, QuoteRequest, ROWS_LOG2_MAX, Readiness, Receipt,
    RoundTime, Rung, SIGNATURE_BYTES_MAX, SUBTREES_MAX, SignedQuote, SignedReceipt, Stage, ThroughputView, Told,
    URI_BYTES_MAX, WorkerStatus, wire,
};
