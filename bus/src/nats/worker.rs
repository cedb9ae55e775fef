//! A worker's end over NATS.

use std::sync::Arc;

use async_nats::jetstream::AckKind;
use async_trait::async_trait;
use proofyard_job_schema::{WorkerCommand, WorkerId, WorkerMessage, encode};
use tokio::sync::{Mutex, mpsc, watch};

use super::NatsFarm;
use super::layout::{Layout, POOL};
use super::open::OpenDeliveries;
use super::pull::{Credit, Puller, Task};
use crate::bus::{Deliveries, Delivery, DeliveryToken, WorkerBus};
use crate::error::BusError;

/// Commands to this worker that wait in its process.
const BUFFERED: usize = 16;

/// A worker's end of a farm on NATS.
pub struct NatsWorker {
    farm: NatsFarm,
    open: Arc<OpenDeliveries>,
    commands: Mutex<mpsc::Receiver<Delivery<WorkerCommand>>>,
    credit: Arc<Credit>,
    _tasks: [Task; 2],
}

impl NatsWorker {
    pub(super) async fn open(farm: NatsFarm, worker: WorkerId) -> Result<Self, BusError> {
        let open = Arc::new(OpenDeliveries::default());
        let (out, commands) = mpsc::channel(BUFFERED);
        let credit = Arc::new(watch::Sender::new(0));
        let own = Puller {
            stream: farm.layout.jobs_stream.clone(),
            consumer: Layout::worker_consumer_name(&worker),
            make: None,
            farm: farm.clone(),
            name: "own",
            open: open.clone(),
            out: out.clone(),
            credit: None,
        };
        let pool = Puller {
            stream: farm.layout.jobs_stream.clone(),
            consumer: POOL.to_owned(),
            make: None,
            farm: farm.clone(),
            name: "pool",
            open: open.clone(),
            out,
            credit: Some(credit.clone()),
        };
        let tasks = [own.start().await?, pool.start().await?];
        Ok(Self { farm, open, commands: Mutex::new(commands), credit, _tasks: tasks })
    }
}

#[async_trait]
impl Deliveries for NatsWorker {
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
impl WorkerBus for NatsWorker {
    async fn receive(&self) -> Result<Delivery<WorkerCommand>, BusError> {
        self.commands.lock().await.recv().await.ok_or(BusError::Closed)
    }

    fn set_pool_credit(&self, commands: u32) {
        self.credit.send_replace(commands);
    }

    async fn send(&self, message: &WorkerMessage) -> Result<(), BusError> {
        let bytes = encode(message)?.into();
        let layout = &self.farm.layout;
        if message.is_stored() {
            return self.farm.store(&layout.replies, bytes).await;
        }
        let subject = layout.heartbeats.clone();
        if !self.farm.is_connected() {
            // The client would keep it and send it, stale, after the reconnect.
            return Err(BusError::NotStored { subject, reason: "not connected".to_owned() });
        }
        let sent = self.farm.client.publish(subject.clone(), bytes).await;
        sent.map_err(|error| BusError::NotStored { subject, reason: error.to_string() })
    }
}
