//! What the suite needs of an adapter.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use proofyard_bus::in_process::InProcessBus;
use proofyard_bus::nats::NatsFarm;
use proofyard_bus::{BlobStore, BusOptions, CoordinatorBus, Destination, FarmName, Start, WorkerBus};
use proofyard_job_schema::{BlobDigest, WorkerId};

use crate::common::NatsServer;

/// A farm's bus and blobs, and ways to put things there that no end of it would send.
#[async_trait]
pub trait Adapter: Send + Sync + Sized {
    async fn new(options: BusOptions) -> Self;
    async fn coordinator(&self, start: Start) -> Arc<dyn CoordinatorBus>;
    async fn worker(&self, name: &str) -> Arc<dyn WorkerBus>;
    fn blobs(&self) -> Arc<dyn BlobStore>;
    async fn inject_command(&self, to: &Destination, bytes: &'static [u8]);
    async fn inject_message(&self, bytes: &'static [u8]);
    /// Replaces what is stored under a digest by content of the same length that has another digest.
    async fn damage_blob(&self, digest: BlobDigest, length: usize);
}

fn worker_id(name: &str) -> WorkerId {
    WorkerId::new(name).unwrap()
}

pub struct InProcess(InProcessBus);

#[async_trait]
impl Adapter for InProcess {
    async fn new(options: BusOptions) -> Self {
        Self(InProcessBus::new(options))
    }

    async fn coordinator(&self, start: Start) -> Arc<dyn CoordinatorBus> {
        Arc::new(self.0.coordinator(start))
    }

    async fn worker(&self, name: &str) -> Arc<dyn WorkerBus> {
        Arc::new(self.0.worker(worker_id(name)))
    }

    fn blobs(&self) -> Arc<dyn BlobStore> {
        Arc::new(self.0.blobs())
    }

    async fn inject_command(&self, to: &Destination, bytes: &'static [u8]) {
        self.0.inject_command(to, bytes.into()).unwrap();
    }

    async fn inject_message(&self, bytes: &'static [u8]) {
        self.0.inject_message(bytes.into()).unwrap();
    }

    async fn damage_blob(&self, digest: BlobDigest, length: usize) {
        self.0.blobs().inject(digest, vec![0xee; length].into());
    }
}

pub struct Nats {
    server: NatsServer,
    options: BusOptions,
    farm: NatsFarm,
}

impl Nats {
    /// Every end has its own connection, as in a farm of processes.
    async fn connect(&self, name: &str) -> NatsFarm {
        NatsFarm::connect(&self.server.url(), &FarmName::default(), name, self.options.clone()).await.unwrap()
    }

    async fn inject(&self, subject: String, bytes: Bytes) {
        let client = async_nats::connect(self.server.url()).await.unwrap();
        let context = async_nats::jetstream::new(client);
        context.publish(subject, bytes).await.unwrap().await.unwrap();
    }
}

#[async_trait]
impl Adapter for Nats {
    async fn new(options: BusOptions) -> Self {
        let server = NatsServer::start();
        let farm = NatsFarm::connect(&server.url(), &FarmName::default(), "test", options.clone()).await.unwrap();
        Self { server, options, farm }
    }

    async fn coordinator(&self, start: Start) -> Arc<dyn CoordinatorBus> {
        Arc::new(self.connect("coordinator").await.coordinator(start).await.unwrap())
    }

    async fn worker(&self, name: &str) -> Arc<dyn WorkerBus> {
        Arc::new(self.connect(name).await.worker(worker_id(name)).await.unwrap())
    }

    fn blobs(&self) -> Arc<dyn BlobStore> {
        Arc::new(self.farm.blobs())
    }

    async fn inject_command(&self, to: &Destination, bytes: &'static [u8]) {
        let subject = match to {
            Destination::Pool => "proofyard.main.jobs.pool".to_owned(),
            Destination::Worker(worker) => format!("proofyard.main.jobs.worker.{worker}"),
        };
        self.inject(subject, bytes.into()).await;
    }

    async fn inject_message(&self, bytes: &'static [u8]) {
        self.inject("proofyard.main.replies".to_owned(), bytes.into()).await;
    }

    async fn damage_blob(&self, digest: BlobDigest, length: usize) {
        let first_chunk = length.min(256 * 1024);
        self.inject(format!("proofyard.main.blobs.{digest}.0"), vec![0xee; first_chunk].into()).await;
    }
}
