//! The two ends of the bus.

use async_trait::async_trait;
use proofyard_job_schema::{WorkerCommand, WorkerId, WorkerMessage};

use crate::error::BusError;

/// Stands for one delivery until it is settled. Opaque: it means something only to the bus that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryToken(u64);

impl DeliveryToken {
    /// A token with this number; for adapters and for simulations of a bus.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery<M> {
    /// To be settled with [`Deliveries`]; none for messages that are not stored (heartbeats, progress).
    pub token: Option<DeliveryToken>,
    /// How often the message was delivered, this time included; 1 unless it was handed back or its wait ran out.
    pub deliveries: u32,
    /// The message.
    pub message: M,
}

/// Where a command goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// To whichever worker asks first.
    Pool,
    /// To this worker only; it waits there until the worker takes it.
    Worker(WorkerId),
}

/// What a starting coordinator does with messages of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Drops every waiting command and stored worker message of the farm: they belong to nobody.
    Fresh,
    /// Takes over what is there.
    Resume,
}

/// Settling deliveries: common to both ends.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Done: the message never comes again. Returns when the bus has confirmed it. A delivery that has come again is
    /// not open any more; one that came again at another end may still be settled here, then for both.
    async fn ack(&self, token: DeliveryToken) -> Result<(), BusError>;

    /// Handed back: the message is delivered again at once, to whoever receives there.
    async fn nak(&self, token: DeliveryToken) -> Result<(), BusError>;

    /// Still working on it: the acknowledgement wait starts anew.
    async fn in_progress(&self, token: DeliveryToken) -> Result<(), BusError>;

    /// How many messages this end has received that could not be decoded. They are dropped and logged.
    fn refused(&self) -> u64;
}

/// The coordinator's end.
#[async_trait]
pub trait CoordinatorBus: Deliveries {
    /// Sends a command; returns when it is stored. After an error it may or may not be stored.
    async fn send(&self, to: &Destination, command: &WorkerCommand) -> Result<(), BusError>;

    /// The next message of any worker. Cancel-safe: a dropped call loses nothing.
    async fn receive(&self) -> Result<Delivery<WorkerMessage>, BusError>;

    /// Drops the commands that wait at a destination, those delivered and not yet settled included, so that they do
    /// not come again.
    async fn withdraw(&self, from: &Destination) -> Result<(), BusError>;
}

/// A worker's end.
#[async_trait]
pub trait WorkerBus: Deliveries {
    /// The next command, from this worker's own destination or, as far as [`Self::set_pool_credit`] allows, from the
    /// pool. Cancel-safe: a dropped call loses nothing.
    async fn receive(&self) -> Result<Delivery<WorkerCommand>, BusError>;

    /// How many commands of the pool this worker would take now. Each one taken uses up one; 0 at the start. Commands
    /// to this worker itself always come.
    fn set_pool_credit(&self, commands: u32);

    /// Sends a message; stored ones ([`WorkerMessage::is_stored`]) return when they are stored. After an error a
    /// stored message may or may not be there: send it again. An unstored one is gone: the next one says as much.
    async fn send(&self, message: &WorkerMessage) -> Result<(), BusError>;
}
