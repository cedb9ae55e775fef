//! Sending to a collector.

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// Longest answer read, in bytes: a collector says little.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The process's HTTP client for the exporter, whose thread is none of the runtime's.
#[derive(Debug)]
pub(crate) struct Collector {
    pub http: reqwest::Client,
    pub runtime: Handle,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let send = async move {
            let mut answer = http.execute(reqwest::Request::try_from(request)?).await?;
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err(HttpError::from(format!("an answer of more than {ANSWER_BYTES_MAX} bytes")));
                }
                body.extend_from_slice(&chunk);
            }
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                *headers = answer.headers().clone();
            }
            Ok(response.body(Bytes::from(body))?)
        };
        self.runtime.spawn(send).await?
    }
}
