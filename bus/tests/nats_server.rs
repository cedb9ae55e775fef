//! What only a server can do: be absent, refuse, be lost and come back, serve several farms.

mod common;

use std::time::Duration;

use bytes::Bytes;
use proofyard_bus::nats::{NatsAccess, NatsFarm, Role};
use proofyard_bus::{
    BlobStore, BusError, BusOptions, CoordinatorBus, Deliveries, Destination, FarmName, Start, WorkerBus,
};
use proofyard_job_schema::{
    BlockId, Epoch, Goodbye, JobId, Progress, Round, SubtreeIndex, WorkerCommand, WorkerId, WorkerMessage,
};
use tokio::time::{Instant, timeout};

use common::NatsServer;

const EVENTUALLY: Duration = Duration::from_secs(15);

async fn connect(url: &str, farm: &str) -> Result<NatsFarm, BusError> {
    let farm = FarmName::new(farm).unwrap();
    NatsFarm::connect(&NatsAccess::from(url), &farm, "test", Role::Coordinator, BusOptions::default()).await
}

fn command(number: u8) -> WorkerCommand {
    WorkerCommand::DropBlock(BlockId([number; 32]))
}

fn job() -> JobId {
    let (round, subtree, epoch) = (Round::FIRST, SubtreeIndex(0), Epoch(0));
    JobId { block: BlockId([1; 32]), round, subtree, epoch, attempt: 0 }
}

fn goodbye(name: &str) -> WorkerMessage {
    WorkerMessage::Goodbye(Goodbye { worker: WorkerId::new(name).unwrap(), returned: vec![] })
}

#[tokio::test]
async fn an_absent_server_is_named() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = connect(&format!("nats://user:secret@127.0.0.1:{port}"), "main").await.err().unwrap();
    assert!(matches!(error, BusError::Connect { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("PY-B-001") && text.contains(&port.to_string()), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_server_that_refuses_is_named() {
    let server = NatsServer::start_with(&["-js", "--user", "farm", "--pass", "right"]);
    let with = |password: &str| server.url().replace("nats://", &format!("nats://farm:{password}@"));
    let error = connect(&with("wrong"), "main").await.err().unwrap();
    assert!(matches!(error, BusError::Refused { .. }), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
    connect(&with("right"), "main").await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_none_is_named() {
    for url in ["nats://127.0.0.1:port", "http://127.0.0.1:1", ""] {
        let error = connect(url, "main").await.err().unwrap();
        assert!(matches!(error, BusError::Connect { .. }), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_server_without_jetstream_is_named() {
    let server = NatsServer::start_with(&[]);
    let error = connect(&server.url(), "main").await.err().unwrap();
    assert!(matches!(error, BusError::JetStream { .. }), "{error}");
}

#[tokio::test]
async fn farms_share_a_server_unseen() {
    let server = NatsServer::start();
    let (one, two) = (connect(&server.url(), "one").await.unwrap(), connect(&server.url(), "two").await.unwrap());
    let (first, second) = (one.coordinator(Start::Fresh).await.unwrap(), two.coordinator(Start::Fresh).await.unwrap());
    let name = || WorkerId::new("same-name").unwrap();
    let (in_one, in_two) = (one.worker(name()).await.unwrap(), two.worker(name()).await.unwrap());
    in_one.set_pool_credit(5);
    in_two.set_pool_credit(5);
    first.send(&Destination::Pool, &command(1)).await.unwrap();
    second.send(&Destination::Worker(name()), &command(2)).await.unwrap();
    assert_eq!(timeout(EVENTUALLY, in_one.receive()).await.unwrap().unwrap().message, command(1));
    assert_eq!(timeout(EVENTUALLY, in_two.receive()).await.unwrap().unwrap().message, command(2));
    in_one.send(&goodbye("one")).await.unwrap();
    assert_eq!(timeout(EVENTUALLY, first.receive()).await.unwrap().unwrap().message, goodbye("one"));
    let digest = one.blobs().put(Bytes::from_static(b"blob")).await.unwrap();
    assert_eq!(two.blobs().get(digest, 10).await, Err(BusError::BlobMissing { digest }));
    // A farm that starts anew leaves the other alone.
    second.send(&Destination::Worker(WorkerId::new("later").unwrap()), &command(3)).await.unwrap();
    let _again = one.coordinator(Start::Fresh).await.unwrap();
    let later = two.worker(WorkerId::new("later").unwrap()).await.unwrap();
    assert_eq!(timeout(EVENTUALLY, later.receive()).await.unwrap().unwrap().message, command(3));
    for stray in
        [timeout(Duration::from_millis(300), in_one.receive()), timeout(Duration::from_millis(300), in_two.receive())]
    {
        assert!(stray.await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_goes_on_after_its_server_is_wiped() {
    let mut server = NatsServer::start();
    let url = server.url();
    let farm = connect(&url, "main").await.unwrap();
    let coordinator = farm.coordinator(Start::Fresh).await.unwrap();
    let worker_farm = connect(&url, "main").await.unwrap();
    let worker = worker_farm.worker(WorkerId::new("a").unwrap()).await.unwrap();
    worker.set_pool_credit(2);
    coordinator.send(&Destination::Pool, &command(1)).await.unwrap();
    let before = timeout(EVENTUALLY, worker.receive()).await.unwrap().unwrap();
    assert_eq!(before.message, command(1));

    server.replace();

    // The same ends, over the new server that knows of nothing.
    let replaced = Instant::now();
    coordinator.send(&Destination::Worker(WorkerId::new("a").unwrap()), &command(2)).await.unwrap();
    coordinator.send(&Destination::Pool, &command(3)).await.unwrap();
    let mut received = Vec::new();
    for _ in 0..2 {
        let delivery = timeout(EVENTUALLY, worker.receive()).await.expect("commands come again").unwrap();
        worker.ack(delivery.token.unwrap()).await.unwrap();
        received.push(delivery.message);
    }
    received.sort_by_key(|message| format!("{message:?}"));
    assert_eq!(received, [command(2), command(3)]);
    worker.send(&goodbye("a")).await.unwrap();
    assert_eq!(timeout(EVENTUALLY, coordinator.receive()).await.unwrap().unwrap().message, goodbye("a"));
    let digest = farm.blobs().put(Bytes::from_static(b"blob")).await.unwrap();
    assert_eq!(worker_farm.blobs().get(digest, 10).await, Ok(Bytes::from_static(b"blob")));
    assert!(replaced.elapsed() < EVENTUALLY, "{:?}", replaced.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_do_not_pile_up_while_the_server_is_away() {
    let mut server = NatsServer::start();
    let farm = connect(&server.url(), "main").await.unwrap();
    let worker = farm.worker(WorkerId::new("a").unwrap()).await.unwrap();
    let progress = |done| {
        let (id, author) = (job(), WorkerId::new("a").unwrap());
        WorkerMessage::Progress(Progress { id, author, done, total: 0 })
    };
    worker.send(&progress(0)).await.unwrap();
    server.stop();
    let stopped = Instant::now();
    while worker.send(&progress(1)).await.is_ok() {
        assert!(stopped.elapsed() < Duration::from_secs(5), "the loss goes unnoticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for done in 0..10_000 {
        let refused = worker.send(&progress(done)).await;
        assert!(matches!(refused, Err(BusError::NotStored { .. })), "{refused:?}");
    }
    // A reply is tried for a while, then the caller knows.
    let started = Instant::now();
    let refused = worker.send(&goodbye("a")).await;
    assert!(matches!(refused, Err(BusError::NotStored { .. })), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn names_that_would_change_subjects_are_refused() {
    for name in ["", "a.b", "a b", "*", ">", "ü", &"f".repeat(33)] {
        assert_eq!(FarmName::new(name), Err(BusError::FarmName(name.to_owned())));
    }
    assert_eq!("farm_1-A".parse::<FarmName>().unwrap().as_str(), "farm_1-A");
}
