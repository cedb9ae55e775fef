//! What can go wrong on the bus.

use std::path::PathBuf;

use proofyard_job_schema::{BlobDigest, CodecError};
use thiserror::Error;

use crate::bus::DeliveryToken;

/// An error of the bus or the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BusError {
    /// The server could not be reached.
    #[error("[PY-B-001] no NATS server answers at {url}: {reason}; start nats-server with -js, or correct the address")]
    Connect {
        /// The address that was tried.
        url: String,
        /// What the client reported.
        reason: String,
    },
    /// The server refused the client.
    #[error(
        "[PY-B-002] the NATS server at {url} refuses this client: {reason}; set the user and password that the server knows"
    )]
    Refused {
        /// The address that was tried.
        url: String,
        /// What the client reported.
        reason: String,
    },
    /// The server has no JetStream, or it refuses the farm's streams.
    #[error(
        "[PY-B-003] {what}: {reason}; the server must run JetStream (nats-server -js, release 2.11 or later) and leave \
         the farm's streams to the farm"
    )]
    JetStream {
        /// What was to be set up.
        what: String,
        /// What the server reported.
        reason: String,
    },
    /// A message could not be written.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A message was not stored within the time allowed.
    #[error("[PY-B-004] {subject}: not stored: {reason}; it may or may not have arrived, send it again")]
    NotStored {
        /// Where it was to go.
        subject: String,
        /// What the server reported.
        reason: String,
    },
    /// Too many messages wait.
    #[error(
        "[PY-B-005] {subject}: {waiting} messages wait already; nobody takes them, or the coordinator sends too many"
    )]
    Full {
        /// Where it was to go.
        subject: String,
        /// How many may wait.
        waiting: u64,
    },
    /// The delivery is settled already, or came again with another token.
    #[error("[PY-B-006] delivery {} is not open: settled already, or delivered again; drop what belongs to it", .0.get())]
    UnknownToken(DeliveryToken),
    /// A settlement was not confirmed.
    #[error("[PY-B-007] delivery not settled: {reason}; it may come again")]
    NotSettled {
        /// What the server reported.
        reason: String,
    },
    /// The other side of the bus is gone for good.
    #[error("[PY-B-008] the bus is closed; the process is shutting down")]
    Closed,
    /// A farm name with other characters, empty or too long.
    #[error("[PY-B-009] farm name {0:?}: use 1 to 32 of the characters a-z A-Z 0-9 _ -, it becomes part of subjects")]
    FarmName(String),
    /// The way to the server is not described well.
    #[error("[PY-B-060] bus at {url}: {reason}")]
    Access {
        /// The address.
        url: String,
        /// What is wrong, and what is right.
        reason: String,
    },
    /// A file with a password or certificates cannot be used.
    #[error("[PY-B-061] bus: {path}: {reason}; name a file that this process may read")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No trusted, secret connection.
    #[error(
        "[PY-B-062] no TLS with the NATS server at {url}: {reason}; ca_file must hold the authority that signed the server's \
         certificate, and the certificate must name the address's host"
    )]
    Tls {
        /// The address that was tried.
        url: String,
        /// What the client reported.
        reason: String,
    },
    /// No blob with this digest.
    #[error("[PY-B-020] blob {digest} is not in the store; it was removed or never put there: send the block again")]
    BlobMissing {
        /// The digest asked for.
        digest: BlobDigest,
    },
    /// The store returned other bytes.
    #[error("[PY-B-021] blob {digest} is damaged: its content has digest {found}; put it again")]
    BlobDamaged {
        /// The digest asked for.
        digest: BlobDigest,
        /// The digest of what the store holds.
        found: BlobDigest,
    },
    /// Longer than allowed.
    #[error("[PY-B-022] blob {digest}: {bytes} bytes, at most {cap} are allowed here")]
    BlobTooLong {
        /// The blob.
        digest: BlobDigest,
        /// Its length as claimed or found.
        bytes: u64,
        /// The length allowed.
        cap: u64,
    },
    /// The store has no room left.
    #[error("[PY-B-023] no room for blob {digest}: {reason}; raise the store's limit or prove fewer blocks at a time")]
    BlobStoreFull {
        /// The blob.
        digest: BlobDigest,
        /// What the store reported.
        reason: String,
    },
    /// The store did not answer.
    #[error("[PY-B-024] blob {digest}: the store does not answer: {reason}; try again when the server is back")]
    BlobStore {
        /// The blob.
        digest: BlobDigest,
        /// What the client reported.
        reason: String,
    },
}
