//! Metrics and health of a running worker, behind the operations listener.

use std::sync::Arc;

use async_trait::async_trait;
use proofyard_bus::{
    Deliveries,
    nats::{NatsFarm, NatsWorker},
};
use proofyard_kernels::Backend;
use proofyard_telemetry::{
    metrics::Registrar,
    operations::{Bound, Check, Operations, Probes},
};

use crate::{metrics::Metrics, sensors::Sensors};

/// What is looked at.
pub(crate) struct Watched<B> {
    pub metrics: Arc<Metrics>,
    pub backend: Arc<B>,
    pub farm: NatsFarm,
    pub end: Arc<NatsWorker>,
    pub sensors: Sensors,
}

/// Serves the metrics of a registrar and the health of what is watched.
pub(crate) fn serve<B: Backend>(bound: Bound, mut registrar: Registrar, watched: Watched<B>) -> Operations {
    let Watched { metrics, backend, farm, end, sensors } = watched;
    let probes = WorkerProbes { metrics: metrics.clone(), device: backend.name(), farm: farm.clone() };
    registrar.sampler(move || {
        metrics.bus.look(&farm, end.refused());
        metrics.look(backend.memory(), &sensors.read());
    });
    bound.serve(registrar, probes)
}

struct WorkerProbes {
    metrics: Arc<Metrics>,
    device: &'static str,
    farm: NatsFarm,
}

#[async_trait]
impl Probes for WorkerProbes {
    fn alive(&self) -> Vec<Check> {
        vec![self.metrics.pulse.check()]
    }

    async fn ready(&self) -> Vec<Check> {
        let connected = self.farm.is_connected();
        let bus = Check::new("bus", connected, if connected { "connected" } else { "not connected" });
        vec![self.metrics.pulse.check(), bus, self.metrics.device_check(self.device)]
    }
}
