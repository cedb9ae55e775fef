//! Following a block's events, over lost connections.

use std::time::Duration;

use proofyard_job_schema::BlockId;
use reqwest::{Response, StatusCode, header::ACCEPT};
use tokio::time::{sleep, timeout};

use super::{Client, is_event_stream, request::Call};
use crate::{
    error::ClientError,
    sse::{Event, Parser},
    types::BlockStatus,
};

/// Connections in a row that bring nothing before it is given up.
const FAILURES_MAX: u32 = 8;
/// Pause before the first new connection; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A block's statuses as they change. A lost connection is taken up again where it ended.
#[derive(Debug)]
pub struct Follow {
    client: Client,
    id: BlockId,
    /// Name of the last change seen.
    seen: Option<String>,
    stream: Option<(Response, Parser)>,
    failures: u32,
    ended: bool,
}

impl Follow {
    pub(super) fn new(client: Client, id: BlockId) -> Self {
        Self { client, id, seen: None, stream: None, failures: 0, ended: false }
    }

    /// The next status: first the present one, then one for each change. `None` after the final one; after an error, no more.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<BlockStatus, ClientError>> {
        while !self.ended {
            let outcome = match &mut self.stream {
                None => self.connect().await,
                Some((_, parser)) => match parser.pop() {
                    Some(event) => return Some(self.read(event)),
                    None => self.receive().await,
                },
            };
            if let Err(error) = outcome {
                self.stream = None;
                self.failures += 1;
                if !matches!(error, ClientError::Network { .. } | ClientError::Unavailable(_))
                    || self.failures > FAILURES_MAX
                {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn read(&mut self, event: Event) -> Result<BlockStatus, ClientError> {
        let status = serde_json::from_slice::<BlockStatus>(&event.data);
        let status = status.inspect_err(|_| self.ended = true);
        let status = status.map_err(|error| self.client.answer(format!("event: {error}")))?;
        self.seen = event.id;
        self.failures = 0;
        self.ended = status.is_final();
        Ok(status)
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        if self.failures > 0 {
            sleep((PAUSE * (1 << (self.failures - 1).min(8))).min(PAUSE_MAX)).await;
        }
        let mut request = self.client.prepare(&Call::get(format!("v1/blocks/{}/events", self.id))).await?;
        request = request.header(ACCEPT, "text/event-stream");
        if let Some(seen) = &self.seen {
            request = request.header("last-event-id", seen);
        }
        let limit = self.client.timeouts.request;
        let response = self.in_time(limit, request.send()).await?;
        match response.status() {
            StatusCode::NO_CONTENT => self.ended = true,
            StatusCode::OK if is_event_stream(response.headers()) => {
                self.stream = Some((response, Parser::default()));
            }
            StatusCode::OK => return Err(self.client.answer("no event stream".to_owned())),
            status => {
                let body = match timeout(limit, self.client.body(response)).await {
                    Ok(body) => body?,
                    Err(_) => return Err(self.silent()),
                };
                return Err(self.client.refusal(status, &body, &format!("block {}", self.id)));
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), ClientError> {
        let limit = self.client.timeouts.silence;
        let Some((response, parser)) = &mut self.stream else { return Ok(()) };
        let piece = match timeout(limit, response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => return Err(self.lost("the stream ended")),
            Ok(Err(error)) => return Err(self.client.network(&error)),
            Err(_) => return Err(self.silent()),
        };
        if parser.feed(&piece).is_err() {
            return Err(self.client.answer("an event without end".to_owned()));
        }
        Ok(())
    }

    async fn in_time(
        &self,
        limit: Duration,
        send: impl Future<Output = Result<Response, reqwest::Error>>,
    ) -> Result<Response, ClientError> {
        match timeout(limit, send).await {
            Ok(sent) => sent.map_err(|error| self.client.network(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> ClientError {
        self.lost("no answer in time")
    }

    fn lost(&self, reason: &str) -> ClientError {
        ClientError::Network { url: self.client.base.to_string(), reason: reason.to_owned() }
    }
}
