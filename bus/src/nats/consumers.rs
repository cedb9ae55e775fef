//! The consumers of workers' own commands: the coordinator makes one for each worker that it hears of or sends to, so that a
//! worker needs no right to make any.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proofyard_job_schema::WorkerId;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::pull::Task;
use super::{NatsFarm, PAUSE};

/// A consumer is looked at again after this long, as the server forgets those of workers that were away.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Workers that wait for their consumer; the others are heard again with their next heartbeat.
const WAITING: usize = 1024;
/// Workers that are remembered.
const KNOWN_MAX: usize = 16_384;

/// Which workers have their consumer.
pub(super) struct WorkerConsumers {
    farm: NatsFarm,
    known: Mutex<HashMap<WorkerId, Known>>,
    wanted: mpsc::Sender<WorkerId>,
}

/// When a consumer was asked for, and in which life of the streams.
#[derive(Clone, Copy)]
struct Known {
    since: Instant,
    made: u64,
}

impl WorkerConsumers {
    /// No worker is known yet. The task makes what is asked for.
    pub fn new(farm: NatsFarm) -> (Arc<Self>, Task) {
        let (wanted, mut asked) = mpsc::channel::<WorkerId>(WAITING);
        let consumers = Arc::new(Self { farm, known: Mutex::default(), wanted });
        let maker = Arc::downgrade(&consumers);
        let task = Task::spawn(async move {
            while let Some(worker) = asked.recv().await {
                let Some(consumers) = maker.upgrade() else { return };
                consumers.make(worker).await;
            }
        });
        (consumers, task)
    }

    /// A worker is there, or is sent something: its consumer is made unless that was done not long ago. Never waits.
    pub fn heard(&self, worker: &WorkerId) {
        let made = self.farm.made.load(Ordering::Relaxed);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(worker).is_some_and(|known| known.made == made && known.since.elapsed() < LOOK_AGAIN) {
            return;
        }
        if known.len() >= KNOWN_MAX {
            known.retain(|_, known| known.since.elapsed() < LOOK_AGAIN);
        }
        if known.len() < KNOWN_MAX && self.wanted.try_send(worker.clone()).is_ok() {
            known.insert(worker.clone(), Known { since: Instant::now(), made });
        }
    }

    async fn make(&self, worker: WorkerId) {
        let (stream, layout) = (&self.farm.layout.jobs_stream, &self.farm.layout);
        let consumer = layout.worker_consumer(&worker, &self.farm.options);
        let Err(error) = self.farm.make_consumer(stream, consumer).await else { return };
        debug!(%worker, %error, "its consumer is not made, trying again when it is heard of");
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&worker);
        sleep(PAUSE).await;
    }
}
