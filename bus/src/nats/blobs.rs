//! Blobs over NATS: chunks as the last values of their subjects, then the length. Content-addressed, so writing the same
//! blob twice at a time does no harm.

use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use proofyard_job_schema::BlobDigest;
use tokio::time::{Instant, sleep};

use super::layout::CHUNK_BYTES;
use super::{NatsFarm, PAUSE, STORE};
use crate::blob::{BLOB_BYTES_MAX, BlobStore, check_digest, check_length, digest_of};
use crate::error::BusError;

/// The blob store of a farm on NATS.
#[derive(Clone)]
pub struct NatsBlobs {
    farm: NatsFarm,
}

impl NatsBlobs {
    pub(super) fn new(farm: NatsFarm) -> Self {
        Self { farm }
    }

    async fn stream(&self, digest: BlobDigest) -> Result<Stream<()>, BusError> {
        let stream = self.farm.context.get_stream_no_info(&self.farm.layout.blobs_stream).await;
        stream.map_err(|error| BusError::BlobStore { digest, reason: error.to_string() })
    }

    async fn store(&self, digest: BlobDigest, subject: String, bytes: Bytes) -> Result<(), BusError> {
        self.farm.store(&subject, bytes).await.map_err(|error| match error {
            BusError::NotStored { reason, .. } if reason.contains(super::TOO_MANY_BYTES) => {
                BusError::BlobStoreFull { digest, reason }
            }
            BusError::NotStored { reason, .. } => BusError::BlobStore { digest, reason },
            other => other,
        })
    }

    /// The last value of a subject; tries again while the server is away.
    async fn last(&self, digest: BlobDigest, stream: &Stream<()>, subject: &str) -> Result<Bytes, BusError> {
        let deadline = Instant::now() + STORE;
        loop {
            let error = match stream.direct_get_last_for_subject(subject).await {
                Ok(message) => return Ok(message.payload),
                Err(error) => error,
            };
            if error.kind() == DirectGetErrorKind::NotFound {
                return Err(BusError::BlobMissing { digest });
            }
            if Instant::now() >= deadline {
                return Err(BusError::BlobStore { digest, reason: super::describe(&error) });
            }
            sleep(PAUSE).await;
        }
    }
}

#[async_trait]
impl BlobStore for NatsBlobs {
    async fn put(&self, bytes: Bytes) -> Result<BlobDigest, BusError> {
        let digest = digest_of(&bytes);
        let length = bytes.len() as u64;
        check_length(digest, length, BLOB_BYTES_MAX)?;
        let mut rest = bytes;
        let mut index = 0;
        while !rest.is_empty() {
            let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
            self.store(digest, self.farm.layout.chunk(digest, index), chunk).await?;
            index += 1;
        }
        let length = Bytes::copy_from_slice(&length.to_be_bytes());
        self.store(digest, self.farm.layout.length(digest), length).await?;
        Ok(digest)
    }

    async fn get(&self, digest: BlobDigest, cap: u64) -> Result<Bytes, BusError> {
        let layout = &self.farm.layout;
        let stream = self.stream(digest).await?;
        let length = self.last(digest, &stream, &layout.length(digest)).await?;
        let length = <[u8; 8]>::try_from(&length[..])
            .map_err(|_| BusError::BlobDamaged { digest, found: digest_of(&length) })?;
        let length = u64::from_be_bytes(length);
        check_length(digest, length, cap)?;
        let mut bytes = BytesMut::new();
        for index in 0..length.div_ceil(CHUNK_BYTES as u64) {
            let chunk = self.last(digest, &stream, &layout.chunk(digest, index)).await?;
            bytes.extend_from_slice(&chunk);
            // The stated length bounds what is kept, whatever the chunks hold.
            check_length(digest, bytes.len() as u64, length)?;
        }
        check_digest(digest, &bytes)?;
        Ok(bytes.freeze())
    }

    async fn remove(&self, digest: BlobDigest) -> Result<(), BusError> {
        let subject = self.farm.layout.blob(digest);
        let removed = self.farm.purge(&self.farm.layout.blobs_stream, Some(&subject)).await;
        removed.map_err(|error| BusError::BlobStore { digest, reason: error.to_string() })
    }
}
