//! The sidecar's own HTTP endpoint.
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /v1/blocks`, body: a block file | 202 `{id}`; 422 coded error when refused; 413 when too long; 503 when full |
//! | `GET /v1/blocks/{id}` | 200 [`Status`]; 404 |
//! | `GET /v1/blocks/{id}/events` | 200 server-sent events, one for each rung, those so far first; `Last-Event-ID` resumes |
//! | `GET /v1/blocks/{id}/file` | 200 the block file, once it is revealed; 404 |
//! | `GET /healthz` | 200 |
//!
//! A block's id is the SHA-256 of its file: the same file handed in twice is one block.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes as Body,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Sent, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures::{StreamExt, stream};
use proofyard_coordinator_client::{Accepted, ErrorBody};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tracing::error;

use crate::{
    blocks,
    core::{
        Event, Rung,
        types::{BlockId, Bytes},
    },
    driver::Shared,
    error::StoreError,
    store::Step,
};

/// Event streams at once.
const FOLLOWERS_MAX: usize = 256;
/// Blocks executed at once on the way in.
const INTAKE_MAX: usize = 2;

/// Everything about one block.
#[derive(Debug, Clone, Serialize)]
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

struct Context {
    shared: Arc<Shared>,
    followers: Arc<Semaphore>,
    intake: Semaphore,
    block_bytes_max: usize,
}

/// The routes.
pub fn router(shared: Arc<Shared>, block_bytes_max: usize) -> Router {
    let context = Context {
        shared,
        followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
        intake: Semaphore::new(INTAKE_MAX),
        block_bytes_max,
    };
    Router::new()
        .route("/v1/blocks", post(submit).layer(DefaultBodyLimit::max(block_bytes_max)))
        .route("/v1/blocks/{id}", get(status))
        .route("/v1/blocks/{id}/events", get(events))
        .route("/v1/blocks/{id}/file", get(file))
        .route("/healthz", get(health))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "PY-S-301", "there is nothing at this path") })
        .with_state(Arc::new(context))
}

fn refuse(status: StatusCode, code: &str, message: impl Into<String>) -> Response {
    (status, Json(ErrorBody { code: code.to_owned(), message: message.into(), transaction: None })).into_response()
}

fn not_found(what: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, "PY-S-302", format!("{what} is not here; check the id"))
}

fn storage(error: &StoreError) -> Response {
    error!(%error, "a request is not answered");
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "PY-S-303", "durable state does not answer; look at the log")
}

fn id_of(text: &str) -> Result<BlockId, Response> {
    text.parse().map_err(|_| refuse(StatusCode::BAD_REQUEST, "PY-S-304", "no block id; give 64 hexadecimal digits"))
}

fn digits(id: BlockId) -> String {
    id.to_string()[2..].to_owned()
}

/// Waits for the block to be executed, so that a refusal is the answer to the request that caused it.
async fn submit(State(context): State<Arc<Context>>, body: Result<Body, BytesRejection>) -> Response {
    let shared = &context.shared;
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            let message = format!("{error}; at most {} bytes are taken", context.block_bytes_max);
            return refuse(error.status(), "PY-S-305", message);
        }
    };
    let id = Bytes(Sha256::digest(&body).into());
    let accepted = || (StatusCode::ACCEPTED, Json(Accepted { id: digits(id) })).into_response();
    match last(shared, id).await {
        // A block that was handed back may be handed in again.
        Ok(Some(step)) if !matches!(step.rung, Rung::HandedBack { .. }) => return accepted(),
        Ok(_) => {}
        Err(error) => return storage(&error),
    }
    if *shared.full.borrow() {
        let message = "the sidecar takes no more blocks for now; hand it in again later";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-101", message);
    }
    let Ok(_turn) = context.intake.acquire().await else { return not_found("the intake") };
    let (classes, file) = (shared.classes.clone(), body.clone());
    let worked = match tokio::task::spawn_blocking(move || blocks::read(&file, &classes)).await {
        Ok(Ok(worked)) => worked,
        Ok(Err(reason)) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, &reason.code, reason.message),
        Err(_) => {
            let message = "executing the block failed; report it with the block file";
            return refuse(StatusCode::INTERNAL_SERVER_ERROR, "PY-S-306", message);
        }
    };
    let plan = worked.plan.clone();
    if let Err(error) = shared.stored(move |store| store.add_block(&body, &worked)).await {
        return storage(&error);
    }
    let mut rungs = shared.rungs.subscribe();
    let before = last(shared, id).await.ok().flatten().map_or(0, |step| step.number);
    if shared.events.send(Event::Received { plan }).is_err() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-307", "the sidecar is stopping; hand it in again later");
    }
    // Taken means written: the first rung is on disk.
    loop {
        match last(shared, id).await {
            Ok(Some(Step { number, rung: Rung::HandedBack { reason }, .. })) if number > before => {
                return refuse(StatusCode::SERVICE_UNAVAILABLE, &reason.code, reason.message);
            }
            Ok(Some(step)) if step.number > before => return accepted(),
            Ok(_) => {}
            Err(error) => return storage(&error),
        }
        if rungs.changed().await.is_err() {
            return refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "PY-S-307",
                "the sidecar is stopping; hand it in again later",
            );
        }
    }
}

async fn last(shared: &Shared, id: BlockId) -> Result<Option<Step>, StoreError> {
    shared.stored(move |store| store.last_rung(id)).await
}

async fn status(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Response {
    let id = match id_of(&id) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    let found = context.shared.stored(move |store| Ok((store.worked(id)?, store.last_rung(id)?))).await;
    match found {
        Ok((Some(worked), last)) => {
            let plan = worked.plan;
            Json(Status {
                id: digits(id),
                transfers: plan.transfers,
                start_root: digits(plan.start.root),
                end_root: digits(plan.end.root),
                last,
            })
            .into_response()
        }
        Ok((None, _)) => not_found("the block"),
        Err(error) => storage(&error),
    }
}

/// The block file, for provers: not before the block is revealed on L1.
async fn file(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Response {
    let id = match id_of(&id) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    let found = context.shared.stored(move |store| Ok((store.file(id)?, store.rungs(id, 0)?))).await;
    match found {
        Ok((Some(file), rungs)) if rungs.iter().any(|step| matches!(step.rung, Rung::Revealed { .. })) => {
            ([(header::CONTENT_TYPE, "application/octet-stream")], file).into_response()
        }
        Ok(_) => not_found("the block file"),
        Err(error) => storage(&error),
    }
}

async fn events(State(context): State<Arc<Context>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let id = match id_of(&id) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    match context.shared.stored(move |store| store.worked(id)).await {
        Ok(Some(_)) => {}
        Ok(None) => return not_found("the block"),
        Err(error) => return storage(&error),
    }
    let Ok(permit) = context.followers.clone().try_acquire_owned() else {
        let message = format!("{FOLLOWERS_MAX} event streams are open already; come again later");
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-308", message);
    };
    let seen = headers.get("last-event-id").and_then(|seen| seen.to_str().ok()?.parse::<u64>().ok());
    let follower = Follower {
        shared: context.shared.clone(),
        rungs: context.shared.rungs.subscribe(),
        id,
        seen: seen.unwrap_or(0),
        is_over: false,
    };
    let steps = stream::unfold((follower, permit), |(mut follower, permit)| async move {
        let steps = follower.next().await?;
        Some((stream::iter(steps), (follower, permit)))
    });
    let events = steps.flatten().filter_map(|step| async move {
        // A step is always JSON.
        Sent::default().id(step.number.to_string()).json_data(&step).ok().map(Ok::<_, Infallible>)
    });
    ([(header::CACHE_CONTROL, "no-store")], Sse::new(events).keep_alive(KeepAlive::default())).into_response()
}

struct Follower {
    shared: Arc<Shared>,
    rungs: tokio::sync::watch::Receiver<u64>,
    id: BlockId,
    seen: u64,
    is_over: bool,
}

impl Follower {
    /// The next rungs; None after the last one.
    async fn next(&mut self) -> Option<Vec<Step>> {
        while !self.is_over {
            self.rungs.mark_unchanged();
            let (id, seen) = (self.id, self.seen);
            let steps = self.shared.stored(move |store| store.rungs(id, seen)).await.ok()?;
            if let Some(last) = steps.last() {
                self.seen = last.number;
                self.is_over = last.rung.is_final();
                return Some(steps);
            }
            let last = last(&self.shared, id).await.ok()?;
            if last.is_some_and(|last| last.rung.is_final()) {
                return None;
            }
            self.rungs.changed().await.ok()?;
        }
        None
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
