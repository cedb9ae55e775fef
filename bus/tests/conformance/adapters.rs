//! What the suite needs of an adapter.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use proofyard_bus::in_process::InProcessBus;
use proofyard_bus::nats::{NatsAccess, NatsFarm, Role};
use proofyard_bus::{BlobStore, BusOptions, CoordinatorBus, Destination, FarmName, Start, WorkerBus};
use proofyard_job_schema::{BlobDigest, WorkerId};

use crate::common::NatsServer;
use crate::users::{Users, deployed};

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

/// A server without users.
pub type Nats = OverNats<false>;
/// A server with the accounts that are deployed; every end has its role's user.
pub type NatsWithUsers = OverNats<true>;

pub struct OverNats<const USERS: bool> {
    server: NatsServer,
    users: Users,
    options: BusOptions,
    farm: NatsFarm,
}

fn access<const USERS: bool>(server: &NatsServer, users: &Users, role: Role) -> NatsAccess {
    match (USERS, role) {
        (false, _) => NatsAccess::from(&*server.url()),
        (true, Role::Coordinator) => users.access(&server.url(), "coordinator"),
        (true, Role::Worker) => users.access(&server.url(), "worker"),
    }
}

impl<const USERS: bool> OverNats<USERS> {
    /// Every end has its own connection, as in a farm of processes.
    async fn connect(&self, name: &str, role: Role) -> NatsFarm {
        let access = access::<USERS>(&self.server, &self.users, role);
        NatsFarm::connect(&access, &FarmName::default(), name, role, self.options.clone()).await.unwrap()
    }

    /// Stores a message as a user that may.
    async fn inject(&self, role: &str, subject: String, bytes: Bytes) {
        let user = async_nats::ConnectOptions::with_user_and_password(role.to_owned(), Users::password(role));
        let client = user.custom_inbox_prefix(format!("_INBOX.{role}")).connect(self.server.url()).await.unwrap();
        let context = async_nats::jetstream::new(client);
        context.publish(subject, bytes).await.unwrap().await.unwrap();
    }
}

#[async_trait]
impl<const USERS: bool> Adapter for OverNats<USERS> {
    async fn new(options: BusOptions) -> Self {
        let server = if USERS {
            let accounts = deployed().join("accounts.conf");
            NatsServer::start_in(&["-js", "-c", accounts.to_str().unwrap()], Users::environment())
        } else {
            NatsServer::start()
        };
        let users = Users::new();
        let access = access::<USERS>(&server, &users, Role::Coordinator);
        let name = FarmName::default();
        let farm = NatsFarm::connect(&access, &name, "test", Role::Coordinator, options.clone()).await.unwrap();
        Self { server, users, options, farm }
    }

    async fn coordinator(&self, start: Start) -> Arc<dyn CoordinatorBus> {
        Arc::new(self.connect("coordinator", Role::Coordinator).await.coordinator(start).await.unwrap())
    }

    async fn worker(&self, name: &str) -> Arc<dyn WorkerBus> {
        Arc::new(self.connect(name, Role::Worker).await.worker(worker_id(name)).await.unwrap())
    }

    fn blobs(&self) -> Arc<dyn BlobStore> {
        Arc::new(self.farm.blobs())
    }

    async fn inject_command(&self, to: &Destination, bytes: &'static [u8]) {
        let subject = match to {
            Destination::Pool => "proofyard.main.jobs.pool".to_owned(),
            Destination::Worker(worker) => format!("proofyard.main.jobs.worker.{worker}"),
        };
        self.inject("coordinator", subject, bytes.into()).await;
    }

    async fn inject_message(&self, bytes: &'static [u8]) {
        self.inject("worker", "proofyard.main.replies".to_owned(), bytes.into()).await;
    }

    async fn damage_blob(&self, digest: BlobDigest, length: usize) {
        let first_chunk = length.min(256 * 1024);
        let chunk = format!("proofyard.main.blobs.{digest}.0");
        self.inject("coordinator", chunk, vec![0xee; first_chunk].into()).await;
    }
}
