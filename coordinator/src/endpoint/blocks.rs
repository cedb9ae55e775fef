//! `/v1/blocks`: handing blocks in, asking about them, fetching proofs.

use std::sync::Arc;

use alloy_primitives::B256;
use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use proofyard_coordinator_client::{Accepted, BlockStatus, BlockSubmission, ErrorBody, SignedReceipt};
use proofyard_job_schema::BlockId;
use serde::{Deserialize, Serialize};

use super::{
    Context, Incoming,
    body::{self, Received},
    desk::Cut,
    document::Octets,
    etag,
    fault::Fault,
};

const OCTETS: &str = "application/octet-stream";
/// A proof never changes once it is there.
const KEPT: &str = "public, max-age=31536000, immutable";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CutQuery {
    subtrees: Option<u32>,
    groups: Option<u32>,
}

/// The answer to a block that is taken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum Taken {
    /// Under a quote.
    UnderAQuote(SignedReceipt),
    /// As a bare file.
    Bare(Accepted),
}

/// The content type, in lower case, without parameters.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return None };
    Some(kind.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase())
}

/// True when the body is said to be JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).as_deref() == Some("application/json")
}

/// A block id or a block commitment.
pub(super) fn block_key(id: Result<Path<String>, PathRejection>) -> Result<B256, Fault> {
    let Path(id) = id.map_err(|_| Fault::id())?;
    id.parse().map(|BlockId(bytes)| B256::new(bytes)).map_err(|_| Fault::id())
}

/// Hand a block over under an accepted quote, signed by the sequencer; or a bare block file, where that is allowed.
#[utoipa::path(
    post,
    path = "/v1/blocks",
    operation_id = "handBlockOver",
    request_body(
        content(
            (BlockSubmission = "application/json"),
            (Octets = "application/octet-stream"),
        ),
    ),
    params(
        ("Date-Milliseconds" = Option<u64>, Header, description = "Submissions under a quote: Unix time, part of what is signed."),
        ("subtrees" = Option<u32>, Query, description = "Bare files only: subtrees in all groups; as few as hold the block by default."),
        ("groups" = Option<u32>, Query, description = "Bare files only: groups; one by default."),
    ),
    security(("signed" = []), ()),
    responses(
        (status = 202, description = "Taken: a receipt; for a bare file its id.", body = Taken),
        (status = "4XX", description = "The block is not taken.", body = ErrorBody),
        (status = "5XX", description = "Not now.", body = ErrorBody),
    ),
)]
pub(super) async fn submit(
    State(context): State<Arc<Context>>,
    cut: Result<Query<CutQuery>, QueryRejection>,
    request: Incoming,
) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    match content_type(&parts.headers).as_deref() {
        Some("application/json") => under_a_quote(&context, &parts, body).await,
        Some(OCTETS) => {
            if !context.limits.unquoted {
                return Err(Fault::unquoted());
            }
            let Query(CutQuery { subtrees, groups }) = cut.map_err(|error| Fault::query(&error.body_text()))?;
            bare(&context, &parts, body, Cut { subtrees, groups }).await
        }
        _ => Err(Fault::content_type("application/json, or application/octet-stream for a bare block file")),
    }
}

async fn under_a_quote(context: &Context, parts: &Parts, body: axum::body::Body) -> Result<Response, Fault> {
    let limits = &context.limits;
    let stamp = context.gate.look(&parts.headers)?;
    let max = limits.submission_bytes_max();
    let body = body::read(&parts.headers, body, max, &context.budget, limits.body_time).await?;
    let caller = context.gate.admit(&stamp, parts, &body.sha256)?;
    let Received { bytes, held, .. } = body;
    // A block file of many megabytes in base64 takes longer than the async threads should be held.
    let parsed = tokio::task::spawn_blocking(move || serde_json::from_slice::<BlockSubmission>(&bytes)).await;
    let submission = parsed.map_err(|_| Fault::internal())?.map_err(|error| Fault::json(&error.to_string()))?;
    if submission.quote.quote.sequencer != caller {
        return Err(Fault::not_the_sequencer());
    }
    if submission.block.len() > limits.block_bytes_max {
        return Err(Fault::too_long(limits.block_bytes_max));
    }
    submission.check().map_err(|error| Fault::field(&error.to_string()))?;
    let desk = context.desk.clone();
    let accepted = tokio::spawn(async move {
        let accepted = desk.accept(submission, caller).await;
        drop(held);
        accepted
    });
    let receipt = accepted.await.map_err(|_| Fault::internal())??;
    Ok((StatusCode::ACCEPTED, Json(Taken::UnderAQuote(receipt))).into_response())
}

/// Waits for the block to be executed, so that a refusal is the answer to the request that caused it.
async fn bare(context: &Context, parts: &Parts, body: axum::body::Body, cut: Cut) -> Result<Response, Fault> {
    let limits = &context.limits;
    let body = body::read(&parts.headers, body, limits.block_bytes_max, &context.budget, limits.body_time).await?;
    let desk = context.desk.clone();
    let taken = tokio::spawn(async move {
        let Received { bytes, held, .. } = body;
        let taken = desk.take(bytes.into(), cut).await;
        drop(held);
        taken
    });
    let accepted = taken.await.map_err(|_| Fault::internal())??;
    Ok((StatusCode::ACCEPTED, Json(Taken::Bare(accepted))).into_response())
}

/// Where a block stands.
#[utoipa::path(
    get,
    path = "/v1/blocks/{id}",
    operation_id = "blockStatus",
    params(("id" = String, Path, description = "Block id or block commitment: 64 hexadecimal digits, optionally after 0x.")),
    responses(
        (status = 200, description = "Its status.", body = BlockStatus),
        (status = 400, description = "No id.", body = ErrorBody),
        (status = 404, description = "No such block.", body = ErrorBody),
    ),
)]
pub(super) async fn status(
    State(context): State<Arc<Context>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Fault> {
    let follower = context.desk.follow(block_key(id)?).await;
    let status = follower.and_then(|follower| follower.present()).ok_or_else(|| Fault::not_here("the block"))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(status)).into_response())
}

/// The root proof of a block, for anyone.
#[utoipa::path(
    get,
    path = "/v1/blocks/{id}/proof",
    operation_id = "blockProof",
    params(("id" = String, Path, description = "Block id or block commitment: 64 hexadecimal digits, optionally after 0x.")),
    responses(
        (status = 200, description = "The encoded root proof; its SHA-256 is the ETag.", body = Octets,
            content_type = "application/octet-stream", headers(("ETag" = String))),
        (status = 304, description = "The caller has it: its If-None-Match names it."),
        (status = 400, description = "No id.", body = ErrorBody),
        (status = 404, description = "No such block, or no proof yet.", body = ErrorBody),
    ),
)]
pub(super) async fn proof(
    State(context): State<Arc<Context>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let proof = context.desk.proof(block_key(id)?).await.ok_or_else(|| Fault::not_here("the proof"))?;
    let tag = etag::tag(&proof.sha256);
    let cached: [(HeaderName, String); 2] = [(header::CACHE_CONTROL, KEPT.to_owned()), (header::ETAG, tag.clone())];
    if etag::is_held(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, cached).into_response());
    }
    let bytes: Bytes = proof.bytes;
    Ok((cached, [(header::CONTENT_TYPE, OCTETS)], bytes).into_response())
}
