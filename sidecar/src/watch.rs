//! Follows L1 and tells the core what it sees.

use std::{sync::Arc, time::Duration};

use proofyard_settlement::{
    sidecar_client::{SidecarClient, events},
    watcher::{Change, Watcher},
};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tracing::warn;

use crate::{
    core::Event,
    driver::Shared,
    l1::{Ends, Reader},
};

/// Watches L1 and tells the core of every view that differs from the one before. Ends with the core.
pub async fn watch_l1(shared: Arc<Shared>, mut reader: Reader, watcher: Watcher, ends: Ends, client: SidecarClient) {
    let (changes, mut seen) = mpsc::channel(16);
    let following = tokio::spawn(watcher.run(changes));
    let mut wanted = shared.wanted.subscribe();
    let mut interval = tokio::time::interval(Duration::from_secs(1));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !shared.events.is_closed() {
        tokio::select! {
            changes = seen.recv() => match changes {
                Some(changes) => {
                    let gone = changes.iter().filter(|change| matches!(change, Change::Reverted { .. })).count();
                    (0..gone).for_each(|_| shared.metrics.l1.taken_back());
                    ends.apply(&client, &changes);
                }
                None => break,
            },
            changed = wanted.changed() => if changed.is_err() { break },
            _ = interval.tick() => {}
        }
        let heights = wanted.borrow_and_update().clone();
        match reader.view(&heights).await {
            Ok(view) => {
                let newer = shared.view.borrow().as_ref().is_none_or(|before| **before != view);
                if newer {
                    shared.view.send_replace(Some(Arc::new(view.clone())));
                    shared.tell(Event::L1(Box::new(view)));
                }
            }
            Err(error) => warn!(%error, "L1 is not seen"),
        }
    }
    following.abort();
}

/// The contracts whose logs the sidecar follows.
pub fn watched(client: &SidecarClient) -> Vec<proofyard_settlement::alloy::primitives::Address> {
    events::watched(client.deployment())
}
