//! The HTTP endpoint; `proofyard-coordinator-client` documents it.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State, rejection::BytesRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use proofyard_coordinator_client::{Accepted, BlockStatus, ErrorBody, Health, Stage};
use proofyard_job_schema::BlockId;
use serde::Deserialize;

use crate::handle::{Handle, Request};

/// What the endpoint knows beside the coordinator.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Longest block file taken.
    pub block_bytes_max: usize,
    /// Chain that proofs are for.
    pub chain_id: u64,
    /// Verifier contract that proofs are for.
    pub contract: [u8; 20],
    /// Beneficiary that proofs name.
    pub beneficiary: [u8; 20],
    /// Digest of the verifying key.
    pub key_digest: [u8; 32],
    /// The key is the developers' setup's.
    pub insecure_setup: bool,
}

struct Context {
    handle: Handle,
    endpoint: Endpoint,
}

/// The routes.
pub fn router(handle: Handle, endpoint: Endpoint) -> Router {
    let limit = DefaultBodyLimit::max(endpoint.block_bytes_max);
    Router::new()
        .route("/v1/blocks", post(submit).layer(limit))
        .route("/v1/blocks/{id}", get(status))
        .route("/v1/blocks/{id}/proof", get(proof))
        .route("/healthz", get(health))
        .with_state(Arc::new(Context { handle, endpoint }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    subtrees: Option<u32>,
    groups: Option<u32>,
}

fn refuse(status: StatusCode, code: &str, message: String) -> Response {
    (status, Json(ErrorBody { code: code.to_owned(), message, transaction: None })).into_response()
}

fn not_found(what: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, "PY-C-201", format!("{what} is not here"))
}

/// Waits for the block to be executed, so that a refusal is the answer to the request that caused it.
async fn submit(
    State(context): State<Arc<Context>>,
    cut: Result<Query<Cut>, axum::extract::rejection::QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let cut = match cut {
        Ok(Query(cut)) => cut,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "PY-C-202", error.to_string()),
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            let max = context.endpoint.block_bytes_max;
            return refuse(error.status(), "PY-C-203", format!("{error}; at most {max} bytes are taken"));
        }
    };
    let Endpoint { chain_id, contract, beneficiary, .. } = context.endpoint;
    let request = Request { block: body, subtrees: cut.subtrees, groups: cut.groups, chain_id, contract, beneficiary };
    let id = context.handle.submit(request);
    let Some(entry) = context.handle.reached(id, |entry| entry.status.stage != Stage::Executing).await else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-C-204", "the coordinator has stopped".to_owned());
    };
    match (entry.status.stage, entry.status.error) {
        (Stage::Refused, Some(error)) if ["PY-C-101", "PY-C-102"].contains(&error.code.as_str()) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(error)).into_response()
        }
        (Stage::Refused, Some(error)) => (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response(),
        _ => (StatusCode::ACCEPTED, Json(Accepted { id: id.to_string() })).into_response(),
    }
}

async fn status(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Response {
    let entry = id.parse::<BlockId>().ok().and_then(|id| context.handle.watch(id));
    match entry {
        Some(entry) => Json::<BlockStatus>(entry.borrow().current()).into_response(),
        None => not_found("the block"),
    }
}

async fn proof(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Response {
    let entry = id.parse::<BlockId>().ok().and_then(|id| context.handle.watch(id));
    let proven = entry.and_then(|entry| entry.borrow().proven.clone());
    match proven {
        Some(proven) => ([(header::CONTENT_TYPE, "application/octet-stream")], proven.proof.clone()).into_response(),
        None => not_found("the proof"),
    }
}

async fn health(State(context): State<Arc<Context>>) -> Json<Health> {
    let board = context.handle.board();
    let status = if context.handle.is_draining() { "draining" } else { "ok" };
    Json(Health {
        status: status.to_owned(),
        epoch: context.handle.epoch().0,
        insecure_setup: context.endpoint.insecure_setup,
        key_digest: crate::board::hex(&context.endpoint.key_digest),
        blocks: board.unfinished(),
        workers: board.workers(),
    })
}
