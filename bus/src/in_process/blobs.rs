//! Blobs in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use proofyard_job_schema::BlobDigest;

use crate::blob::{BLOB_BYTES_MAX, BlobStore, check_digest, check_length, digest_of};
use crate::error::BusError;

/// The blob store of an in-process bus. Clones are the same store.
#[derive(Clone)]
pub struct InProcessBlobs {
    bytes_max: u64,
    blobs: Arc<Mutex<HashMap<BlobDigest, Bytes>>>,
}

impl InProcessBlobs {
    /// An empty store for at most `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self { bytes_max, blobs: Arc::default() }
    }

    fn blobs(&self) -> MutexGuard<'_, HashMap<BlobDigest, Bytes>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores content under a digest that it need not have, as a faulty store would.
    pub fn inject(&self, digest: BlobDigest, bytes: Bytes) {
        self.blobs().insert(digest, bytes);
    }
}

#[async_trait]
impl BlobStore for InProcessBlobs {
    async fn put(&self, bytes: Bytes) -> Result<BlobDigest, BusError> {
        let digest = digest_of(&bytes);
        check_length(digest, bytes.len() as u64, BLOB_BYTES_MAX)?;
        let mut blobs = self.blobs();
        let others: u64 = blobs.iter().filter(|(key, _)| **key != digest).map(|(_, blob)| blob.len() as u64).sum();
        if others + bytes.len() as u64 > self.bytes_max {
            let reason = format!("{others} of {} bytes are taken", self.bytes_max);
            return Err(BusError::BlobStoreFull { digest, reason });
        }
        blobs.insert(digest, bytes);
        Ok(digest)
    }

    async fn get(&self, digest: BlobDigest, cap: u64) -> Result<Bytes, BusError> {
        let bytes = self.blobs().get(&digest).cloned().ok_or(BusError::BlobMissing { digest })?;
        check_length(digest, bytes.len() as u64, cap)?;
        check_digest(digest, &bytes)?;
        Ok(bytes)
    }

    async fn remove(&self, digest: BlobDigest) -> Result<(), BusError> {
        self.blobs().remove(&digest);
        Ok(())
    }
}
