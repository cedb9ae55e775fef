//! What only operators may do: who sends their token.

use std::{fmt, fs, io, path::Path as File, sync::Arc};

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use proofyard_coordinator_client::{ErrorBody, OPERATOR_TOKEN_BYTES_MIN, Told};
use proofyard_job_schema::WorkerId;
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::{Context, desk::Undrained, fault::Fault};

/// Longest token file read, in bytes.
const TOKEN_BYTES_MAX: u64 = 4 << 10;

/// The operators' token, as its digest: comparing digests tells nothing of the token by its time.
#[derive(Clone, PartialEq, Eq)]
pub struct OperatorToken([u8; 32]);

impl fmt::Debug for OperatorToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OperatorToken")
    }
}

impl OperatorToken {
    /// The first line of a file.
    pub fn read(path: &File) -> io::Result<Self> {
        let wrong = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        if fs::metadata(path)?.len() > TOKEN_BYTES_MAX {
            return Err(wrong(format!("longer than {TOKEN_BYTES_MAX} bytes")));
        }
        let text = fs::read_to_string(path)?;
        let token = text.lines().next().unwrap_or_default().trim();
        if token.len() < OPERATOR_TOKEN_BYTES_MIN {
            return Err(wrong(format!("its first line has less than {OPERATOR_TOKEN_BYTES_MIN} characters")));
        }
        Ok(Self::of(token))
    }

    fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether a request carries it.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        value.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|token| Self::of(token.trim()) == *self)
    }
}

/// Tells a worker to take no more jobs, to end or hand back those it has, and to leave.
#[utoipa::path(
    post,
    path = "/v1/workers/{worker}/drain",
    operation_id = "drainWorker",
    params(
        ("worker" = String, Path, description = "The worker's name."),
        ("Authorization" = String, Header, description = "`Bearer` and the operators' token."),
    ),
    responses(
        (status = 202, description = "The worker is told.", body = Told),
        (status = 403, description = "The token is missing or wrong, or the coordinator has none.", body = ErrorBody),
        (status = 404, description = "No such worker.", body = ErrorBody),
        (status = 409, description = "The worker is silent.", body = ErrorBody),
        (status = 503, description = "The bus did not take it.", body = ErrorBody),
    ),
)]
pub(super) async fn drain(
    State(context): State<Arc<Context>>,
    worker: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    match &context.limits.operators {
        None => return Err(Fault::no_operators()),
        Some(token) if !token.is_in(&headers) => {
            warn!("a request of an operator came without the operators' token");
            return Err(Fault::no_operator());
        }
        Some(_) => {}
    }
    let name = worker.ok().and_then(|Path(name)| WorkerId::new(&name).ok());
    let worker = name.ok_or_else(|| Fault::undrained(&Undrained::Unknown))?;
    context.desk.drain(&worker).await.map_err(|error| Fault::undrained(&error))?;
    info!(%worker, "an operator drains a worker");
    Ok((StatusCode::ACCEPTED, Json(Told { worker: worker.to_string() })).into_response())
}
