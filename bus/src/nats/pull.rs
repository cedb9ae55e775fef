//! Pulling messages from a consumer, one at a time and only when there is room.
//!
//! The loop speaks the pull protocol itself: the client's batch stream is not woken by a message that follows an idle
//! heartbeat, and its endless stream fetches one message more than asked for.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::{AckKind, Message as JetStreamMessage};
use async_nats::{Message as NatsMessage, StatusCode, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use proofyard_job_schema::{Message, decode};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::open::{OpenDeliveries, Origin};
use super::{IDLE_HEARTBEAT, NatsFarm, PAUSE};
use crate::bus::Delivery;
use crate::error::BusError;

/// Longest time the server keeps one pull open; then it is asked again.
const PULL: Duration = Duration::from_secs(30);
/// Without a sign of life of the server for so long, the pull is given up.
const SILENCE: Duration = IDLE_HEARTBEAT.saturating_mul(3);
/// Failures in a row after which it is said that nothing can be pulled.
const FAILURES_TOLD: u32 = 8;

/// How many messages an end would take; counts down with each one taken.
pub(super) type Credit = watch::Sender<u32>;

/// Where one loop pulls from and what it does with the messages.
pub(super) struct Puller<M> {
    pub farm: NatsFarm,
    pub stream: String,
    /// The consumer's name on the server.
    pub consumer: String,
    /// Makes the consumer when it is not there; without it, somebody else does.
    pub make: Option<Config>,
    /// Names the consumer in [`Origin`].
    pub name: &'static str,
    pub open: Arc<OpenDeliveries>,
    pub out: mpsc::Sender<Delivery<M>>,
    /// Pull only while there is credit; no limit without one.
    pub credit: Option<Arc<Credit>>,
}

/// A running task, ended with its owner.
pub(super) struct Task(JoinHandle<()>);

impl Task {
    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How a pull ended.
enum Pulled {
    Message(Box<NatsMessage>),
    /// Nothing came while it was open.
    Nothing,
}

impl<M: Message + Send + 'static> Puller<M> {
    /// Makes the consumer, where that is this end's part, and starts the loop. It goes on through every failure until the receiving
    /// side is dropped.
    pub async fn start(self) -> Result<Task, BusError> {
        self.make_consumer().await?;
        Ok(Task::spawn(async move {
            let mut failures = 0_u32;
            while let Err(error) = self.pull_until_failure(&mut failures).await {
                failures = failures.saturating_add(1);
                if failures == FAILURES_TOLD {
                    warn!(consumer = self.consumer, stream = self.stream, %error, "nothing can be pulled yet, trying on");
                } else {
                    debug!(consumer = self.consumer, %error, "pulling again");
                }
                sleep(PAUSE).await;
            }
        }))
    }

    async fn make_consumer(&self) -> Result<(), BusError> {
        match &self.make {
            Some(config) => self.farm.make_consumer(&self.stream, config.clone()).await,
            None => Ok(()),
        }
    }

    /// Returns without error when nobody receives any more. A pull that was served sets `failures` back.
    async fn pull_until_failure(&self, failures: &mut u32) -> Result<(), BusError> {
        let failed = |reason: String| BusError::JetStream { what: format!("pulling from {}", self.stream), reason };
        if !self.farm.is_connected() {
            // The client would keep the requests and send them all after the reconnect.
            return Err(failed("not connected".to_owned()));
        }
        if self.make_consumer().await.is_err() {
            // The server lost its memory: make everything anew.
            self.farm.make().await?;
            self.make_consumer().await?;
        }
        let client = &self.farm.client;
        let inbox = client.new_inbox();
        let mut messages = client.subscribe(inbox.clone()).await.map_err(|error| failed(error.to_string()))?;
        // By hand: the client's own call wants the consumer's description first, which takes one permission more.
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", self.stream, self.consumer);
        let (expires, heartbeat) = (PULL.as_nanos(), IDLE_HEARTBEAT.as_nanos());
        let pull = Bytes::from(format!(r#"{{"batch":1,"expires":{expires},"idle_heartbeat":{heartbeat}}}"#));
        loop {
            let Ok(room) = self.out.reserve().await else { return Ok(()) };
            if let Some(credit) = &self.credit {
                // The sender is owned here, so waiting cannot fail.
                let _ = credit.subscribe().wait_for(|credit| *credit > 0).await;
            }
            let asked = client.publish_with_reply(next.clone(), inbox.clone(), pull.clone()).await;
            asked.map_err(|error| failed(error.to_string()))?;
            let pulled = wait(&mut messages).await.map_err(failed)?;
            if *failures >= FAILURES_TOLD {
                info!(consumer = self.consumer, stream = self.stream, "pulling again");
            }
            *failures = 0;
            match pulled {
                Pulled::Nothing => {}
                Pulled::Message(message) => {
                    if let Some(delivery) = self.open(*message).await {
                        room.send(delivery);
                    }
                }
            }
        }
    }

    /// Makes a delivery of a message, unless it cannot be read or the credit is gone meanwhile.
    async fn open(&self, message: NatsMessage) -> Option<Delivery<M>> {
        let message = JetStreamMessage { message, context: self.farm.context.clone() };
        let (sequence, delivered) = match message.info() {
            Ok(info) => (info.stream_sequence, info.delivered),
            Err(error) => {
                warn!(consumer = self.name, %error, "message without delivery figures ignored");
                return None;
            }
        };
        let (message, acker) = message.split();
        let decoded = match decode(&message.payload) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.open.refuse();
                warn!(subject = %message.subject, %error, "message refused");
                if let Err(error) = acker.double_ack_with(AckKind::Term).await {
                    debug!(%error, "refused message not ended; it will be refused again");
                }
                return None;
            }
        };
        if let Some(credit) = &self.credit {
            let spent = credit.send_if_modified(|credit| {
                let any = *credit > 0;
                *credit = credit.saturating_sub(1);
                any
            });
            if !spent {
                // Asked for while there was credit and not wanted now: somebody else may have it at once.
                if let Err(error) = acker.double_ack_with(AckKind::Nak(None)).await {
                    debug!(%error, "unwanted message not handed back; it comes again when its wait is over");
                }
                return None;
            }
        }
        let deliveries = u32::try_from(delivered).unwrap_or(1).max(1);
        let token = self.open.insert(Origin { consumer: self.name, sequence }, acker, deliveries);
        Some(Delivery { token: Some(token), deliveries, message: decoded })
    }
}

/// Waits for what a pull brings. Fails with the server's reason when it refuses or falls silent.
async fn wait(messages: &mut Subscriber) -> Result<Pulled, String> {
    loop {
        let next = timeout(SILENCE, messages.next()).await.map_err(|_| "the server is silent".to_owned())?;
        let message = next.ok_or_else(|| "the subscription ended".to_owned())?;
        match message.status {
            None | Some(StatusCode::OK) => return Ok(Pulled::Message(Box::new(message))),
            Some(StatusCode::IDLE_HEARTBEAT) => {}
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => return Ok(Pulled::Nothing),
            Some(StatusCode::NO_RESPONDERS) => {
                return Err(
                    "the consumer is not there: the coordinator makes it once it runs and hears of this worker"
                        .to_owned(),
                );
            }
            Some(status) => {
                return Err(format!("{status} {}", message.description.as_deref().unwrap_or("without a reason")));
            }
        }
    }
}
