//! `GET /v1/blocks/{id}/events`: a block's status as it changes.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use proofyard_coordinator_client::{BlockStatus, ErrorBody};

use super::{Context, blocks::block_key, fault::Fault};

/// A comment goes out when nothing else has for this long.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Tells the one proxy that would hold events back not to.
pub(super) const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A block's status, the present one first, then one event for each change until the final one. Event ids name changes; a reader
/// too slow for all of them skips the oldest.
#[utoipa::path(
    get,
    path = "/v1/blocks/{id}/events",
    operation_id = "blockEvents",
    params(
        ("id" = String, Path, description = "Block id or block commitment: 64 hexadecimal digits, optionally after 0x."),
        ("Last-Event-ID" = Option<String>, Header, description = "Goes on after this event."),
    ),
    responses(
        (status = 200, description = "Server-sent events; `data` is a BlockStatus.", body = BlockStatus,
            content_type = "text/event-stream"),
        (status = 204, description = "Last-Event-ID was the final one: nothing more will come."),
        (status = 400, description = "No id.", body = ErrorBody),
        (status = 404, description = "No such block.", body = ErrorBody),
        (status = 503, description = "Too many streams.", body = ErrorBody),
    ),
)]
pub(super) async fn events(
    State(context): State<Arc<Context>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let id = block_key(id)?;
    let permit = context.followers.clone().try_acquire_owned().map_err(|_| Fault::followers())?;
    let mut follower = context.desk.follow(id).await.ok_or_else(|| Fault::not_here("the block"))?;
    let seen = headers.get("last-event-id").and_then(|seen| seen.to_str().ok()?.parse().ok());
    if let Some(seen) = seen {
        follower.resume(seen);
    }
    if follower.is_ended() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = stream::unfold((follower, permit), |(mut follower, permit)| async move {
        let change = follower.next().await?;
        let event = Event::default().id(change.id.to_string()).json_data(&*change.status);
        // A status without its data is none: the stream ends and is taken up again.
        Some((Ok::<_, Infallible>(event.ok()?), (follower, permit)))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(header::CACHE_CONTROL, "no-store"), (BUFFERING, "no")], events).into_response())
}
