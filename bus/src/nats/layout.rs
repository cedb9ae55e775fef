//! Names of a farm's subjects, streams and consumers, and their settings.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use proofyard_job_schema::{BlobDigest, Message, WorkerCommand, WorkerId, WorkerMessage};

use crate::bus::Destination;
use crate::options::{BusOptions, FarmName};

/// Bytes of a blob in one message.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;
/// Name of the consumer that all workers share.
pub(super) const POOL: &str = "pool";
/// Name of the coordinator's consumer.
pub(super) const REPLIES: &str = "coordinator";
/// What nobody took for so long belongs to nobody.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// Names in a farm.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub jobs_stream: String,
    pub replies_stream: String,
    pub blobs_stream: String,
    pub replies: String,
    pub heartbeats: String,
    subjects: String,
}

impl Layout {
    pub fn new(farm: &FarmName) -> Self {
        Self {
            jobs_stream: format!("proofyard-{farm}-jobs"),
            replies_stream: format!("proofyard-{farm}-replies"),
            blobs_stream: format!("proofyard-{farm}-blobs"),
            replies: format!("proofyard.{farm}.replies"),
            heartbeats: format!("proofyard.{farm}.heartbeats"),
            subjects: format!("proofyard.{farm}"),
        }
    }

    /// The subject of a destination.
    pub fn destination(&self, destination: &Destination) -> String {
        match destination {
            Destination::Pool => format!("{}.jobs.pool", self.subjects),
            Destination::Worker(worker) => format!("{}.jobs.worker.{worker}", self.subjects),
        }
    }

    /// The subject of chunk `index` of a blob.
    pub fn chunk(&self, blob: BlobDigest, index: u64) -> String {
        format!("{}.blobs.{blob}.{index}", self.subjects)
    }

    /// The subject of a blob's length, as 8 bytes big-endian; written after the chunks.
    pub fn length(&self, blob: BlobDigest) -> String {
        format!("{}.blobs.{blob}.length", self.subjects)
    }

    /// All subjects of a blob.
    pub fn blob(&self, blob: BlobDigest) -> String {
        format!("{}.blobs.{blob}.*", self.subjects)
    }

    /// The farm's three streams.
    pub fn streams(&self, options: &BusOptions) -> [Config; 3] {
        let queue = |name: &str, subject: &str, message_bytes_max: usize| Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::Memory,
            discard: DiscardPolicy::New,
            max_messages: options.waiting_max.into(),
            max_message_size: message_bytes_max as i32,
            max_age: FORGOTTEN,
            duplicate_window: Duration::from_secs(60),
            num_replicas: options.replicas,
            ..Config::default()
        };
        let jobs = format!("{}.jobs.>", self.subjects);
        // The server counts subject and headers as part of a message.
        let message_extra = 1024;
        [
            queue(&self.jobs_stream, &jobs, WorkerCommand::BYTES_MAX + message_extra),
            queue(&self.replies_stream, &self.replies, WorkerMessage::BYTES_MAX + message_extra),
            Config {
                name: self.blobs_stream.clone(),
                subjects: vec![format!("{}.blobs.>", self.subjects)],
                storage: StorageType::Memory,
                discard: DiscardPolicy::New,
                max_messages_per_subject: 1,
                max_message_size: (CHUNK_BYTES + message_extra) as i32,
                max_bytes: i64::try_from(options.blobs_bytes_max).unwrap_or(i64::MAX),
                allow_direct: true,
                num_replicas: options.replicas,
                ..Config::default()
            },
        ]
    }

    /// The consumer that all workers share.
    pub fn pool_consumer(&self, options: &BusOptions) -> pull::Config {
        consumer(POOL.to_owned(), self.destination(&Destination::Pool), options)
    }

    /// The consumer of one worker's own commands. The server forgets it an hour after the worker's last pull.
    pub fn worker_consumer(&self, worker: &WorkerId, options: &BusOptions) -> pull::Config {
        let subject = self.destination(&Destination::Worker(worker.clone()));
        pull::Config { inactive_threshold: FORGOTTEN, ..consumer(Self::worker_consumer_name(worker), subject, options) }
    }

    /// Its name.
    pub fn worker_consumer_name(worker: &WorkerId) -> String {
        format!("worker-{worker}")
    }

    /// The coordinator's consumer.
    pub fn replies_consumer(&self, options: &BusOptions) -> pull::Config {
        consumer(REPLIES.to_owned(), self.replies.clone(), options)
    }
}

fn consumer(name: String, filter_subject: String, options: &BusOptions) -> pull::Config {
    pull::Config {
        durable_name: Some(name),
        filter_subject,
        ack_policy: AckPolicy::Explicit,
        ack_wait: options.ack_wait,
        max_deliver: options.deliveries_max.into(),
        max_ack_pending: options.waiting_max.into(),
        memory_storage: true,
        ..pull::Config::default()
    }
}
