//! From workers to the coordinator.

use proofyard_bus::{BusError, Start};
use proofyard_job_schema::{CodecError, Disposition, Goodbye, JOBS_LISTED_MAX, JobFailure, WorkerMessage};

use crate::adapters::Adapter;
use crate::samples::*;

pub async fn replies_wait_for_the_coordinator<A: Adapter>() {
    let farm = A::new(options()).await;
    let worker = farm.worker("a").await;
    let failure = JobFailure::new(job_id(1), worker_id("a"), Disposition::RetryElsewhere, "PY-W-001", "no memory");
    let sent = [
        reply(0),
        WorkerMessage::Failure(Box::new(failure)),
        WorkerMessage::Goodbye(Goodbye { worker: worker_id("a"), returned: vec![job_id(2)] }),
    ];
    for message in &sent {
        worker.send(message).await.unwrap();
    }
    let coordinator = farm.coordinator(Start::Resume).await;
    for message in sent {
        let delivery = next_message(&coordinator).await;
        assert_eq!((delivery.message, delivery.deliveries), (message, 1));
        coordinator.ack(delivery.token.unwrap()).await.unwrap();
    }
    no_message(&coordinator, ACK_WAIT + AT_ONCE).await;
}

pub async fn a_fresh_coordinator_forgets<A: Adapter>() {
    let farm = A::new(options()).await;
    let worker = farm.worker("a").await;
    let earlier = farm.coordinator(Start::Fresh).await;
    // A command that is delivered and not settled, one that waits, and a reply.
    earlier.send(&to("a"), &command(1)).await.unwrap();
    next(&worker, EVENTUALLY).await;
    earlier.send(&to("b"), &command(2)).await.unwrap();
    drop(earlier);
    worker.send(&reply(1)).await.unwrap();

    let coordinator = farm.coordinator(Start::Fresh).await;
    let b = farm.worker("b").await;
    no_message(&coordinator, AT_ONCE).await;
    silence(&worker, ACK_WAIT).await;
    silence(&b, AT_ONCE).await;
    // Workers that were there go on.
    coordinator.send(&to("a"), &command(3)).await.unwrap();
    assert_eq!(next(&worker, EVENTUALLY).await.0, command(3));
    worker.send(&reply(3)).await.unwrap();
    assert_eq!(next_message(&coordinator).await.message, reply(3));
}

pub async fn heartbeats_are_not_stored<A: Adapter>() {
    let farm = A::new(options()).await;
    let worker = farm.worker("a").await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    for number in 0..20 {
        worker.send(&progress(number)).await.unwrap();
    }
    for number in 0..20 {
        let delivery = next_message(&coordinator).await;
        assert_eq!((delivery.message, delivery.token), (progress(number), None));
    }
    no_message(&coordinator, ACK_WAIT + AT_ONCE).await;
}

pub async fn unacknowledged_replies_come_again<A: Adapter>() {
    let farm = A::new(options()).await;
    let worker = farm.worker("a").await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    worker.send(&reply(1)).await.unwrap();
    let first = next_message(&coordinator).await;
    drop(coordinator);
    // The next coordinator gets what the first did not settle.
    let coordinator = farm.coordinator(Start::Resume).await;
    let second = next_message(&coordinator).await;
    assert_eq!((second.message, second.deliveries), (first.message, 2));
    coordinator.nak(second.token.unwrap()).await.unwrap();
    let third = next_message(&coordinator).await;
    assert_eq!(third.deliveries, 3);
    coordinator.ack(third.token.unwrap()).await.unwrap();
    no_message(&coordinator, ACK_WAIT + AT_ONCE).await;
}

pub async fn malformed_messages_are_dropped<A: Adapter>() {
    let farm = A::new(options()).await;
    let worker = farm.worker("a").await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    for bytes in [&b""[..], b"{}", &[1, 9], &[0; 5000]] {
        farm.inject_message(bytes).await;
    }
    worker.send(&reply(1)).await.unwrap();
    let delivery = next_message(&coordinator).await;
    assert_eq!(delivery.message, reply(1));
    coordinator.ack(delivery.token.unwrap()).await.unwrap();
    no_message(&coordinator, ACK_WAIT + AT_ONCE).await;
    assert_eq!(coordinator.refused(), 4);
}

pub async fn unwritable_messages_are_refused<A: Adapter>() {
    let farm = A::new(options()).await;
    let worker = farm.worker("a").await;
    let returned = vec![job_id(0); JOBS_LISTED_MAX + 1];
    let refused = worker.send(&WorkerMessage::Goodbye(Goodbye { worker: worker_id("a"), returned })).await;
    assert!(matches!(refused, Err(BusError::Codec(CodecError::Unwritable { .. }))), "{refused:?}");
}
