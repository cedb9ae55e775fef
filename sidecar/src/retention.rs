//! Drops the files of blocks that have been through for long: they are what makes the state grow.

use std::{sync::Arc, time::Duration};

use tracing::{info, warn};

use crate::driver::{Shared, now_ms};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(3_600);

/// Looks now and every hour; ends with the process.
pub async fn drop_old_files(shared: Arc<Shared>, keep_hours: u64) {
    loop {
        let before = now_ms().saturating_sub(keep_hours.saturating_mul(3_600_000));
        match shared.stored(move |store| store.drop_files(before)).await {
            Ok(0) => {}
            Ok(blocks) => info!(blocks, "files of old blocks dropped"),
            Err(error) => warn!(%error, "files of old blocks are not dropped; tried again in an hour"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
