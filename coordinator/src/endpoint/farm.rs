//! What the coordinator says of itself.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use proofyard_coordinator_client::{FarmStatus, Health, Readiness};

use super::Context;

/// An answer that is true only now.
pub(super) fn fresh(status: StatusCode, json: impl serde::Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json)).into_response()
}

/// What sequencers want to know.
#[utoipa::path(
    get,
    path = "/v1/status",
    operation_id = "farmStatus",
    responses((status = 200, description = "The coordinator and its farm.", body = FarmStatus)),
)]
pub(super) async fn status(State(context): State<Arc<Context>>) -> Response {
    fresh(StatusCode::OK, context.desk.status().await)
}

/// The process is alive.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "health",
    responses((status = 200, description = "Alive.", body = Health)),
)]
pub(super) async fn health(State(context): State<Arc<Context>>) -> Response {
    fresh(StatusCode::OK, context.desk.health().await)
}

/// Blocks can be taken.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readiness",
    responses(
        (status = 200, description = "Ready.", body = Readiness),
        (status = 503, description = "Not ready; the checks say why.", body = Readiness),
    ),
)]
pub(super) async fn ready(State(context): State<Arc<Context>>) -> Response {
    let readiness = context.desk.ready().await;
    fresh(if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, readiness)
}
