//! The client.

use std::time::Duration;

use proofyard_job_schema::BlockId;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use crate::{
    error::ClientError,
    types::{Accepted, BlockStatus, ErrorBody, Health},
};

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How long the client waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// For a whole request; handing a block in includes its execution.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), request: Duration::from_secs(60) }
    }
}

/// A connection to one coordinator. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
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
            .timeout(timeouts.request)
            .build()
            .map_err(|error| address(error.to_string()))?;
        Ok(Self { base, http })
    }

    /// Hands a block file in, to be cut into `subtrees` (as few as hold it when `None`).
    pub async fn submit(&self, block: Vec<u8>, subtrees: Option<u32>) -> Result<Accepted, ClientError> {
        let mut request = self.request(Method::POST, "v1/blocks")?;
        if let Some(subtrees) = subtrees {
            request = request.query(&[("subtrees", subtrees)]);
        }
        self.json(request.body(block), "block").await
    }

    /// Where a block stands.
    pub async fn status(&self, id: BlockId) -> Result<BlockStatus, ClientError> {
        self.json(self.request(Method::GET, &format!("v1/blocks/{id}"))?, &format!("block {id}")).await
    }

    /// The encoded root proof of a finished block.
    pub async fn proof(&self, id: BlockId) -> Result<Vec<u8>, ClientError> {
        let request = self.request(Method::GET, &format!("v1/blocks/{id}/proof"))?;
        self.bytes(request, &format!("proof of block {id}")).await
    }

    /// How the coordinator is.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json(self.request(Method::GET, "healthz")?, "health").await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| ClientError::Address { url: self.base.to_string(), reason: error.to_string() })?;
        Ok(self.http.request(method, url))
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder, what: &str) -> Result<T, ClientError> {
        let bytes = self.bytes(request, what).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.answer(error.to_string()))
    }

    async fn bytes(&self, request: RequestBuilder, what: &str) -> Result<Vec<u8>, ClientError> {
        let response = request.send().await.map_err(|error| self.network(&error))?;
        let status = response.status();
        let body = self.body(response).await?;
        let coded = || serde_json::from_slice::<ErrorBody>(&body);
        match status {
            status if status.is_success() => Ok(body),
            StatusCode::NOT_FOUND => Err(ClientError::NotFound { what: what.to_owned() }),
            StatusCode::SERVICE_UNAVAILABLE => {
                Err(coded().map_or_else(|_| self.answer(status.to_string()), ClientError::Unavailable))
            }
            status => Err(coded().map_or_else(|_| self.answer(status.to_string()), ClientError::Refused)),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.network(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.answer(format!("more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn network(&self, error: &reqwest::Error) -> ClientError {
        ClientError::Network { url: self.base.to_string(), reason: error.to_string() }
    }

    fn answer(&self, reason: String) -> ClientError {
        ClientError::Answer { url: self.base.to_string(), reason }
    }
}
