//! From the coordinator to workers.

use std::collections::BTreeSet;
use std::time::Duration;

use proofyard_bus::{BusError, BusOptions, Destination, Start};
use tokio::time::{Instant, sleep, timeout};

use crate::adapters::Adapter;
use crate::samples::*;

pub async fn is_delivered_once_and_acknowledged<A: Adapter>() {
    let farm = A::new(options()).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    worker.set_pool_credit(10);
    for number in 0..3 {
        coordinator.send(&Destination::Pool, &command(number)).await.unwrap();
    }
    for number in 0..3 {
        let (received, token, deliveries) = next(&worker, EVENTUALLY).await;
        assert_eq!((received, deliveries), (command(number), 1));
        worker.ack(token).await.unwrap();
        assert_eq!(worker.ack(token).await, Err(BusError::UnknownToken(token)));
        assert_eq!(worker.nak(token).await, Err(BusError::UnknownToken(token)));
        assert_eq!(worker.in_progress(token).await, Err(BusError::UnknownToken(token)));
    }
    silence(&worker, ACK_WAIT + AT_ONCE).await;
    assert_eq!(worker.refused(), 0);
}

pub async fn nak_redelivers_at_once<A: Adapter>() {
    let farm = A::new(options()).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let (a, b) = (farm.worker("a").await, farm.worker("b").await);
    a.set_pool_credit(1);
    coordinator.send(&Destination::Pool, &command(1)).await.unwrap();
    let (_, token, _) = next(&a, EVENTUALLY).await;
    b.set_pool_credit(1);
    sleep(Duration::from_millis(100)).await;
    a.nak(token).await.unwrap();
    let (received, token, deliveries) = next(&b, AT_ONCE).await;
    assert_eq!((received, deliveries), (command(1), 2));
    b.ack(token).await.unwrap();
}

pub async fn redelivered_after_the_wait<A: Adapter>() {
    let farm = A::new(options()).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    coordinator.send(&to("a"), &command(1)).await.unwrap();
    let (_, first, _) = next(&worker, EVENTUALLY).await;
    silence(&worker, AT_ONCE).await;
    let (received, second, deliveries) = next(&worker, EVENTUALLY).await;
    assert_eq!((received, deliveries), (command(1), 2));
    assert_ne!(first, second);
    assert_eq!(worker.ack(first).await, Err(BusError::UnknownToken(first)));
    worker.ack(second).await.unwrap();
    silence(&worker, ACK_WAIT + AT_ONCE).await;
}

pub async fn progress_extends_the_wait<A: Adapter>() {
    let farm = A::new(options()).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    coordinator.send(&to("a"), &command(1)).await.unwrap();
    let (_, token, _) = next(&worker, EVENTUALLY).await;
    let started = Instant::now();
    while started.elapsed() < 3 * ACK_WAIT {
        worker.in_progress(token).await.unwrap();
        silence(&worker, ACK_WAIT / 4).await;
    }
    worker.ack(token).await.unwrap();
    silence(&worker, ACK_WAIT + AT_ONCE).await;
}

pub async fn own_commands_reach_their_worker_only<A: Adapter>() {
    let farm = A::new(options()).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    // Sent before the worker is there.
    coordinator.send(&to("b"), &command(1)).await.unwrap();
    let a = farm.worker("a").await;
    a.set_pool_credit(10);
    silence(&a, AT_ONCE).await;
    let b = farm.worker("b").await;
    let (received, token, _) = next(&b, EVENTUALLY).await;
    assert_eq!(received, command(1));
    b.ack(token).await.unwrap();
    // A worker without credit for the pool gets its own commands all the same.
    coordinator.send(&to("b"), &command(2)).await.unwrap();
    coordinator.send(&to("a"), &command(3)).await.unwrap();
    assert_eq!(next(&b, EVENTUALLY).await.0, command(2));
    assert_eq!(next(&a, EVENTUALLY).await.0, command(3));
}

pub async fn pool_credit_is_kept<A: Adapter>() {
    let farm = A::new(BusOptions { ack_wait: EVENTUALLY, ..options() }).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let (a, b) = (farm.worker("a").await, farm.worker("b").await);
    for number in 0..5 {
        coordinator.send(&Destination::Pool, &command(number)).await.unwrap();
    }
    silence(&a, AT_ONCE).await;
    a.set_pool_credit(2);
    for number in 0..2 {
        assert_eq!(next(&a, EVENTUALLY).await.0, command(number));
    }
    silence(&a, AT_ONCE).await;
    // Nothing is hoarded: the rest is there for others, at once.
    b.set_pool_credit(3);
    for number in 2..5 {
        assert_eq!(next(&b, AT_ONCE).await.0, command(number));
    }
    // Credit that is taken away before a command comes does not keep the command from others.
    a.set_pool_credit(1);
    silence(&a, Duration::from_millis(200)).await;
    a.set_pool_credit(0);
    coordinator.send(&Destination::Pool, &command(5)).await.unwrap();
    silence(&a, Duration::from_millis(300)).await;
    b.set_pool_credit(1);
    assert_eq!(next(&b, AT_ONCE).await.0, command(5));
}

pub async fn two_workers_share_the_pool<A: Adapter>() {
    let farm = A::new(BusOptions { ack_wait: EVENTUALLY, ..options() }).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let workers = [farm.worker("a").await, farm.worker("b").await];
    let mut seen = BTreeSet::new();
    for worker in &workers {
        worker.set_pool_credit(5);
    }
    for number in 0..10 {
        coordinator.send(&Destination::Pool, &command(number)).await.unwrap();
    }
    for worker in &workers {
        for _ in 0..5 {
            let (received, token, deliveries) = next(worker, EVENTUALLY).await;
            assert_eq!(deliveries, 1);
            assert!(seen.insert(format!("{received:?}")), "{received:?} came twice");
            worker.ack(token).await.unwrap();
        }
        silence(worker, Duration::from_millis(200)).await;
    }
    assert_eq!(seen.len(), 10);
}

pub async fn a_worker_that_leaves_takes_nothing_along<A: Adapter>() {
    let farm = A::new(BusOptions { ack_wait: EVENTUALLY, ..options() }).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let (a, b) = (farm.worker("a").await, farm.worker("b").await);
    // It waits for commands of the pool, then it is gone.
    a.set_pool_credit(5);
    silence(&a, Duration::from_millis(200)).await;
    drop(a);
    sleep(Duration::from_millis(200)).await;
    coordinator.send(&Destination::Pool, &command(1)).await.unwrap();
    b.set_pool_credit(1);
    assert_eq!(next(&b, AT_ONCE).await.0, command(1));
}

pub async fn nothing_is_lost_by_a_dropped_receive<A: Adapter>() {
    let farm = A::new(BusOptions { ack_wait: EVENTUALLY, ..options() }).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    worker.set_pool_credit(50);
    let mut received = Vec::new();
    for number in 0..50 {
        coordinator.send(&Destination::Pool, &command(number)).await.unwrap();
        if let Ok(delivery) = timeout(Duration::from_micros(u64::from(number) * 20), worker.receive()).await {
            received.push(delivery.unwrap().message);
        }
    }
    while received.len() < 50 {
        received.push(next(&worker, AT_ONCE).await.0);
    }
    assert_eq!(received, (0..50).map(command).collect::<Vec<_>>());
}

pub async fn given_up_after_too_many_deliveries<A: Adapter>() {
    let farm = A::new(BusOptions { deliveries_max: 3, ..options() }).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    coordinator.send(&to("a"), &command(1)).await.unwrap();
    for expected in 1..=3 {
        let (_, token, deliveries) = next(&worker, AT_ONCE).await;
        assert_eq!(deliveries, expected);
        worker.nak(token).await.unwrap();
    }
    silence(&worker, ACK_WAIT + AT_ONCE).await;
}

pub async fn withdrawn_commands_do_not_come<A: Adapter>() {
    let farm = A::new(options()).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    // One is delivered and stays unsettled, the others wait.
    coordinator.send(&to("a"), &command(1)).await.unwrap();
    next(&worker, EVENTUALLY).await;
    for number in 2..5 {
        coordinator.send(&to("b"), &command(number)).await.unwrap();
    }
    coordinator.send(&Destination::Pool, &command(5)).await.unwrap();
    coordinator.withdraw(&to("a")).await.unwrap();
    coordinator.withdraw(&to("b")).await.unwrap();
    let b = farm.worker("b").await;
    silence(&worker, ACK_WAIT + AT_ONCE).await;
    b.set_pool_credit(10);
    assert_eq!(next(&b, EVENTUALLY).await.0, command(5), "other destinations keep theirs");
    silence(&b, Duration::from_millis(200)).await;
    coordinator.withdraw(&to("nobody")).await.unwrap();
}

pub async fn a_full_queue_refuses<A: Adapter>() {
    let farm = A::new(BusOptions { waiting_max: 4, ack_wait: EVENTUALLY, ..options() }).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    for number in 0..4 {
        coordinator.send(&Destination::Pool, &command(number)).await.unwrap();
    }
    // Delivered is not done: it still counts.
    worker.set_pool_credit(1);
    let (_, token, _) = next(&worker, EVENTUALLY).await;
    let refused = coordinator.send(&to("a"), &command(4)).await;
    assert!(matches!(refused, Err(BusError::Full { waiting: 4, .. })), "{refused:?}");
    worker.ack(token).await.unwrap();
    coordinator.send(&to("a"), &command(4)).await.unwrap();
    assert_eq!(next(&worker, EVENTUALLY).await.0, command(4));
    // Replies have room of their own.
    for number in 0..4 {
        worker.send(&reply(number)).await.unwrap();
    }
    let refused = worker.send(&reply(4)).await;
    assert!(matches!(refused, Err(BusError::Full { waiting: 4, .. })), "{refused:?}");
}

pub async fn malformed_commands_are_dropped<A: Adapter>() {
    let farm = A::new(options()).await;
    let coordinator = farm.coordinator(Start::Fresh).await;
    let worker = farm.worker("a").await;
    worker.set_pool_credit(1);
    for bytes in [&b""[..], b"hello", &[1, 3, 0], &[2, 3], &[1, 200]] {
        farm.inject_command(&to("a"), bytes).await;
        farm.inject_command(&Destination::Pool, bytes).await;
    }
    // They use up no credit and do not come again.
    coordinator.send(&Destination::Pool, &command(1)).await.unwrap();
    coordinator.send(&to("a"), &command(1)).await.unwrap();
    for _ in 0..2 {
        let (received, token, _) = next(&worker, EVENTUALLY).await;
        assert_eq!(received, command(1));
        worker.ack(token).await.unwrap();
    }
    silence(&worker, ACK_WAIT + AT_ONCE).await;
    assert_eq!(worker.refused(), 10);
}
