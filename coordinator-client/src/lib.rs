//! The coordinator's HTTP endpoint: what its answers contain, and a client.
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /v1/blocks[?subtrees=M][&groups=J]`, body: a block file | 202 [`Accepted`]; 422 [`ErrorBody`] when refused; 503 when full or stopping |
//! | `GET /v1/blocks/{id}` | 200 [`BlockStatus`]; 404 |
//! | `GET /v1/blocks/{id}/proof` | 200 the root proof's bytes; 404 until it is there |
//! | `GET /healthz` | 200 [`Health`] |
//!
//! A block's id is the SHA-256 of its file, so handing the same block in twice is one block.

mod client;
mod error;
mod types;

pub use client::{Client, Timeouts};
pub use error::ClientError;
pub use types::{Accepted, BlockStatus, Culprit, ErrorBody, Health, ProofSummary, RoundTime, Stage, WorkerStatus};
