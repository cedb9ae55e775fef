//! The blob store.

use bytes::Bytes;
use proofyard_bus::{BLOB_BYTES_MAX, BusError, BusOptions, digest_of};
use proofyard_job_schema::BlobDigest;

use crate::adapters::Adapter;
use crate::samples::options;

/// Bytes without a pattern that chunks could share.
fn content(length: usize) -> Bytes {
    let mut state = length as u64 + 1;
    let step = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

pub async fn stored_and_fetched<A: Adapter>() {
    let farm = A::new(options()).await;
    let blobs = farm.blobs();
    let chunk = 256 * 1024;
    for length in [0, 1, 5_000, chunk - 1, chunk, chunk + 1, 3 * chunk + 77] {
        let bytes = content(length);
        let digest = blobs.put(bytes.clone()).await.unwrap();
        assert_eq!(digest, digest_of(&bytes));
        assert_eq!(blobs.put(bytes.clone()).await, Ok(digest), "again");
        assert_eq!(blobs.get(digest, length as u64).await, Ok(bytes), "{length} bytes");
        blobs.remove(digest).await.unwrap();
        blobs.remove(digest).await.unwrap();
        assert_eq!(blobs.get(digest, BLOB_BYTES_MAX).await, Err(BusError::BlobMissing { digest }));
    }
    let digest = BlobDigest([9; 32]);
    assert_eq!(blobs.get(digest, 100).await, Err(BusError::BlobMissing { digest }));
}

pub async fn wrong_content_is_refused<A: Adapter>() {
    let farm = A::new(options()).await;
    let blobs = farm.blobs();
    for length in [100, 300 * 1024] {
        let bytes = content(length);
        let digest = blobs.put(bytes.clone()).await.unwrap();
        farm.damage_blob(digest, length).await;
        let refused = blobs.get(digest, BLOB_BYTES_MAX).await;
        assert!(matches!(refused, Err(BusError::BlobDamaged { digest: of, .. }) if of == digest), "{refused:?}");
        blobs.put(bytes.clone()).await.unwrap();
        assert_eq!(blobs.get(digest, BLOB_BYTES_MAX).await, Ok(bytes), "repaired");
    }
}

pub async fn caps_are_kept<A: Adapter>() {
    let farm = A::new(options()).await;
    let blobs = farm.blobs();
    let digest = blobs.put(content(1000)).await.unwrap();
    let refused = blobs.get(digest, 999).await;
    assert_eq!(refused, Err(BusError::BlobTooLong { digest, bytes: 1000, cap: 999 }));
    let long = Bytes::from(vec![0; BLOB_BYTES_MAX as usize + 1]);
    let refused = blobs.put(long).await;
    assert!(matches!(refused, Err(BusError::BlobTooLong { cap: BLOB_BYTES_MAX, .. })), "{refused:?}");
}

pub async fn a_full_store_refuses<A: Adapter>() {
    let farm = A::new(BusOptions { blobs_bytes_max: 600 * 1024, ..options() }).await;
    let blobs = farm.blobs();
    let first = blobs.put(content(200 * 1024)).await.unwrap();
    blobs.put(content(200 * 1024 + 1)).await.unwrap();
    let refused = blobs.put(content(210 * 1024)).await;
    assert!(matches!(refused, Err(BusError::BlobStoreFull { .. })), "{refused:?}");
    blobs.remove(first).await.unwrap();
    let third = blobs.put(content(210 * 1024)).await.unwrap();
    assert_eq!(blobs.get(third, BLOB_BYTES_MAX).await, Ok(content(210 * 1024)));
}
