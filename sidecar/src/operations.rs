//! Metrics and health of a running sidecar, behind the operations listener.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use proofyard_settlement::{rpc::Rpc, transactions::Manager};
use proofyard_telemetry::{
    metrics::Registrar,
    operations::{Bound, Check, Operations, Probes},
};
use tokio::time::MissedTickBehavior;

use crate::driver::Shared;

/// How often coordinators are asked whether they are there.
const INQUIRY: Duration = Duration::from_secs(15);
/// L1 blocks without a new one after which L1 counts as lost.
const STALE_BLOCKS: u32 = 5;

/// Serves the metrics of a registrar and the health of a sidecar.
pub(crate) fn serve(
    bound: Bound,
    mut registrar: Registrar,
    shared: Arc<Shared>,
    rpc: Rpc,
    manager: Arc<Manager>,
    block: Duration,
) -> Operations {
    let probes = SidecarProbes { shared: shared.clone(), rpc: rpc.clone(), patience: block * STALE_BLOCKS };
    registrar.sampler(move || shared.metrics.l1.look(&rpc, &manager));
    bound.serve(registrar, probes)
}

/// Asks the coordinators again and again whether they are there.
pub(crate) async fn watch_coordinators(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(INQUIRY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        for (name, reachable) in shared.market.reachable().await {
            shared.metrics.coordinator(&name, reachable);
        }
    }
}

struct SidecarProbes {
    shared: Arc<Shared>,
    rpc: Rpc,
    patience: Duration,
}

#[async_trait]
impl Probes for SidecarProbes {
    fn alive(&self) -> Vec<Check> {
        vec![self.shared.metrics.pulse.check()]
    }

    async fn ready(&self) -> Vec<Check> {
        let seen = self.shared.view.borrow().as_ref().map(|view| view.number);
        let age = self.rpc.head_age();
        let l1 = match seen {
            Some(number) => format!("block {number}, {} s ago", age.as_secs()),
            None => "not seen yet".to_owned(),
        };
        let store = self.shared.stored(|store| store.latest(1)).await;
        let detail = store.as_ref().map_or_else(ToString::to_string, |_| "answers".to_owned());
        let full = *self.shared.full.borrow();
        vec![
            self.shared.metrics.pulse.check(),
            Check::new("l1", seen.is_some() && age <= self.patience, l1),
            Check::new("state", store.is_ok(), detail),
            Check::new("intake", !full, if full { "full or draining" } else { "open" }),
        ]
    }
}
