//! The bus between coordinator and workers, and the blob store beside it.
//!
//! [`CoordinatorBus`] and [`WorkerBus`] are the two ends; [`BlobStore`] carries what is too large for a message. There are
//! two adapters with the same behaviour, shown by one conformance suite: [`in_process`] for one process, [`nats`] for a
//! NATS server with JetStream.
//!
//! Delivery is at least once: a delivery is acknowledged, handed back, or comes again when its acknowledgement wait is
//! over. Nothing here is durable beyond the server's life; what must not be lost lives elsewhere.

mod blob;
mod bus;
mod error;
pub mod in_process;
mod metrics;
pub mod nats;
mod options;

pub use blob::{BLOB_BYTES_MAX, BlobStore, digest_of};
pub use bus::{CoordinatorBus, Deliveries, Delivery, DeliveryToken, Destination, Start, WorkerBus};
pub use error::BusError;
pub use metrics::BusMetrics;
pub use options::{BusOptions, FarmName};
