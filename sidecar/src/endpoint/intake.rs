//! Taking a block: its body, its execution, its first rung.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use proofyard_coordinator_client::Accepted;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::{Context, Refusal, digits, last, refuse, storage};
use crate::{
    blocks,
    core::{Event, Rung, types::Bytes},
    store::Step,
};

/// A body must have come after this long.
const BODY_TIME: Duration = Duration::from_secs(30);
const STOPPING: &str = "the sidecar is stopping; hand it in again later";

/// Waits for the block to be executed, so that a refusal is the answer to the request that caused it.
pub(super) async fn submit(State(context): State<Arc<Context>>, headers: HeaderMap, body: Body) -> Response {
    let shared = &context.shared;
    let Ok(_reading) = context.bodies.try_acquire() else {
        let message = "too many blocks are being handed in; hand it in again later";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-310", message);
    };
    let body = match read(&headers, body, context.block_bytes_max).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    let id = Bytes(Sha256::digest(&body).into());
    let accepted = || (StatusCode::ACCEPTED, Json(Accepted { id: digits(id) })).into_response();
    let before = match last(shared, id).await {
        // A block that was handed back may be handed in again.
        Ok(Some(step)) if !matches!(step.rung, Rung::HandedBack { .. }) => return accepted(),
        Ok(step) => step.map_or(0, |step| step.number),
        Err(error) => return storage(&error),
    };
    if *shared.full.borrow() {
        let message = "the sidecar takes no more blocks for now; hand it in again later";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-101", message);
    }
    // Never closed.
    let Ok(_turn) = context.executions.acquire().await else { return stopping() };
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
    if shared.events.send(Event::Received { plan }).is_err() {
        return stopping();
    }
    // Taken means written: a rung that was not there is on disk.
    loop {
        match last(shared, id).await {
            Ok(Some(Step { number, rung: Rung::HandedBack { reason }, .. })) if number > before => {
                return refuse(StatusCode::SERVICE_UNAVAILABLE, &reason.code, reason.message);
            }
            Ok(Some(step)) if step.number > before => return accepted(),
            Ok(_) => {}
            Err(error) => return storage(&error),
        }
        tokio::select! {
            changed = rungs.changed() => if changed.is_err() { return stopping() },
            () = shared.events.closed() => return stopping(),
        }
    }
}

fn stopping() -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-307", STOPPING)
}

/// The whole body, no longer than allowed and in time.
async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let too_long = || {
        let message = format!("the body is too long; at most {bytes_max} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PY-S-305", message)
    };
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|said| said > bytes_max) {
        return Err(too_long());
    }
    let until = Instant::now() + BODY_TIME;
    let (mut pieces, mut bytes) = (body.into_data_stream(), Vec::new());
    loop {
        match timeout_at(until, pieces.next()).await {
            Ok(None) => return Ok(bytes),
            Ok(Some(Ok(piece))) if bytes.len() + piece.len() > bytes_max => return Err(too_long()),
            Ok(Some(Ok(piece))) => bytes.extend_from_slice(&piece),
            Ok(Some(Err(_))) => {
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "PY-S-309", "the body broke off; send it again"));
            }
            Err(_) => {
                let message = format!("the body took more than {} s; send it faster", BODY_TIME.as_secs());
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "PY-S-313", message));
            }
        }
    }
}
