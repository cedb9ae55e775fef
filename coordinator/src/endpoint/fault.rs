//! Refusals as answers: a status, a code, a message with a remedy.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use proofyard_coordinator_client::{ErrorBody, auth::AuthError};

use super::desk::{Refusal, Undrained, Why};

/// Longest part of a message that comes from a parser.
const REASON_BYTES_MAX: usize = 300;

/// A request that is not answered with what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    status: StatusCode,
    body: ErrorBody,
    retry_after_seconds: Option<u64>,
}

impl Fault {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let body = ErrorBody { code: code.to_owned(), message: message.into(), transaction: None };
        Self { status, body, retry_after_seconds: None }
    }

    pub fn not_here(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "PY-C-201", format!("{what} is not here; check the id, or ask again later"))
    }

    pub fn query(reason: &str) -> Self {
        let message = format!("query: {}; take subtrees=M and groups=J, or leave them out", clip(reason));
        Self::new(StatusCode::BAD_REQUEST, "PY-C-202", message)
    }

    pub fn too_long(max: usize) -> Self {
        let message = format!("the body is longer than the {max} bytes that are taken; send a smaller block");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PY-C-203", message)
    }

    pub fn content_type(expected: &str) -> Self {
        let message = format!("this content type is not taken; send {expected}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "PY-C-205", message)
    }

    pub fn content_encoding() -> Self {
        let message = "this content encoding is not taken; send the body as it is, or gzip";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "PY-C-206", message)
    }

    pub fn gzip() -> Self {
        let message = "the body is no whole gzip stream; compress it anew, with nothing after it";
        Self::new(StatusCode::BAD_REQUEST, "PY-C-207", message)
    }

    pub fn json(reason: &str) -> Self {
        let message = format!("body: {}; send what /openapi.json describes", clip(reason));
        Self::new(StatusCode::BAD_REQUEST, "PY-C-208", message)
    }

    pub fn field(reason: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "PY-C-209", clip(reason))
    }

    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "PY-C-210", "there is no such path; see /openapi.json")
    }

    pub fn method() -> Self {
        let message = "this path does not take that method; see /openapi.json";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "PY-C-211", message)
    }

    pub fn body_time() -> Self {
        let message = "the body did not come in time; send it faster, or a smaller block";
        Self::new(StatusCode::REQUEST_TIMEOUT, "PY-C-212", message)
    }

    pub fn body_lost() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "PY-C-213", "the body broke off; send the request again")
    }

    pub fn busy() -> Self {
        let message = "too much is being received; try again in a second";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "PY-C-214", message).retry(1)
    }

    pub fn followers() -> Self {
        let message = "too many event streams are open; try again in 5 s, or ask for the status";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "PY-C-215", message).retry(5)
    }

    pub fn id() -> Self {
        let message =
            "an id is 64 hexadecimal digits, optionally after 0x; give the block's id or its block commitment";
        Self::new(StatusCode::BAD_REQUEST, "PY-C-216", message)
    }

    pub fn unquoted() -> Self {
        let message = "blocks without a quote are not taken here; ask for a quote, or set [intake] unquoted = true";
        Self::new(StatusCode::FORBIDDEN, "PY-C-217", message)
    }

    pub fn not_the_sequencer() -> Self {
        let message = "the request is for another sequencer than its signer; sign with the sequencer's key";
        Self::new(StatusCode::FORBIDDEN, "PY-C-218", message)
    }

    pub fn timeout_header() -> Self {
        let message = "x-timeout-ms cannot be read; send 1 to 600000 in decimal digits, or leave it out";
        Self::new(StatusCode::BAD_REQUEST, "PY-C-219", message)
    }

    pub fn internal() -> Self {
        let message = "the coordinator could not finish this; see its log, and send the request again";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "PY-C-220", message)
    }

    pub fn no_operators() -> Self {
        let message = "this coordinator has no operators' token; set [intake] operator_token_file and start it again";
        Self::new(StatusCode::FORBIDDEN, "PY-C-221", message)
    }

    pub fn no_operator() -> Self {
        let message = "only operators may do this; send the operators' token as `Authorization: Bearer TOKEN`";
        Self::new(StatusCode::FORBIDDEN, "PY-C-222", message)
    }

    pub fn undrained(error: &Undrained) -> Self {
        let status = match error {
            Undrained::Unknown => StatusCode::NOT_FOUND,
            Undrained::Silent => StatusCode::CONFLICT,
            Undrained::Bus(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, "PY-C-223", error.to_string())
    }

    fn retry(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }
}

impl From<AuthError> for Fault {
    fn from(error: AuthError) -> Self {
        let status = match error {
            AuthError::Unsigned(_)
            | AuthError::Malformed { .. }
            | AuthError::Date { .. }
            | AuthError::Signature { .. }
            | AuthError::Replayed
            | AuthError::BeforeStart
            | AuthError::Signer(_) => StatusCode::UNAUTHORIZED,
            AuthError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            AuthError::Full { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        let fault = Self::new(status, error.code(), error.to_string());
        match error.wait_ms() {
            Some(wait_ms) => fault.retry(wait_ms.div_ceil(1_000).max(1)),
            None => fault,
        }
    }
}

impl From<Refusal> for Fault {
    fn from(Refusal { why, error }: Refusal) -> Self {
        let status = match why {
            Why::Wrong => StatusCode::UNPROCESSABLE_ENTITY,
            Why::Forbidden => StatusCode::FORBIDDEN,
            Why::Conflict => StatusCode::CONFLICT,
            Why::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, body: error, retry_after_seconds: None }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The first part of a text that may hold anything.
fn clip(text: &str) -> String {
    let end = (0..=REASON_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
