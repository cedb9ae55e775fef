//! Deliveries that are not settled yet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::Acker;

use crate::bus::DeliveryToken;
use crate::error::BusError;

/// Most deliveries remembered; above it the oldest are forgotten and come again when their wait is over.
const OPEN_MAX: usize = 65_536;

/// Which message of which consumer a delivery was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// `own`, `pool` or `replies`.
    pub consumer: &'static str,
    /// Its number in the stream.
    pub sequence: u64,
}

/// Open deliveries by token.
#[derive(Default)]
pub(super) struct OpenDeliveries {
    last: AtomicU64,
    refused: AtomicU64,
    open: Mutex<BTreeMap<DeliveryToken, (Origin, Arc<Acker>)>>,
}

impl OpenDeliveries {
    fn open(&self) -> MutexGuard<'_, BTreeMap<DeliveryToken, (Origin, Arc<Acker>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token for a delivery. An earlier delivery of the same message is forgotten.
    pub fn insert(&self, origin: Origin, acker: Acker, deliveries: u32) -> DeliveryToken {
        let token = DeliveryToken::new(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let mut open = self.open();
        if deliveries > 1 {
            open.retain(|_, (earlier, _)| *earlier != origin);
        }
        if open.len() >= OPEN_MAX {
            open.pop_first();
        }
        open.insert(token, (origin, Arc::new(acker)));
        token
    }

    /// Counts a message that could not be read.
    pub fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn acker(&self, token: DeliveryToken) -> Result<Arc<Acker>, BusError> {
        self.open().get(&token).map(|(_, acker)| acker.clone()).ok_or(BusError::UnknownToken(token))
    }

    /// Settles a delivery and waits for the server's confirmation. When that fails the delivery stays open.
    pub async fn settle(&self, token: DeliveryToken, kind: AckKind) -> Result<(), BusError> {
        let acker = self.acker(token)?;
        let settled = acker.double_ack_with(kind).await;
        settled.map_err(|error| BusError::NotSettled { reason: error.to_string() })?;
        self.open().remove(&token);
        Ok(())
    }

    /// Starts the wait of a delivery anew.
    pub async fn in_progress(&self, token: DeliveryToken) -> Result<(), BusError> {
        let sent = self.acker(token)?.ack_with(AckKind::Progress).await;
        sent.map_err(|error| BusError::NotSettled { reason: error.to_string() })
    }
}
