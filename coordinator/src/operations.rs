//! Metrics and health of a running coordinator, behind the operations listener.

use std::sync::Arc;

use async_trait::async_trait;
use proofyard_bus::{
    Deliveries,
    nats::{NatsCoordinator, NatsFarm},
};
use proofyard_telemetry::{
    metrics::Registrar,
    operations::{Bound, Check, Operations, Probes},
};

use crate::{
    Handle,
    endpoint::Desk,
    market::{Scaling, demand},
    settle::SettledDesk,
};

/// What is looked at.
pub(crate) struct Watched {
    pub handle: Handle,
    pub desk: Arc<dyn Desk>,
    pub settled: Option<SettledDesk>,
    pub farm: NatsFarm,
    pub end: Arc<NatsCoordinator>,
    pub scaling: Scaling,
}

/// Serves the metrics of a registrar and the health of what is watched.
pub(crate) fn serve(bound: Bound, mut registrar: Registrar, watched: Watched) -> Operations {
    let Watched { handle, desk, settled, farm, end, scaling } = watched;
    let probes = CoordinatorProbes { handle: handle.clone(), desk, farm: farm.clone() };
    registrar.sampler(move || {
        let metrics = handle.metrics();
        metrics.farm.look(handle.board(), handle.is_draining());
        metrics.bus.look(&farm, end.refused());
        match &settled {
            Some(desk) => desk.measure(&scaling),
            // Nothing is promised without L1.
            None => metrics.farm.wants(demand(&[], handle.board().busy(), &scaling)),
        }
    });
    bound.serve(registrar, probes)
}

struct CoordinatorProbes {
    handle: Handle,
    desk: Arc<dyn Desk>,
    farm: NatsFarm,
}

#[async_trait]
impl Probes for CoordinatorProbes {
    fn alive(&self) -> Vec<Check> {
        vec![self.handle.metrics().pulse.check()]
    }

    /// What the endpoint says of itself, and the connection to NATS.
    async fn ready(&self) -> Vec<Check> {
        let connected = self.farm.is_connected();
        let of_the_desk = self.desk.ready().await.checks;
        let mut checks: Vec<Check> =
            of_the_desk.into_iter().map(|check| Check::new(&check.name, check.ok, check.detail)).collect();
        checks.push(Check::new("bus", connected, if connected { "connected" } else { "not connected" }));
        checks
    }
}
