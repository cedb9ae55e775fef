//! One call: signing, trying again, reading the answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Client, GET};
use crate::{
    auth::{AUTH_HEADER, AuthError, DATE_HEADER, Nonce, Stamp, TIMEOUT_HEADER},
    error::ClientError,
    types::ErrorBody,
};

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Times that a repeatable call is sent.
const TRIES: u32 = 4;
/// Pause before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that a coordinator may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What a call carries.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// As sent.
    pub bytes: Bytes,
    /// Its content type.
    pub kind: &'static str,
    /// It is compressed.
    pub gzip: bool,
}

impl Body {
    /// JSON, compressed. Off the async threads: a block file is large.
    pub async fn compressed(value: impl Serialize + Send + 'static) -> Result<Self, String> {
        let compress = move || {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            serde_json::to_writer(&mut gzip, &value).map_err(|error| error.to_string())?;
            gzip.finish().map_err(|error| error.to_string())
        };
        let bytes = tokio::task::spawn_blocking(compress).await.map_err(|error| error.to_string())??;
        Ok(Self { bytes: bytes.into(), kind: "application/json", gzip: true })
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: Method,
    /// Path and query, relative to the coordinator's address.
    pub path: String,
    pub body: Option<Body>,
    /// The request is signed.
    pub signed: bool,
    /// The operators' token.
    pub bearer: Option<String>,
    /// Sending it twice does no harm.
    pub repeatable: bool,
    /// Told to the coordinator: how long an answer is of use.
    pub waits: Option<Duration>,
    /// Instead of the client's own time for a whole call.
    pub timeout: Option<Duration>,
    /// Statuses beside 2xx whose body is the answer.
    pub taken: &'static [StatusCode],
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        let path = path.into();
        Self {
            method: GET,
            path,
            body: None,
            signed: false,
            bearer: None,
            repeatable: true,
            waits: None,
            timeout: None,
            taken: &[],
        }
    }

    pub fn post(path: impl Into<String>, body: Body) -> Self {
        Self { method: Method::POST, body: Some(body), repeatable: false, ..Self::get(path) }
    }
}

/// A whole answer with a status of success.
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call, what: &str) -> Result<T, ClientError> {
        let reply = self.call(&call, what).await?;
        serde_json::from_slice(&reply.body).map_err(|error| self.answer(error.to_string()))
    }

    /// Sends a call, again if that makes sense, until its time is over.
    pub(super) async fn call(&self, call: &Call, what: &str) -> Result<Reply, ClientError> {
        let deadline = Instant::now() + call.timeout.unwrap_or(self.timeouts.request);
        let mut attempt = 1;
        loop {
            let tried = timeout_at(deadline, self.try_once(call, what)).await;
            let (error, asked) = match tried {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    let reason = "no answer in time".to_owned();
                    return Err(ClientError::Network { url: self.base.to_string(), reason });
                }
            };
            let again = matches!(error, ClientError::Network { .. }) || asked.is_some();
            let pause = asked.unwrap_or(PAUSE * (1 << (attempt - 1)));
            let fits = pause <= PAUSE_MAX && Instant::now() + pause < deadline;
            if !(call.repeatable && again && attempt < TRIES && fits) {
                return Err(error);
            }
            attempt += 1;
            sleep(pause).await;
        }
    }

    /// The error comes with the pause that the coordinator asked for.
    async fn try_once(&self, call: &Call, what: &str) -> Result<Reply, (ClientError, Option<Duration>)> {
        let unasked = |error| (error, None);
        let request = self.prepare(call).await.map_err(unasked)?;
        let response = request.send().await.map_err(|error| unasked(self.network(&error)))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body(response).await.map_err(unasked)?;
        if status.is_success() || call.taken.contains(&status) {
            return Ok(Reply { status, headers, body });
        }
        Err((self.refusal(status, &body, what), retry_after(status, &headers)))
    }

    /// The request with its headers; a signed one has a new date and nonce each time.
    pub(super) async fn prepare(&self, call: &Call) -> Result<RequestBuilder, ClientError> {
        let url = self.url(&call.path)?;
        let target = path_and_query(&url);
        let mut request = self.http.request(call.method.clone(), url);
        if let Some(waits) = call.waits {
            request = request.header(TIMEOUT_HEADER, waits.as_millis().clamp(1, 600_000).to_string());
        }
        if let Some(token) = &call.bearer {
            request = request.bearer_auth(token);
        }
        let sent = call.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
        if call.signed {
            let signer = self.signer.as_deref().ok_or(ClientError::NoSigner)?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
            let digest = Sha256::digest(&sent).into();
            let nonce = Nonce(rand::random());
            let stamp = Stamp::sign(signer, call.method.as_str(), &target, &digest, now, nonce);
            let stamp = stamp.await.map_err(|error: AuthError| ClientError::Auth(error))?;
            request = request.header(DATE_HEADER, stamp.date_header()).header(AUTH_HEADER, stamp.auth_header());
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, body.kind).body(sent);
            if body.gzip {
                request = request.header(CONTENT_ENCODING, "gzip");
            }
        }
        Ok(request)
    }

    pub(super) fn refusal(&self, status: StatusCode, body: &[u8], what: &str) -> ClientError {
        let coded = serde_json::from_slice::<ErrorBody>(body);
        match (status, coded) {
            (StatusCode::NOT_FOUND, _) => ClientError::NotFound { what: what.to_owned() },
            (_, Err(_)) => self.answer(status.to_string()),
            (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, Ok(coded)) => {
                ClientError::Unavailable(coded)
            }
            (_, Ok(coded)) => ClientError::Refused(coded),
        }
    }

    /// The whole body, no longer than is reasonable.
    pub(super) async fn body(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.network(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.answer(format!("more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The request target as it is sent.
fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// The pause that a coordinator asks for, in whole seconds.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
