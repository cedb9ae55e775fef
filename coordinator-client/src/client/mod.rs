//! The client.

mod follow;
mod request;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use alloy_primitives::B256;
use alloy_signer::Signer;
use bytes::Bytes;
use proofyard_job_schema::{BlockId, WorkerId};
use reqwest::{Method, StatusCode, Url, header, redirect};

pub use follow::Follow;
use request::{Body, Call};

use crate::{
    auth::DECLINE_HEADER,
    error::ClientError,
    types::{
        Accepted, BlockStatus, BlockSubmission, FarmStatus, FarmView, Health, QuoteRequest, Readiness, SignedQuote,
        SignedReceipt, Told,
    },
};

/// How long the client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// For a whole call, tries and pauses included; handing a block in includes its execution.
    pub request: Duration,
    /// For the next byte of an event stream; the coordinator sends a comment every 15 s.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(3), request: seconds(60), silence: seconds(45) }
    }
}

/// What came of asking for a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuoteAnswer {
    /// An offer. Its signature, and the escrow behind it, are for the caller to check.
    Quoted(Box<SignedQuote>),
    /// No offer.
    Declined {
        /// `PY-Q-nnn`.
        code: String,
        /// Why.
        reason: String,
    },
}

/// A connection to one coordinator. Clones share it.
///
/// Plain HTTP: quotes, receipts and signed requests carry their own signatures; for secrecy put a TLS-terminating proxy in
/// between. Redirects are not followed. Calls that can be repeated without harm are: on network errors, and when the
/// coordinator says when to come again, at most four times within the time for the call.
#[derive(Clone)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
    timeouts: Timeouts,
    signer: Option<Arc<dyn Signer + Send + Sync>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signer = self.signer.as_ref().map(|signer| signer.address());
        formatter.debug_struct("Client").field("base", &self.base.as_str()).field("signer", &signer).finish()
    }
}

impl Client {
    /// `url` is `http://HOST:PORT`.
    pub fn new(url: &str, timeouts: Timeouts) -> Result<Self, ClientError> {
        let address = |reason: String| ClientError::Address { url: url.to_owned(), reason };
        let base = Url::parse(url).map_err(|error| address(error.to_string()))?;
        if base.scheme() != "http" || base.host_str().is_none() {
            return Err(address("it is not of the form http://HOST:PORT".to_owned()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| address(error.to_string()))?;
        Ok(Self { base, http, timeouts, signer: None })
    }

    /// Signs what has to be signed: quotes asked for and blocks handed over. The key is the sequencer's.
    pub fn signed_by(self, signer: Arc<dyn Signer + Send + Sync>) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// What the coordinator says of itself.
    pub async fn farm(&self) -> Result<FarmStatus, ClientError> {
        self.json(Call::get("v1/status"), "farm status").await
    }

    /// Everything there is to see: blocks, workers, promises.
    pub async fn view(&self) -> Result<FarmView, ClientError> {
        self.json(Call::get("v1/farm"), "farm").await
    }

    /// Tells a worker to drain, with the operators' token.
    pub async fn drain(&self, worker: &WorkerId, token: &str) -> Result<Told, ClientError> {
        let path = format!("v1/workers/{worker}/drain");
        let call = Call { method: Method::POST, bearer: Some(token.to_owned()), ..Call::get(path) };
        self.json(call, &format!("worker {worker}")).await
    }

    /// Asks for a quote. `wait`: how long an answer is of use; the coordinator declines when it has none by then. Sent once:
    /// a second request would be a second reservation.
    pub async fn quote(&self, request: &QuoteRequest, wait: Duration) -> Result<QuoteAnswer, ClientError> {
        let json = serde_json::to_vec(request).map_err(|error| self.answer(error.to_string()))?;
        let mut call = Call::post("v1/quotes", Body { bytes: json.into(), kind: "application/json", gzip: false });
        call.signed = true;
        call.waits = Some(wait);
        // The coordinator's own refusal, at the end of the wait, should still be heard.
        call.timeout = Some(wait + GRACE);
        let reply = self.call(&call, "quote").await?;
        if reply.status == StatusCode::NO_CONTENT {
            let header = reply.headers.get(DECLINE_HEADER).and_then(|value| value.to_str().ok());
            let (code, reason) = header.and_then(|text| text.split_once(' ')).unwrap_or_default();
            if code.is_empty() {
                return Err(self.answer(format!("204 without {DECLINE_HEADER}")));
            }
            return Ok(QuoteAnswer::Declined { code: code.to_owned(), reason: reason.to_owned() });
        }
        serde_json::from_slice(&reply.body).map(QuoteAnswer::Quoted).map_err(|error| self.answer(error.to_string()))
    }

    /// Hands a block over under an accepted quote. The same block commitment again gives the same receipt.
    pub async fn hand_over(&self, submission: &BlockSubmission) -> Result<SignedReceipt, ClientError> {
        let body = Body::compressed(submission.clone()).await.map_err(|reason| self.answer(reason))?;
        let mut call = Call::post("v1/blocks", body);
        call.signed = true;
        call.repeatable = true;
        self.json(call, "block").await
    }

    /// Hands a bare block file in, to be cut into `subtrees` (as few as hold it when `None`). Only where unquoted blocks are
    /// taken.
    pub async fn submit(&self, block: Vec<u8>, subtrees: Option<u32>) -> Result<Accepted, ClientError> {
        let query = subtrees.map_or_else(String::new, |subtrees| format!("?subtrees={subtrees}"));
        self.submit_bare(block, query).await
    }

    /// The same, for a proof in `groups` parts.
    pub async fn submit_in_groups(&self, block: Vec<u8>, subtrees: u32, groups: u32) -> Result<Accepted, ClientError> {
        self.submit_bare(block, format!("?subtrees={subtrees}&groups={groups}")).await
    }

    async fn submit_bare(&self, block: Vec<u8>, query: String) -> Result<Accepted, ClientError> {
        let path = format!("v1/blocks{query}");
        let body = Body { bytes: Bytes::from(block), kind: "application/octet-stream", gzip: false };
        let mut call = Call::post(path, body);
        call.repeatable = true;
        self.json(call, "block").await
    }

    /// Where a block stands.
    pub async fn status(&self, id: BlockId) -> Result<BlockStatus, ClientError> {
        self.json(Call::get(format!("v1/blocks/{id}")), &format!("block {id}")).await
    }

    /// Where the block of a block commitment stands.
    pub async fn status_of(&self, block_commitment: B256) -> Result<BlockStatus, ClientError> {
        self.status(BlockId(block_commitment.0)).await
    }

    /// Follows a block, by its id or its block commitment, to its end.
    pub fn follow(&self, id: BlockId) -> Follow {
        Follow::new(self.clone(), id)
    }

    /// The encoded root proof of a finished block, by its id or its block commitment. Whether it proves anything is for the
    /// caller to check.
    pub async fn proof(&self, id: BlockId) -> Result<Vec<u8>, ClientError> {
        let call = Call::get(format!("v1/blocks/{id}/proof"));
        Ok(self.call(&call, &format!("proof of block {id}")).await?.body)
    }

    /// How the coordinator is.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json(Call::get("healthz"), "health").await
    }

    /// What the coordinator's clock says, to the second; none when its answer does not say. Requests that are signed at a time more than
    /// [`WINDOW_MS`](crate::auth::WINDOW_MS) away from it are refused.
    pub async fn clock(&self) -> Result<Option<SystemTime>, ClientError> {
        let reply = self.call(&Call::get("healthz"), "health").await?;
        let date = reply.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| httpdate::parse_http_date(date).ok()))
    }

    /// Whether the coordinator can take blocks. `Ok` also when it cannot: `ready` says which.
    pub async fn ready(&self) -> Result<Readiness, ClientError> {
        let mut call = Call::get("readyz");
        call.repeatable = false;
        call.taken = &[StatusCode::SERVICE_UNAVAILABLE];
        self.json(call, "readiness").await
    }

    fn network(&self, error: &reqwest::Error) -> ClientError {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            reason = format!("{reason}: {error}");
            source = error.source();
        }
        ClientError::Network { url: self.base.to_string(), reason }
    }

    fn answer(&self, reason: String) -> ClientError {
        ClientError::Answer { url: self.base.to_string(), reason }
    }

    fn url(&self, path: &str) -> Result<Url, ClientError> {
        let joined = self.base.join(path);
        joined.map_err(|error| ClientError::Address { url: self.base.to_string(), reason: error.to_string() })
    }
}

/// True for an answer that is an event stream.
fn is_event_stream(headers: &header::HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// What is waited beyond the time told to a coordinator.
const GRACE: Duration = Duration::from_millis(500);

/// The method of a call that changes nothing.
const GET: Method = Method::GET;
