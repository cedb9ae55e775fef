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
//! A worker needs to publish to `replies` and `heartbeats`, to pull from `jobs.pool` and its own `jobs.worker.W`, and to
//! read blobs. Payloads are [`proofyard_job_schema`]'s encodings.
//!
//! Every message is pulled one at a time, only when there is room for it, with idle heartbeats of the server every 500 ms:
//! nobody hoards jobs, and a dead server is noticed within two seconds. When the server is lost, ends wait and go on when
//! it is back, with whatever it still has; streams and consumers that are gone are made anew.

mod blobs;
mod coordinator;
mod layout;
mod open;
mod pull;
mod worker;

use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::{Context, ContextBuilder, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use bytes::Bytes;
use proofyard_job_schema::WorkerId;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

pub use self::blobs::NatsBlobs;
pub use self::coordinator::NatsCoordinator;
use self::layout::Layout;
pub use self::worker::NatsWorker;
use crate::bus::Start;
use crate::error::BusError;
use crate::options::{BusOptions, FarmName};

/// Time between the server's signs of life on an open pull.
const IDLE_HEARTBEAT: Duration = Duration::from_millis(500);
/// Time between the client's pings.
const PING: Duration = Duration::from_secs(2);
/// Longest wait for one answer of the server.
const REQUEST: Duration = Duration::from_secs(2);
/// Longest time spent on storing one message, reconnects included.
const STORE: Duration = Duration::from_secs(10);
/// Pause after a failure before the next try.
const PAUSE: Duration = Duration::from_millis(250);
/// Messages of one subscription that wait in the client; more are dropped, which only heartbeats can suffer.
const BUFFERED: usize = 1024;
/// Longest time spent on the first connection.
const CONNECT: Duration = Duration::from_secs(5);
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
}

impl NatsFarm {
    /// Connects and makes the farm's streams if they are not there. `url` is `nats://HOST:PORT` or
    /// `nats://USER:PASSWORD@HOST:PORT`; `name` tells the connection from others in the server's reports.
    ///
    /// The first connection must succeed within five seconds; a connection lost later is made again without end.
    pub async fn connect(url: &str, farm: &FarmName, name: &str, options: BusOptions) -> Result<Self, BusError> {
        let shown = without_credentials(url);
        let no_address = |reason: String| BusError::Connect { url: shown.clone(), reason };
        let address = url.parse::<ServerAddr>().map_err(|error| no_address(error.to_string()))?;
        let mut connect = ConnectOptions::new()
            .name(name)
            .ping_interval(PING)
            .connection_timeout(REQUEST)
            .request_timeout(Some(REQUEST))
            .subscription_capacity(BUFFERED)
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| Duration::from_millis(100 * attempts.clamp(1, 10) as u64))
            .event_callback(report);
        if let (Some(user), Some(password)) = (address.username(), address.password()) {
            connect = connect.user_and_password(user.to_owned(), password.to_owned());
        }
        let connected = tokio::time::timeout(CONNECT, connect.connect(address)).await;
        let client = match connected {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => {
                let reason = error.to_string();
                return Err(match error.kind() {
                    ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                        BusError::Refused { url: shown.clone(), reason }
                    }
                    _ => no_address(reason),
                });
            }
            Err(_) => return Err(no_address(format!("no answer within {} s", CONNECT.as_secs()))),
        };
        let context = ContextBuilder::new().timeout(REQUEST).build(client.clone());
        let farm = Self { client, context, layout: Layout::new(farm), options };
        farm.ensure_streams().await?;
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

    fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Makes the farm's streams, or brings them to this farm's settings.
    async fn ensure_streams(&self) -> Result<(), BusError> {
        for config in self.layout.streams(&self.options) {
            let what = format!("stream {}", config.name);
            let made = self.context.create_or_update_stream(config).await;
            made.map_err(|error| BusError::JetStream { what, reason: error.to_string() })?;
        }
        Ok(())
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
                && let Err(error) = self.ensure_streams().await
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

/// The address without user and password, for errors and logs.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
        None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
    }
}

/// Logs what happens to the connection.
async fn report(event: Event) {
    match event {
        Event::Connected => info!("connected to NATS"),
        Event::Disconnected => warn!("connection to NATS lost, reconnecting"),
        Event::SlowConsumer(_) => warn!(%event, "messages of a slow receiver were dropped"),
        Event::Draining | Event::Closed => debug!(%event, "NATS connection"),
        _ => warn!(%event, "NATS connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(without_credentials("nats://user:pa@ss@host:4222"), "nats://host:4222");
        assert_eq!(without_credentials("user:pass@host"), "host");
        assert_eq!(without_credentials("nats://host:4222"), "nats://host:4222");
    }
}
