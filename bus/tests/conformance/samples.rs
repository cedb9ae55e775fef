//! Messages and waits that the cases share.

use std::sync::Arc;
use std::time::Duration;

use proofyard_bus::{BusOptions, CoordinatorBus, Delivery, DeliveryToken, Destination, WorkerBus};
use proofyard_job_schema::*;
use tokio::time::timeout;

/// Short waits, so that their end is seen.
pub const ACK_WAIT: Duration = Duration::from_millis(1000);
/// Much less than the wait: what comes within it came at once.
pub const AT_ONCE: Duration = Duration::from_millis(600);
/// Time enough for anything that is to come.
pub const EVENTUALLY: Duration = Duration::from_secs(10);

pub fn options() -> BusOptions {
    BusOptions { ack_wait: ACK_WAIT, ..BusOptions::default() }
}

pub fn worker_id(name: &str) -> WorkerId {
    WorkerId::new(name).unwrap()
}

pub fn to(name: &str) -> Destination {
    Destination::Worker(worker_id(name))
}

pub fn job_id(subtree: u32) -> JobId {
    JobId { block: BlockId([1; 32]), round: Round::FIRST, subtree: SubtreeIndex(subtree), epoch: Epoch(1), attempt: 0 }
}

/// Commands told apart by a number.
pub fn command(number: u32) -> WorkerCommand {
    WorkerCommand::Cancel(job_id(number))
}

/// Stored messages told apart by a number.
pub fn reply(number: u32) -> WorkerMessage {
    WorkerMessage::Reply(Box::new(Reply {
        id: job_id(number),
        author: worker_id("a"),
        transcript: TranscriptDigest::default(),
        messages: vec![RoundBytes { round: Round::FIRST, bytes: vec![7; 256] }],
        figures: ProvingFigures::default(),
    }))
}

/// Unstored messages told apart by a number.
pub fn progress(number: u64) -> WorkerMessage {
    WorkerMessage::Progress(Progress { id: job_id(0), author: worker_id("a"), done: number, total: 100 })
}

/// The next command, which must come in time, with its token.
pub async fn next(worker: &Arc<dyn WorkerBus>, within: Duration) -> (WorkerCommand, DeliveryToken, u32) {
    let delivery = timeout(within, worker.receive()).await.expect("a command comes in time").unwrap();
    let Delivery { token, deliveries, message } = delivery;
    (message, token.expect("commands have tokens"), deliveries)
}

/// No command comes for a while.
pub async fn silence(worker: &Arc<dyn WorkerBus>, for_long: Duration) {
    if let Ok(delivery) = timeout(for_long, worker.receive()).await {
        panic!("unexpected {delivery:?}");
    }
}

/// The next message, which must come in time.
pub async fn next_message(coordinator: &Arc<dyn CoordinatorBus>) -> Delivery<WorkerMessage> {
    timeout(EVENTUALLY, coordinator.receive()).await.expect("a message comes in time").unwrap()
}

/// No message comes for a while.
pub async fn no_message(coordinator: &Arc<dyn CoordinatorBus>, for_long: Duration) {
    if let Ok(delivery) = timeout(for_long, coordinator.receive()).await {
        panic!("unexpected {delivery:?}");
    }
}
