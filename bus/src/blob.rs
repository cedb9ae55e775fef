//! The content-addressed store beside the bus.

use async_trait::async_trait;
use bytes::Bytes;
use proofyard_job_schema::BlobDigest;
use sha2::{Digest, Sha256};

use crate::error::BusError;

/// Largest blob, in bytes.
pub const BLOB_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// SHA-256 of the bytes.
pub fn digest_of(bytes: &[u8]) -> BlobDigest {
    BlobDigest(Sha256::digest(bytes).into())
}

/// Blobs by the digest of their content. What the store returns has that digest, or it is an error.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores a blob of at most [`BLOB_BYTES_MAX`] bytes. Storing it again repairs a damaged copy.
    async fn put(&self, bytes: Bytes) -> Result<BlobDigest, BusError>;

    /// Fetches a blob of at most `cap` bytes; its length is checked before it is read, its digest after.
    async fn get(&self, digest: BlobDigest, cap: u64) -> Result<Bytes, BusError>;

    /// Forgets a blob; nothing happens when it is not there.
    async fn remove(&self, digest: BlobDigest) -> Result<(), BusError>;
}

/// Refuses a blob that no store takes.
pub(crate) fn check_length(digest: BlobDigest, bytes: u64, cap: u64) -> Result<(), BusError> {
    let cap = cap.min(BLOB_BYTES_MAX);
    if bytes > cap { Err(BusError::BlobTooLong { digest, bytes, cap }) } else { Ok(()) }
}

/// Refuses content that is not the blob's.
pub(crate) fn check_digest(digest: BlobDigest, bytes: &[u8]) -> Result<(), BusError> {
    let found = digest_of(bytes);
    if found == digest { Ok(()) } else { Err(BusError::BlobDamaged { digest, found }) }
}
