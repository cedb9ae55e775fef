//! `POST /v1/quotes`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use proofyard_coordinator_client::{
    ErrorBody, QuoteRequest, SignedQuote,
    auth::{DECLINE_HEADER, TIMEOUT_HEADER},
};
use tokio::time::{Instant, timeout_at};

use super::{
    Context, Incoming, blocks::is_json, body, desk::Declined, fault::Fault, gate::single, limits::QUOTE_BYTES_MAX,
};

/// Longest time that a caller may name.
const TIMEOUT_MS_MAX: u64 = 600_000;
/// Longest reason that fits the header.
const REASON_BYTES_MAX: usize = 200;

/// Ask for a quote. Signed by the sequencer.
#[utoipa::path(
    post,
    path = "/v1/quotes",
    operation_id = "askForQuote",
    request_body = QuoteRequest,
    params(
        ("Date-Milliseconds" = u64, Header, description = "Unix time, part of what is signed."),
        ("X-Timeout-Ms" = Option<u64>, Header, minimum = 1, maximum = 600_000,
            description = "How long the caller waits; later there is a 204."),
    ),
    security(("signed" = [])),
    responses(
        (status = 200, description = "An offer.", body = SignedQuote),
        (status = 204, description = "No offer; the header says why.",
            headers(("Proofyard-Decline" = String, description = "`PY-Q-nnn reason`"))),
        (status = "4XX", description = "The request is not taken.", body = ErrorBody),
        (status = "5XX", description = "Not now.", body = ErrorBody),
    ),
)]
pub(super) async fn quote(State(context): State<Arc<Context>>, request: Incoming) -> Result<Response, Fault> {
    let received = Instant::now();
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        return Err(Fault::content_type("application/json"));
    }
    let wait = wait(&parts.headers)?.unwrap_or(context.limits.quote_time).min(context.limits.quote_time);
    let deadline = received + wait;
    let stamp = context.gate.look(&parts.headers)?;
    let time = context.limits.body_time;
    let body = body::read(&parts.headers, body, QUOTE_BYTES_MAX, &context.budget, time).await?;
    let caller = context.gate.admit(&stamp, &parts, &body.sha256)?;
    let request: QuoteRequest = serde_json::from_slice(&body.bytes).map_err(|error| Fault::json(&error.to_string()))?;
    if request.sequencer != caller {
        return Err(Fault::not_the_sequencer());
    }
    request.check().map_err(|error| Fault::field(&error.to_string()))?;
    let desk = context.desk.clone();
    // On a task of its own: what was begun is finished, whoever still waits.
    let asked = tokio::spawn(async move { desk.quote(request, caller, deadline).await });
    match timeout_at(deadline, asked).await {
        Ok(Ok(Ok(quote))) => Ok(Json(quote).into_response()),
        Ok(Ok(Err(declined))) => Ok(decline(&declined)),
        Ok(Err(_)) => Err(Fault::internal()),
        Err(_) => Ok(decline(&Declined::new("PY-Q-090", "no quote in time; wait longer, or ask another prover"))),
    }
}

fn wait(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    let header = single(headers, TIMEOUT_HEADER, "one value").map_err(|_| Fault::timeout_header())?;
    let Some(text) = header else { return Ok(None) };
    let digits = text.len() <= 6 && text.bytes().all(|digit| digit.is_ascii_digit());
    let wait_ms = text.parse().ok().filter(|wait_ms| digits && (1..=TIMEOUT_MS_MAX).contains(wait_ms));
    wait_ms.map(|wait_ms| Some(Duration::from_millis(wait_ms))).ok_or_else(Fault::timeout_header)
}

fn decline(declined: &Declined) -> Response {
    let printable = |char: char| if char.is_ascii_graphic() { char } else { ' ' };
    let reason: String = declined.reason.chars().take(REASON_BYTES_MAX).map(printable).collect();
    let header = HeaderValue::from_str(&format!("{} {}", declined.code, reason.trim()));
    let header = header.unwrap_or(HeaderValue::from_static("PY-Q-099 no reason"));
    (StatusCode::NO_CONTENT, [(DECLINE_HEADER, header)]).into_response()
}
