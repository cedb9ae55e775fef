//! The bus within one process: queues behind a lock. Messages still pass through the codec, so that its caps hold here
//! too.

mod blobs;
mod queues;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use proofyard_job_schema::{Message, WorkerCommand, WorkerId, WorkerMessage, decode, encode};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::warn;

pub use self::blobs::InProcessBlobs;
use self::queues::{Lane, Queues, Taken};
use crate::bus::{CoordinatorBus, Deliveries, Delivery, DeliveryToken, Destination, Start, WorkerBus};
use crate::error::BusError;
use crate::options::BusOptions;

/// A farm's bus within the process. Clones are the same bus.
#[derive(Clone)]
pub struct InProcessBus {
    shared: Arc<Shared>,
    blobs: InProcessBlobs,
}

struct Shared {
    queues: Mutex<Queues>,
    changed: Notify,
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        // The queues are consistent between any two statements that could panic.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `take` finds something.
    async fn wait<T>(&self, mut take: impl FnMut(&mut Queues, Instant) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change goes unnoticed.
            changed.as_mut().enable();
            let next_wait_over = {
                let mut queues = self.queues();
                let now = Instant::now();
                let next = queues.expire(now);
                if let Some(found) = take(&mut queues, now) {
                    return found;
                }
                next
            };
            match next_wait_over {
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Changes the queues and wakes whoever waits for a change.
    fn change<T>(&self, change: impl FnOnce(&mut Queues, Instant) -> T) -> T {
        let result = {
            let mut queues = self.queues();
            let now = Instant::now();
            queues.expire(now);
            change(&mut queues, now)
        };
        self.changed.notify_waiters();
        result
    }
}

impl InProcessBus {
    /// An empty bus and blob store.
    pub fn new(options: BusOptions) -> Self {
        let blobs = InProcessBlobs::new(options.blobs_bytes_max);
        let queues = Mutex::new(Queues::new(options));
        Self { shared: Arc::new(Shared { queues, changed: Notify::new() }), blobs }
    }

    /// The coordinator's end.
    pub fn coordinator(&self, start: Start) -> InProcessCoordinator {
        if start == Start::Fresh {
            self.shared.change(|queues, _| queues.purge(|_| true));
        }
        InProcessCoordinator { shared: self.shared.clone(), refused: AtomicU64::new(0) }
    }

    /// A worker's end.
    pub fn worker(&self, worker: WorkerId) -> InProcessWorker {
        InProcessWorker {
            shared: self.shared.clone(),
            own: Lane::Worker(worker),
            credit: AtomicU32::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// The blob store.
    pub fn blobs(&self) -> InProcessBlobs {
        self.blobs.clone()
    }

    /// Puts bytes where the coordinator sends commands, as another program on a shared bus could.
    pub fn inject_command(&self, to: &Destination, bytes: Bytes) -> Result<(), BusError> {
        self.shared.change(|queues, _| queues.push(to.into(), bytes))
    }

    /// Puts bytes where workers send stored messages, as another program on a shared bus could.
    pub fn inject_message(&self, bytes: Bytes) -> Result<(), BusError> {
        self.shared.change(|queues, _| queues.push(Lane::Replies, bytes))
    }
}

/// Reads a taken message; one that cannot be read is dropped for good.
fn read<M: Message>(queues: &mut Queues, taken: Taken, refused: &AtomicU64) -> Option<Delivery<M>> {
    match decode(&taken.bytes) {
        Ok(message) => Some(Delivery { token: Some(taken.token), deliveries: taken.deliveries, message }),
        Err(error) => {
            refused.fetch_add(1, Ordering::Relaxed);
            warn!(%error, "message refused");
            // It was taken a moment ago under the same lock, so it is open.
            let _ = queues.ack(taken.token);
            None
        }
    }
}

macro_rules! deliveries {
    ($end:ident) => {
        #[async_trait]
        impl Deliveries for $end {
            async fn ack(&self, token: DeliveryToken) -> Result<(), BusError> {
                self.shared.change(|queues, _| queues.ack(token))
            }

            async fn nak(&self, token: DeliveryToken) -> Result<(), BusError> {
                self.shared.change(|queues, _| queues.nak(token))
            }

            async fn in_progress(&self, token: DeliveryToken) -> Result<(), BusError> {
                self.shared.change(|queues, now| queues.in_progress(token, now))
            }

            fn refused(&self) -> u64 {
                self.refused.load(Ordering::Relaxed)
            }
        }
    };
}

/// The coordinator's end of an [`InProcessBus`].
pub struct InProcessCoordinator {
    shared: Arc<Shared>,
    refused: AtomicU64,
}

deliveries!(InProcessCoordinator);

#[async_trait]
impl CoordinatorBus for InProcessCoordinator {
    async fn send(&self, to: &Destination, command: &WorkerCommand) -> Result<(), BusError> {
        let bytes = encode(command)?.into();
        self.shared.change(|queues, _| queues.push(to.into(), bytes))
    }

    async fn receive(&self) -> Result<Delivery<WorkerMessage>, BusError> {
        let next = self.shared.wait(|queues, now| {
            // Signs of life first: they are short and late ones mislead.
            while let Some(bytes) = queues.take_signal() {
                match decode(&bytes) {
                    Ok(message) => return Some(Delivery { token: None, deliveries: 1, message }),
                    Err(error) => {
                        self.refused.fetch_add(1, Ordering::Relaxed);
                        warn!(%error, "message refused");
                    }
                }
            }
            while let Some(taken) = queues.take(&Lane::Replies, now) {
                if let Some(delivery) = read(queues, taken, &self.refused) {
                    return Some(delivery);
                }
            }
            None
        });
        Ok(next.await)
    }

    async fn withdraw(&self, from: &Destination) -> Result<(), BusError> {
        let gone = Lane::from(from);
        self.shared.change(|queues, _| queues.purge(|lane| *lane == gone));
        Ok(())
    }
}

/// A worker's end of an [`InProcessBus`].
pub struct InProcessWorker {
    shared: Arc<Shared>,
    own: Lane,
    credit: AtomicU32,
    refused: AtomicU64,
}

deliveries!(InProcessWorker);

impl InProcessWorker {
    /// Uses up one credit if there is any.
    fn spend(&self) -> bool {
        let spend = |credit: u32| credit.checked_sub(1);
        self.credit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

#[async_trait]
impl WorkerBus for InProcessWorker {
    async fn receive(&self) -> Result<Delivery<WorkerCommand>, BusError> {
        let next = self.shared.wait(|queues, now| {
            while let Some(taken) = queues.take(&self.own, now) {
                if let Some(delivery) = read(queues, taken, &self.refused) {
                    return Some(delivery);
                }
            }
            while self.spend() {
                let Some(taken) = queues.take(&Lane::Pool, now) else {
                    self.credit.fetch_add(1, Ordering::Relaxed);
                    return None;
                };
                if let Some(delivery) = read(queues, taken, &self.refused) {
                    return Some(delivery);
                }
                self.credit.fetch_add(1, Ordering::Relaxed);
            }
            None
        });
        Ok(next.await)
    }

    fn set_pool_credit(&self, commands: u32) {
        self.shared.change(|_, _| self.credit.store(commands, Ordering::Relaxed));
    }

    async fn send(&self, message: &WorkerMessage) -> Result<(), BusError> {
        let bytes = encode(message)?.into();
        self.shared.change(|queues, _| {
            if message.is_stored() {
                queues.push(Lane::Replies, bytes)
            } else {
                queues.push_signal(bytes);
                Ok(())
            }
        })
    }
}
