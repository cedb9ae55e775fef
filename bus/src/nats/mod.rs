//! The bus over a NATS server with JetStream.
//!
//! A farm named `F` uses these subjects, and streams named after them; several farms share one server:
//!
//! | subject | carried by | content |
//! | --- | --- | --- |
//! | `proofyard.F.jobs.pool` | stream `proofyard-F-jobs`, work queue, in memory | commands for any worker |
//! | `proofyard.F.jobs.worker.W` | the same | commands for worker W |
//! | `proofyard.F.replies` | stream `proofyard-F-replies`, work queue, in memory | replies, failures, goodbyes |
//! | `proofyard.F.heartbeats` | core NATS, not stored | heartbeats, progress |
//! | `proofyard.F.blobs.D.N` | stream `proofyard-F-blobs`, last value per subject, in memory | chunk N of blob D |
//!
//! Payloads are [`proofyard_job_schema`]'s encodings.
//!
//! The coordinator makes the streams and all consumers. A worker publishes to `replies` and `heartbeats`, pulls from the
//! consumers `pool` and `worker-W`, and reads blobs; it makes nothing, and waits while nothing is there. Answers come to inboxes
//! below `_INBOX.coordinator` and `_INBOX.worker`. So a server can give each [`Role`] a user that may do no more; the one of
//! `deploy/k8s/base/nats/nats.conf` does, and docs/deployment.md says what is left to a worker that misbehaves.
//!
//! Every message is pulled one at a time, only when there is room for it, with idle heartbeats of the server every 500 ms:
//! nobody hoards jobs, and a dead server is noticed within two seconds. When the server is lost, ends wait and go on when
//! it is back, with whatever it still has; streams and consumers that are gone are made anew.

mod access;
mod blobs;
mod consumers;
mod coordinator;
mod layout;
mod open;
mod pull;
mod survey;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::consumer::pull::Config as Consumer;
use async_nats::jetstream::context::{Context, ContextBuilder, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use proofyard_job_schema::WorkerId;
use tokio::time::{Instant, sleep};
use tracing::debug;

pub use self::access::{NatsAccess, Role};
pub use self::blobs::NatsBlobs;
pub use self::coordinator::NatsCoordinator;
use self::layout::Layout;
pub use self::survey::{Memory, StreamSeen, StreamState, Survey, survey};
pub use self::worker::NatsWorker;
use crate::bus::Start;
use crate::error::BusError;
use crate::options::{BusOptions, FarmName};

/// Time between the server's signs of life on an open pull.
const IDLE_HEARTBEAT: Duration = Duration::from_millis(500);
/// Longest wait for one answer of the server.
const REQUEST: Duration = Duration::from_secs(2);
/// Longest time spent on storing one message, reconnects included.
const STORE: Duration = Duration::from_secs(10);
/// Pause after a failure before the next try.
const PAUSE: Duration = Duration::from_millis(250);
/// The server's code for a stream that has as many messages as it may.
const TOO_MANY_MESSAGES: &str = "maximum messages exceeded";
/// The server's words for a stream that has as many bytes as it may.
const TOO_MANY_BYTES: &str = "maximum bytes exceeded";

/// A connection to a farm on a NATS server. Clones share the connection.
#[derive(Clone)]
pub struct NatsFarm {
    client: Client,
    context: Context,
    layout: Layout,
    options: BusOptions,
    role: Role,
    /// How often the streams were made or found; a new number says that consumers may be gone.
    made: Arc<AtomicU64>,
    /// Messages that could not be stored.
    not_stored: Arc<AtomicU64>,
}

/// What a connection has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NatsFigures {
    /// There is a connection now.
    pub connected: bool,
    /// Connections made after the first.
    pub reconnects: u64,
    /// Messages that could not be stored.
    pub not_stored: u64,
    /// Messages and bytes received.
    pub received: (u64, u64),
    /// Messages and bytes sent.
    pub sent: (u64, u64),
}

impl NatsFarm {
    /// Connects; as coordinator, makes the farm's streams if they are not there. `name` tells the connection from others in the
    /// server's reports.
    ///
    /// The first connection must succeed within five seconds; a connection lost later is made again without end.
    pub async fn connect(
        access: &NatsAccess,
        farm: &FarmName,
        name: &str,
        role: Role,
        options: BusOptions,
    ) -> Result<Self, BusError> {
        let client = access.connect(name, role).await?;
        let context = ContextBuilder::new().timeout(REQUEST).build(client.clone());
        let (layout, made, not_stored) = (Layout::new(farm), Arc::default(), Arc::default());
        let farm = Self { client, context, layout, options, role, made, not_stored };
        farm.make().await?;
        Ok(farm)
    }

    /// The coordinator's end. A fresh start drops what an earlier coordinator left.
    pub async fn coordinator(&self, start: Start) -> Result<NatsCoordinator, BusError> {
        NatsCoordinator::open(self.clone(), start).await
    }

    /// A worker's end.
    pub async fn worker(&self, worker: WorkerId) -> Result<NatsWorker, BusError> {
        NatsWorker::open(self.clone(), worker).await
    }

    /// The blob store.
    pub fn blobs(&self) -> NatsBlobs {
        NatsBlobs::new(self.clone())
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// What the connection has seen so far.
    pub fn figures(&self) -> NatsFigures {
        let counted = self.client.statistics();
        NatsFigures {
            connected: self.is_connected(),
            reconnects: counted.connects.load(Ordering::Relaxed).saturating_sub(1),
            not_stored: self.not_stored.load(Ordering::Relaxed),
            received: (counted.in_messages.load(Ordering::Relaxed), counted.in_bytes.load(Ordering::Relaxed)),
            sent: (counted.out_messages.load(Ordering::Relaxed), counted.out_bytes.load(Ordering::Relaxed)),
        }
    }

    /// As coordinator, makes the farm's streams and the consumer that workers share, or brings them to this farm's settings. For a
    /// worker they are there or will be.
    async fn make(&self) -> Result<(), BusError> {
        if self.role != Role::Coordinator {
            return Ok(());
        }
        for config in self.layout.streams(&self.options) {
            let what = format!("stream {}", config.name);
            let made = self.context.create_or_update_stream(config).await;
            made.map_err(|error| BusError::JetStream { what, reason: describe(&error) })?;
        }
        self.make_consumer(&self.layout.jobs_stream, self.layout.pool_consumer(&self.options)).await?;
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes a consumer, or brings it to these settings.
    async fn make_consumer(&self, stream: &str, consumer: Consumer) -> Result<(), BusError> {
        let made = self.context.create_consumer_on_stream(consumer, stream).await;
        made.map(drop)
            .map_err(|error| BusError::JetStream { what: format!("consumer of {stream}"), reason: describe(&error) })
    }

    /// Drops the messages of a stream, or those of one subject in it.
    async fn purge(&self, stream: &str, subject: Option<&str>) -> Result<(), BusError> {
        let failed = |reason: String| BusError::JetStream { what: format!("purging stream {stream}"), reason };
        let handle = self.context.get_stream_no_info(stream).await.map_err(|error| failed(error.to_string()))?;
        let purge = handle.purge();
        let purged = match subject {
            Some(subject) => purge.filter(subject).await,
            None => purge.await,
        };
        purged.map(|_| ()).map_err(|error| failed(error.to_string()))
    }

    /// Stores a message in the stream of its subject and waits for the confirmation; tries again while the server is
    /// away. The message id makes the server drop copies of a message whose confirmation was lost.
    async fn store(&self, subject: &str, bytes: Bytes) -> Result<(), BusError> {
        let stored = self.try_store(subject, bytes).await;
        if stored.is_err() {
            self.not_stored.fetch_add(1, Ordering::Relaxed);
        }
        stored
    }

    async fn try_store(&self, subject: &str, bytes: Bytes) -> Result<(), BusError> {
        let id = self.client.new_inbox();
        let deadline = Instant::now() + STORE;
        loop {
            let message = PublishMessage::build().payload(bytes.clone()).message_id(&id);
            let sent = match self.context.send_publish(subject.to_owned(), message).await {
                Ok(confirmation) => confirmation.await,
                Err(error) => Err(error),
            };
            let Err(error) = sent else { return Ok(()) };
            let reason = describe(&error);
            if reason.contains(TOO_MANY_MESSAGES) {
                return Err(BusError::Full { subject: subject.to_owned(), waiting: self.options.waiting_max.into() });
            }
            if reason.contains(TOO_MANY_BYTES) || Instant::now() >= deadline {
                return Err(BusError::NotStored { subject: subject.to_owned(), reason });
            }
            debug!(subject, reason, "not stored, trying again");
            if error.kind() == PublishErrorKind::StreamNotFound
                && let Err(error) = self.make().await
            {
                debug!(%error, "streams not made");
            }
            sleep(PAUSE).await;
        }
    }
}

/// An error with what caused it; the client puts the server's words into the cause.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}
