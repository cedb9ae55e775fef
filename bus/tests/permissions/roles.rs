//! Each role under its user: what it needs works, all else is refused.

use std::time::Duration;

use async_nats::jetstream;
use bytes::Bytes;
use proofyard_bus::nats::{NatsAccess, NatsFarm, Role};
use proofyard_bus::{BlobStore, BusError, BusOptions, CoordinatorBus, Destination, FarmName, Start, WorkerBus};
use proofyard_job_schema::{BlockId, Goodbye, WorkerCommand, WorkerId, WorkerMessage};
use tokio::time::timeout;

use crate::cluster::{Cluster, PATIENCE};
use crate::forbidden::{Intruder, LISTENING, SYSTEM, requests_to_the_server};

pub fn command(number: u8) -> WorkerCommand {
    WorkerCommand::DropBlock(BlockId([number; 32]))
}

pub fn goodbye(name: &str) -> WorkerMessage {
    WorkerMessage::Goodbye(Goodbye { worker: WorkerId::new(name).expect("a name"), returned: vec![] })
}

/// A command each by the pool and by the worker's own subject, a reply, a blob: all that a block needs of the bus.
pub async fn exchange(coordinator: &dyn CoordinatorBus, worker: &dyn WorkerBus, name: &str) {
    worker.set_pool_credit(1);
    let to = Destination::Worker(WorkerId::new(name).expect("a name"));
    coordinator.send(&to, &command(1)).await.expect("sent");
    coordinator.send(&Destination::Pool, &command(2)).await.expect("sent");
    let mut received = Vec::new();
    for _ in 0..2 {
        let delivery = timeout(PATIENCE, worker.receive()).await.expect("a command comes").expect("open");
        worker.in_progress(delivery.token.expect("stored")).await.expect("told");
        worker.ack(delivery.token.expect("stored")).await.expect("settled");
        received.push(delivery.message);
    }
    received.sort_by_key(|command| format!("{command:?}"));
    assert_eq!(received, [command(1), command(2)]);
    worker.send(&goodbye(name)).await.expect("sent");
    let reply = timeout(PATIENCE, coordinator.receive()).await.expect("a reply comes").expect("open");
    assert_eq!(reply.message, goodbye(name));
    coordinator.ack(reply.token.expect("stored")).await.expect("settled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_works_and_survives_the_loss_of_a_node() {
    let mut cluster = Cluster::start();
    let farm = cluster.coordinator().await;
    let coordinator = farm.coordinator(Start::Fresh).await.expect("a coordinator");
    // To another node than the coordinator.
    let worker_farm = cluster.worker(1).await;
    let worker = worker_farm.worker(WorkerId::new("a").expect("a name")).await.expect("a worker");
    exchange(&coordinator, &worker, "a").await;
    let blob = Bytes::from(vec![7; 700_000]);
    let digest = farm.blobs().put(blob.clone()).await.expect("stored");
    assert_eq!(worker_farm.blobs().get(digest, 1 << 20).await.expect("there"), blob);

    cluster.kill(2);

    // The two nodes that are left choose new leaders; until then sending fails and may be tried again.
    let sent = async {
        while let Err(error) = coordinator.send(&Destination::Pool, &command(9)).await {
            assert!(matches!(error, BusError::NotStored { .. }), "{error}");
        }
    };
    timeout(PATIENCE, sent).await.expect("sent with one node gone");
    worker.set_pool_credit(1);
    let delivery = timeout(PATIENCE, worker.receive()).await.expect("a command comes").expect("open");
    assert_eq!(delivery.message, command(9));
    assert_eq!(worker_farm.blobs().get(digest, 1 << 20).await.expect("still there"), blob);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_does_more_than_his_role() {
    let cluster = Cluster::start();
    let farm = cluster.coordinator().await;
    let coordinator = farm.coordinator(Start::Fresh).await.expect("a coordinator");
    // Something to take, read and destroy.
    let other = Destination::Worker(WorkerId::new("other").expect("a name"));
    coordinator.send(&other, &command(3)).await.expect("sent");
    let digest = farm.blobs().put(Bytes::from_static(b"inputs")).await.expect("stored");
    let worker_farm = cluster.worker(0).await;
    let worker = worker_farm.worker(WorkerId::new("a").expect("a name")).await.expect("a worker");

    the_worker_is_held_back(&cluster, digest.to_string()).await;
    the_monitor_is_held_back(&cluster).await;
    the_coordinator_is_held_back(&cluster).await;

    // All of it is still there and works.
    exchange(&coordinator, &worker, "a").await;
    assert_eq!(worker_farm.blobs().get(digest, 100).await.expect("there"), Bytes::from_static(b"inputs"));
    let worker = worker_farm.worker(WorkerId::new("other").expect("a name")).await.expect("a worker");
    let kept = timeout(PATIENCE, worker.receive()).await.expect("the command was kept").expect("open");
    assert_eq!((kept.message, kept.deliveries), (command(3), 1));
}

async fn the_worker_is_held_back(cluster: &Cluster, blob: String) {
    let worker = Intruder::new(cluster, "worker").await;
    // Jobs in the coordinator's name, other inputs, answers to the coordinator's requests, its acknowledgements.
    for subject in [
        "proofyard.main.jobs.pool",
        "proofyard.main.jobs.worker.a",
        "proofyard.main.jobs.worker.other",
        "proofyard.other.replies",
        &format!("proofyard.main.blobs.{blob}.0"),
        &format!("proofyard.main.blobs.{blob}.length"),
        "_INBOX.coordinator.x",
        "_INBOX.monitor.x",
        "$JS.ACK.proofyard-main-replies.coordinator.1.1.1.1.0",
        // Replies of others, by pulling them.
        "$JS.API.CONSUMER.MSG.NEXT.proofyard-main-replies.coordinator",
        // How streams are: the monitor's.
        "$JS.API.STREAM.INFO.proofyard-main-jobs",
        "$JS.API.CONSUMER.INFO.proofyard-main-jobs.worker-other",
    ] {
        worker.cannot_publish(subject).await;
    }
    for subject in requests_to_the_server().iter().map(String::as_str).chain(SYSTEM) {
        worker.cannot_publish(subject).await;
    }
    let private = ["proofyard.main.heartbeats", "_INBOX.coordinator.>", "_INBOX.monitor.>", "$JS.API.>", "$JS.ACK.>"];
    for subject in LISTENING.into_iter().chain(private) {
        worker.cannot_subscribe(subject).await;
    }
}

async fn the_monitor_is_held_back(cluster: &Cluster) {
    let monitor = Intruder::new(cluster, "monitor").await;
    // It sees how streams and consumers are, and signs of life ...
    let context = jetstream::new(monitor.client.clone());
    let jobs = context.get_stream("proofyard-main-jobs").await.expect("it may look");
    let state = &jobs.cached_info().state;
    assert!(state.messages >= 1, "{state:?}");
    let pool: Result<jetstream::consumer::PullConsumer, _> = jobs.get_consumer("pool").await;
    pool.expect("it may look");
    let _heartbeats = monitor.client.subscribe("proofyard.main.heartbeats").await.expect("sent");
    monitor.was_not_refused().await;
    // ... and changes nothing, sends nothing, reads nothing.
    for subject in [
        "proofyard.main.jobs.pool",
        "proofyard.main.replies",
        "proofyard.main.heartbeats",
        "proofyard.main.blobs.x.0",
        "_INBOX.coordinator.x",
        "_INBOX.worker.x",
        "$JS.API.CONSUMER.MSG.NEXT.proofyard-main-jobs.pool",
        "$JS.API.CONSUMER.MSG.NEXT.proofyard-main-replies.coordinator",
        "$JS.API.DIRECT.GET.proofyard-main-blobs.proofyard.main.blobs.x.0",
        "$JS.ACK.proofyard-main-jobs.pool.1.1.1.1.0",
    ] {
        monitor.cannot_publish(subject).await;
    }
    for subject in requests_to_the_server().iter().map(String::as_str).chain(SYSTEM) {
        monitor.cannot_publish(subject).await;
    }
    for subject in LISTENING.into_iter().chain(["_INBOX.coordinator.>", "_INBOX.worker.>", "$JS.API.>"]) {
        monitor.cannot_subscribe(subject).await;
    }
}

async fn the_coordinator_is_held_back(cluster: &Cluster) {
    let coordinator = Intruder::new(cluster, "coordinator").await;
    for subject in [
        // What only workers say.
        "proofyard.main.replies",
        "proofyard.main.heartbeats",
        // Another farm.
        "proofyard.other.jobs.pool",
        "_INBOX.worker.x",
        "$JS.ACK.proofyard-main-jobs.pool.1.1.1.1.0",
        "$JS.API.CONSUMER.MSG.NEXT.proofyard-main-jobs.pool",
    ] {
        coordinator.cannot_publish(subject).await;
    }
    let its_own = |request: &&String| {
        let stream =
            ["jobs", "replies", "blobs"].iter().any(|name| request.ends_with(&format!("proofyard-main-{name}")));
        let made = ["STREAM.CREATE", "STREAM.UPDATE", "STREAM.PURGE"].iter().any(|name| request.contains(name));
        (stream && made)
            || request.ends_with("proofyard-main-jobs.spy.proofyard.main.jobs.worker.other")
            || request.ends_with("proofyard-main-jobs.spy.proofyard.main.jobs.worker.*")
    };
    let requests = requests_to_the_server();
    let (own, foreign): (Vec<_>, Vec<_>) = requests.iter().partition(its_own);
    assert_eq!(own.len(), 3 * 3 + 2);
    for subject in foreign.into_iter().map(String::as_str).chain(SYSTEM) {
        coordinator.cannot_publish(subject).await;
    }
    for subject in LISTENING.into_iter().chain(["_INBOX.worker.>", "_INBOX.monitor.>", "$JS.ACK.>"]) {
        coordinator.cannot_subscribe(subject).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_right_password_is_refused() {
    let cluster = Cluster::start();
    let farm = cluster.coordinator().await;
    let connect = async |access: NatsAccess| {
        let name = FarmName::default();
        NatsFarm::connect(&access, &name, "test", Role::Worker, BusOptions::default()).await.map(drop)
    };
    let nobody = connect(NatsAccess::from(&*cluster.url(0))).await;
    assert!(matches!(nobody, Err(BusError::Refused { .. })), "{nobody:?}");
    cluster.users.set_password("worker", "pw-wrong-password");
    let wrong = connect(cluster.access(0, "worker")).await;
    assert!(matches!(wrong, Err(BusError::Refused { .. })), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("pw-wrong"), "{wrong:?}");
    for (password, shown) in [("", "first line"), ("\npw", "first line")] {
        cluster.users.set_password("worker", password);
        let empty = connect(cluster.access(0, "worker")).await;
        assert!(matches!(&empty, Err(BusError::File { reason, .. }) if reason.contains(shown)), "{empty:?}");
    }
    let missing = NatsAccess { password_file: "no/such/file".into(), ..cluster.access(0, "worker") };
    let missing = connect(missing).await;
    assert!(matches!(missing, Err(BusError::File { .. })), "{missing:?}");
    // A worker's user is not enough for a coordinator.
    let options = BusOptions::default();
    cluster.users.set_password("worker", &crate::users::Users::password("worker"));
    let access = cluster.access(0, "worker");
    let name = FarmName::default();
    let more = NatsFarm::connect(&access, &name, "test", Role::Coordinator, options);
    let more = timeout(Duration::from_secs(30), more).await.expect("an answer");
    assert!(matches!(more, Err(BusError::JetStream { .. })), "a coordinator under the worker's user");
    drop(farm);
}
