//! The HTTP endpoint; docs/sidecar.md, section 7. [`Desk`] decides, this guards: who sends, how much, how often, in what form.
//!
//! Every answer that is no success is an [`ErrorBody`](proofyard_coordinator_client::ErrorBody) with a code `PY-C-2nn` of the
//! endpoint, `PY-H-0nn` of the signature, or the desk's own. Memory is bounded: bodies by [`Limits::bodies_bytes_max`] (a block file
//! on its way from base64 to the desk by as much again), callers and nonces by [`Limits::rate`] and [`Limits::replay`],
//! followers by [`Limits::followers_max`], connections by [`Connections`], which also ends those that say or read nothing.

mod blocks;
mod body;
mod config;
pub mod desk;
mod document;
mod etag;
mod events;
mod farm;
mod farm_desk;
mod fault;
mod gate;
mod limits;
mod operators;
mod page;
mod quotes;
mod view;

use std::sync::Arc;

use axum::{
    Router,
    http::Request,
    routing::{MethodRouter, get, post},
};
use tokio::sync::Semaphore;

pub use config::IntakeConfig;
pub use desk::{Cut, Declined, Desk, Proof, Refusal, Undrained, Why};
pub use document::document;
pub use farm_desk::{FarmDesk, Statement};
pub use limits::Limits;
pub use operators::OperatorToken;
pub use proofyard_telemetry::http::{Connections, serve};

use body::Budget;
use fault::Fault;
use gate::Gate;

/// What all requests share.
struct Context {
    desk: Arc<dyn Desk>,
    limits: Limits,
    gate: Gate,
    budget: Budget,
    followers: Arc<Semaphore>,
    feed: Arc<view::Feed>,
}

/// All paths with their methods, the live page's besides.
fn routes() -> [(&'static str, MethodRouter<Arc<Context>>); 12] {
    [
        ("/v1/status", get(farm::status)),
        ("/v1/farm", get(view::view)),
        ("/v1/farm/events", get(view::events)),
        ("/v1/workers/{worker}/drain", post(operators::drain)),
        ("/v1/quotes", post(quotes::quote)),
        ("/v1/blocks", post(blocks::submit)),
        ("/v1/blocks/{id}", get(blocks::status)),
        ("/v1/blocks/{id}/events", get(events::events)),
        ("/v1/blocks/{id}/proof", get(blocks::proof)),
        ("/healthz", get(farm::health)),
        ("/readyz", get(farm::ready)),
        ("/openapi.json", get(document::serve_document)),
    ]
}

/// The endpoint of a desk.
pub fn router(desk: Arc<dyn Desk>, limits: Limits) -> Router {
    let context = Context {
        desk,
        gate: Gate::new(&limits),
        budget: Budget::new(limits.bodies_bytes_max),
        followers: Arc::new(Semaphore::new(limits.followers_max)),
        feed: Arc::new(view::Feed::new(limits.explorer_url.clone())),
        limits,
    };
    let all = routes().into_iter().chain(page::routes());
    let all = all.fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    all.fallback(|| async { Fault::no_route() })
        .method_not_allowed_fallback(|| async { Fault::method() })
        .with_state(Arc::new(context))
}

/// A request as handlers take it: nothing of its body is read yet.
type Incoming = Request<axum::body::Body>;
