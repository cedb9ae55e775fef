//! The worker as a process: bus, device, keys and signals from a configuration file.

use std::{path::Path, sync::Arc};

use proofyard_bus::{BusOptions, nats::NatsFarm};
use proofyard_kernels::Backend;
use proofyard_telemetry::{Traces, start_logs};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Keys, Parts, circuit_prover::CircuitProver, config::Config, device::Chosen, run};

/// Serves a farm until SIGTERM or SIGINT, then drains and returns. Without a file every key has its default.
pub async fn serve(config: Option<&Path>) -> Result<(), Box<dyn std::error::Error>> {
    let config = match config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    start_logs(&config.log)?;
    let chosen = config.device.open()?;
    let jobs = config.device.jobs_at_once(&chosen);
    match chosen {
        Chosen::Cuda(backend) => serve_on(backend, jobs, &config).await,
        Chosen::Icicle(backend) => serve_on(backend, jobs, &config).await,
        Chosen::Cpu(backend) => serve_on(backend, jobs, &config).await,
    }
}

async fn serve_on<B: Backend>(backend: B, jobs: usize, config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    let id = config.worker_id()?;
    let farm = NatsFarm::connect(&config.bus.url, &config.farm()?, id.as_str(), BusOptions::default()).await?;
    let keys = Keys::new(config.setup.dir.clone(), config.label()?, Arc::new(backend));
    let prover = CircuitProver::new(Arc::new(keys));
    let parts = Parts {
        bus: Arc::new(farm.worker(id.clone()).await?),
        blobs: Arc::new(farm.blobs()),
        provers: vec![prover; jobs],
        threads: config.threads(),
        limits: config.limits(),
        traces: Traces::start(&config.traces, "proofyard-worker", id.as_str())?,
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
