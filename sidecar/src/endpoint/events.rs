//! A block's rungs as server-sent events.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Sent, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use tokio::sync::watch;

use super::{Context, FOLLOWERS_MAX, id_of, last, not_found, refuse, storage};
use crate::{core::types::BlockId, driver::Shared, store::Step};

pub(super) async fn events(
    State(context): State<Arc<Context>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let id = match id_of(&id) {
        Ok(id) => id,
        Err(refusal) => return refusal.into_response(),
    };
    let shared = context.shared.clone();
    let last = match shared.stored(move |store| Ok((store.worked(id)?, store.last_rung(id)?))).await {
        Ok((Some(_), last)) => last,
        Ok((None, _)) => return not_found("the block"),
        Err(error) => return storage(&error),
    };
    let seen = headers.get("last-event-id").and_then(|seen| seen.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
    if last.is_some_and(|last| last.rung.is_final() && last.number <= seen) {
        // Tells a reader that comes again by itself to stop.
        return StatusCode::NO_CONTENT.into_response();
    }
    let Ok(permit) = context.followers.clone().try_acquire_owned() else {
        let message = format!("{FOLLOWERS_MAX} event streams are open already; come again later");
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "PY-S-308", message);
    };
    let follower = Follower { rungs: shared.rungs.subscribe(), shared, id, seen, is_over: false };
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
    rungs: watch::Receiver<u64>,
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
