//! The worker as a process: bus, keys and signals from a configuration file.

use std::{path::Path, sync::Arc};

use proofyard_bus::{BusOptions, nats::NatsFarm};
use proofyard_telemetry::start_logs;
use tokio::signal::unix::{SignalKind, signal};

use crate::{CpuKeys, Parts, circuit_prover::CircuitProver, config::Config, run};

/// Serves a farm until SIGTERM or SIGINT, then drains and returns. Without a file every key has its default.
pub async fn serve(config: Option<&Path>) -> Result<(), Box<dyn std::error::Error>> {
    let config = match config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    start_logs(&config.log)?;
    let id = config.worker_id()?;
    let farm = NatsFarm::connect(&config.bus.url, &config.farm()?, id.as_str(), BusOptions::default()).await?;
    let keys = CpuKeys::cpu(config.setup.dir.clone(), config.label()?);
    let parts = Parts {
        bus: Arc::new(farm.worker(id.clone()).await?),
        blobs: Arc::new(farm.blobs()),
        prover: CircuitProver::new(Arc::new(keys)),
        threads: config.threads(),
        limits: config.limits(),
        id,
    };
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(run(parts, shutdown).await?)
}
