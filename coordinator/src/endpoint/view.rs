//! `GET /v1/farm` and its events: everything there is to see, for people.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use proofyard_coordinator_client::{ErrorBody, FarmView};
use tokio::{sync::watch, time::sleep};

use super::{
    Context,
    desk::Desk,
    events::{BUFFERING, KEEP_ALIVE},
    farm::fresh,
    fault::Fault,
};

/// Between two looks at the farm, while somebody watches.
const PAUSE: Duration = Duration::from_millis(400);

/// The farm.
#[utoipa::path(
    get,
    path = "/v1/farm",
    operation_id = "farmView",
    responses((status = 200, description = "Blocks, workers and promises.", body = FarmView)),
)]
pub(super) async fn view(State(context): State<Arc<Context>>) -> Response {
    fresh(StatusCode::OK, context.feed.view(&*context.desk).await)
}

/// The farm as it changes. An event holds all of it, so that one that was missed is no loss.
#[utoipa::path(
    get,
    path = "/v1/farm/events",
    operation_id = "farmEvents",
    responses(
        (status = 200, description = "Server-sent events; `data` is a FarmView.", body = FarmView,
            content_type = "text/event-stream"),
        (status = 503, description = "Too many streams.", body = ErrorBody),
    ),
)]
pub(super) async fn events(State(context): State<Arc<Context>>) -> Result<Response, Fault> {
    let permit = context.followers.clone().try_acquire_owned().map_err(|_| Fault::followers())?;
    let watched = context.feed.watch(&context.desk);
    let events = stream::unfold((watched, permit), |(mut watched, permit)| async move {
        watched.changed().await.ok()?;
        let json = watched.borrow_and_update().clone();
        Some((Ok::<_, Infallible>(Event::default().data(&*json)), (watched, permit)))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(header::CACHE_CONTROL, "no-store"), (BUFFERING, "no")], events).into_response())
}

/// The view as JSON, made once for all who watch, and only while somebody does.
pub(super) struct Feed {
    explorer_url: Option<String>,
    /// None while nobody watches.
    sender: Mutex<Option<watch::Sender<Arc<str>>>>,
}

impl Feed {
    /// `explorer_url`: what views name as the chain's block explorer.
    pub fn new(explorer_url: Option<String>) -> Self {
        Self { explorer_url, sender: Mutex::default() }
    }

    async fn view(&self, desk: &dyn Desk) -> FarmView {
        FarmView { explorer_url: self.explorer_url.clone(), ..desk.view().await }
    }

    /// What is there now counts as a change.
    fn watch(self: &Arc<Self>, desk: &Arc<dyn Desk>) -> watch::Receiver<Arc<str>> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            let mut watched = sender.subscribe();
            // Before the first look there is nothing to show yet.
            if !watched.borrow().is_empty() {
                watched.mark_changed();
            }
            return watched;
        }
        let (new, watched) = watch::channel(Arc::from(""));
        *sender = Some(new);
        tokio::spawn(look(self.clone(), desk.clone()));
        watched
    }

    /// Shows what was seen; false, and nothing is kept, when nobody watches any more.
    fn show(&self, json: Arc<str>) -> bool {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = sender.as_ref().is_some_and(|sender| sender.receiver_count() > 0);
        match &*sender {
            Some(sender) if watched => {
                sender.send_if_modified(|shown| {
                    let differs = *shown != json;
                    *shown = json;
                    differs
                });
            }
            _ => *sender = None,
        }
        watched
    }
}

/// Looks at the farm as long as somebody watches.
async fn look(feed: Arc<Feed>, desk: Arc<dyn Desk>) {
    loop {
        // A view of strings, lists and finite numbers serialises.
        let json = serde_json::to_string(&feed.view(&*desk).await).unwrap_or_default();
        if !feed.show(json.into()) {
            return;
        }
        sleep(PAUSE).await;
    }
}
