//! The coordinator's end over NATS.

use std::sync::Arc;

use async_nats::jetstream::AckKind;
use async_trait::async_trait;
use futures::StreamExt;
use proofyard_job_schema::{WorkerCommand, WorkerMessage, decode, encode};
use tokio::sync::{Mutex, mpsc};
use tokio::time::sleep;
use tracing::{debug, warn};

use super::consumers::WorkerConsumers;
use super::layout::REPLIES;
use super::open::OpenDeliveries;
use super::pull::{Puller, Task};
use super::{NatsFarm, PAUSE};
use crate::bus::{CoordinatorBus, Deliveries, Delivery, DeliveryToken, Destination, Start};
use crate::error::BusError;

/// Messages that wait for the coordinator in its process.
const BUFFERED: usize = 256;

/// The coordinator's end of a farm on NATS.
pub struct NatsCoordinator {
    farm: NatsFarm,
    open: Arc<OpenDeliveries>,
    stored: Mutex<mpsc::Receiver<Delivery<WorkerMessage>>>,
    signals: Mutex<mpsc::Receiver<Delivery<WorkerMessage>>>,
    consumers: Arc<WorkerConsumers>,
    _tasks: [Task; 3],
}

impl NatsCoordinator {
    pub(super) async fn open(farm: NatsFarm, start: Start) -> Result<Self, BusError> {
        if start == Start::Fresh {
            farm.purge(&farm.layout.jobs_stream, None).await?;
            farm.purge(&farm.layout.replies_stream, None).await?;
        }
        let open = Arc::new(OpenDeliveries::default());
        let (out, signals) = mpsc::channel(BUFFERED);
        // First: the answer to the consumer's request below also says that the server knows of this subscription.
        let (consumers, made) = WorkerConsumers::new(farm.clone());
        let heartbeats = listen(&farm, open.clone(), consumers.clone(), out).await?;
        let (out, stored) = mpsc::channel(BUFFERED);
        let puller = Puller {
            stream: farm.layout.replies_stream.clone(),
            consumer: REPLIES.to_owned(),
            make: Some(farm.layout.replies_consumer(&farm.options)),
            farm: farm.clone(),
            name: "replies",
            open: open.clone(),
            out,
            credit: None,
        };
        let replies = puller.start().await?;
        let (stored, signals) = (Mutex::new(stored), Mutex::new(signals));
        Ok(Self { farm, open, stored, signals, consumers, _tasks: [replies, heartbeats, made] })
    }
}

/// Receives what is not stored.
async fn listen(
    farm: &NatsFarm,
    open: Arc<OpenDeliveries>,
    consumers: Arc<WorkerConsumers>,
    out: mpsc::Sender<Delivery<WorkerMessage>>,
) -> Result<Task, BusError> {
    let subject = farm.layout.heartbeats.clone();
    let mut messages = farm.client.subscribe(subject.clone()).await.map_err(|error| BusError::JetStream {
        what: format!("subscribing to {subject}"),
        reason: error.to_string(),
    })?;
    Ok(Task::spawn(async move {
        while let Some(message) = messages.next().await {
            match decode(&message.payload) {
                Ok(message) => {
                    if let WorkerMessage::Heartbeat(heartbeat) = &message {
                        consumers.heard(&heartbeat.worker);
                    }
                    if out.send(Delivery { token: None, deliveries: 1, message }).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    open.refuse();
                    warn!(subject = %message.subject, %error, "message refused");
                }
            }
        }
    }))
}

#[async_trait]
impl Deliveries for NatsCoordinator {
    async fn ack(&self, token: DeliveryToken) -> Result<(), BusError> {
        self.open.settle(token, AckKind::Ack).await
    }

    async fn nak(&self, token: DeliveryToken) -> Result<(), BusError> {
        self.open.settle(token, AckKind::Nak(None)).await
    }

    async fn in_progress(&self, token: DeliveryToken) -> Result<(), BusError> {
        self.open.in_progress(token).await
    }

    fn refused(&self) -> u64 {
        self.open.refused()
    }
}

#[async_trait]
impl CoordinatorBus for NatsCoordinator {
    async fn send(&self, to: &Destination, command: &WorkerCommand) -> Result<(), BusError> {
        let bytes = encode(command)?.into();
        self.farm.store(&self.farm.layout.destination(to), bytes).await?;
        if let Destination::Worker(worker) = to {
            // It waits in the stream; the worker may be one that has not been heard of.
            self.consumers.heard(worker);
        }
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery<WorkerMessage>, BusError> {
        let (mut signals, mut stored) = (self.signals.lock().await, self.stored.lock().await);
        // Signs of life first: they are short and late ones mislead.
        let next = tokio::select! {
            biased;
            next = signals.recv() => next,
            next = stored.recv() => next,
        };
        next.ok_or(BusError::Closed)
    }

    async fn withdraw(&self, from: &Destination) -> Result<(), BusError> {
        let subject = self.farm.layout.destination(from);
        let purged = self.farm.purge(&self.farm.layout.jobs_stream, Some(&subject)).await;
        let Err(error) = purged else { return Ok(()) };
        // Once more: the server may just have lost its memory.
        debug!(%error, subject, "not withdrawn, trying again");
        sleep(PAUSE).await;
        self.farm.make().await?;
        self.farm.purge(&self.farm.layout.jobs_stream, Some(&subject)).await
    }
}
