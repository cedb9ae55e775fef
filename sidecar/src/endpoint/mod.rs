//! The sidecar's own HTTP endpoint.
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /v1/blocks`, body: a block file | 202 `{id}`; 422 coded error when refused; 413 when too long; 503 when full |
//! | `GET /v1/blocks?limit=N` | 200 `{blocks}`: a [`Status`] for each of the last blocks, the newest first |
//! | `GET /v1/blocks/{id}` | 200 [`Status`]; 404 |
//! | `GET /v1/blocks/{id}/events` | 200 server-sent events, one for each rung, those so far first; `Last-Event-ID` resumes, 204 after the last |
//! | `GET /v1/blocks/{id}/file` | 200 the block file, once it is revealed; 404 |
//! | `GET /healthz` | 200 |
//!
//! A block's id is the SHA-256 of its file: the same file handed in twice is one block. Errors are `{code, message}`; what may be tried
//! again later says when (`Retry-After`).

mod events;
mod intake;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::stream;
use proofyard_coordinator_client::ErrorBody;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tracing::error;

use crate::{
    blocks::Worked,
    core::types::{BlockId, Hash},
    driver::Shared,
    error::StoreError,
    store::Step,
};

/// Event streams at once.
const FOLLOWERS_MAX: usize = 128;
/// Bodies read at once: with the longest of each, what they hold in memory.
const BODIES_MAX: usize = 8;
/// Block files sent at once.
const FILES_MAX: usize = 16;
/// A block file is sent in pieces of this many bytes.
const PIECE: usize = 64 << 10;
/// Blocks executed at once on the way in.
const EXECUTIONS_MAX: usize = 2;
/// Most blocks of a list, and how many when none is asked for.
const LIST_MAX: u32 = 200;
const LIST: u32 = 50;
/// When to come again, in seconds.
const RETRY_AFTER: &str = "2";

/// Everything about one block.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Its id, 64 hexadecimal digits.
    pub id: String,
    /// Transfers in it.
    pub transfers: u32,
    /// State root before it.
    pub start_root: String,
    /// State root after it.
    pub end_root: String,
    /// The last rung it reached, with its number and time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Step>,
}

impl Status {
    fn new(worked: Worked, last: Option<Step>) -> Self {
        let plan = worked.plan;
        Self {
            id: digits(plan.id),
            transfers: plan.transfers,
            start_root: digits(plan.start.root),
            end_root: digits(plan.end.root),
            last,
        }
    }
}

struct Context {
    shared: Arc<Shared>,
    followers: Arc<Semaphore>,
    bodies: Semaphore,
    executions: Semaphore,
    files: Arc<Semaphore>,
    block_bytes_max: usize,
}

/// The routes.
pub fn router(shared: Arc<Shared>, block_bytes_max: usize) -> Router {
    let routes = Router::new()
        .route("/v1/blocks", post(intake::submit).get(list))
        .route("/v1/blocks/{id}", get(status))
        .route("/v1/blocks/{id}/events", get(events::events))
        .route("/v1/blocks/{id}/file", get(file))
        .route("/healthz", get(health));
    complete(routes, shared, block_bytes_max)
}

/// What strangers may reach: revealed block files.
pub fn public_router(shared: Arc<Shared>) -> Router {
    complete(Router::new().route("/v1/blocks/{id}/file", get(file)), shared, 0)
}

fn complete(routes: Router<Arc<Context>>, shared: Arc<Shared>, block_bytes_max: usize) -> Router {
    let context = Context {
        shared,
        followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
        bodies: Semaphore::new(BODIES_MAX),
        executions: Semaphore::new(EXECUTIONS_MAX),
        files: Arc::new(Semaphore::new(FILES_MAX)),
        block_bytes_max,
    };
    let no_method = || async {
        let message = "this path does not take that method; see docs/sidecar.md, section 9";
        refuse(StatusCode::METHOD_NOT_ALLOWED, "PY-S-311", message)
    };
    let nothing = || async { refuse(StatusCode::NOT_FOUND, "PY-S-301", "there is nothing at this path") };
    routes.fallback(nothing).method_not_allowed_fallback(no_method).with_state(Arc::new(context))
}

/// A coded error.
struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let body = Json(ErrorBody { code, message, transaction: None });
        match status {
            StatusCode::SERVICE_UNAVAILABLE => (status, [(header::RETRY_AFTER, RETRY_AFTER)], body).into_response(),
            _ => (status, body).into_response(),
        }
    }
}

fn refuse(status: StatusCode, code: &str, message: impl Into<String>) -> Response {
    Refusal::new(status, code, message).into_response()
}

fn not_found(what: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, "PY-S-302", format!("{what} is not here; check the id"))
}

fn storage(error: &StoreError) -> Response {
    error!(%error, "a request is not answered");
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "PY-S-303", "durable state does not answer; look at the log")
}

fn id_of(text: &str) -> Result<BlockId, Refusal> {
    text.parse()
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "PY-S-304", "no block id; give 64 hexadecimal digits"))
}

fn digits(hash: Hash) -> String {
    hash.to_string()[2..].to_owned()
}

async fn last(shared: &Shared, id: BlockId) -> Result<Option<Step>, StoreError> {
    shared.stored(move |store| store.last_rung(id)).await
}

async fn status(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Response {
    let id = match id_of(&id) {
        Ok(id) => id,
        Err(refusal) => return refusal.into_response(),
    };
    let found = context.shared.stored(move |store| Ok((store.worked(id)?, store.last_rung(id)?))).await;
    match found {
        Ok((Some(worked), last)) => Json(Status::new(worked, last)).into_response(),
        Ok((None, _)) => not_found("the block"),
        Err(error) => storage(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(default = "list_default")]
    limit: u32,
}

fn list_default() -> u32 {
    LIST
}

#[derive(Serialize)]
struct Blocks {
    blocks: Vec<Status>,
}

async fn list(State(context): State<Arc<Context>>, query: Result<Query<ListQuery>, QueryRejection>) -> Response {
    let limit = match query {
        Ok(Query(ListQuery { limit })) if (1..=LIST_MAX).contains(&limit) => limit,
        _ => {
            let message = format!("give limit = 1 to {LIST_MAX}, or nothing");
            return refuse(StatusCode::BAD_REQUEST, "PY-S-312", message);
        }
    };
    match context.shared.stored(move |store| store.latest(limit)).await {
        Ok(found) => {
            let blocks = found.into_iter().map(|(worked, last)| Status::new(worked, last)).collect();
            Json(Blocks { blocks }).into_response()
        }
        Err(error) => storage(&error),
    }
}

/// The block file, for provers: not before the block is revealed on L1.
async fn file(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Response {
    let id = match id_of(&id) {
        Ok(id) => id,
        Err(refusal) => return refusal.into_response(),
    };
    let Ok(permit) = context.files.clone().try_acquire_owned() else {
        let message = format!("{FILES_MAX} block files are being sent already; come again later");
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-314", message);
    };
    let found = context.shared.stored(move |store| {
        let is_revealed = store.rungs(id, 0)?.iter().any(|step| step.rung.is_revealed());
        if is_revealed { store.file(id) } else { Ok(None) }
    });
    match found.await {
        Ok(Some(file)) => {
            let length = file.len().to_string();
            let headers =
                [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_LENGTH, length)];
            // The permit is given back with the last piece.
            let pieces = stream::unfold((Bytes::from(file), permit), |(mut rest, permit)| async move {
                let piece = rest.split_to(rest.len().min(PIECE));
                (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), (rest, permit)))
            });
            (headers, Body::from_stream(pieces)).into_response()
        }
        Ok(None) => not_found("the block file"),
        Err(error) => storage(&error),
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    l1_block: Option<u64>,
}

async fn health(State(context): State<Arc<Context>>) -> Response {
    let l1_block = context.shared.view.borrow().as_ref().map(|view| view.number);
    Json(Health { status: "ok", l1_block }).into_response()
}
