//! The worker as a process: bus, device, keys and signals from a configuration file.

use std::{path::Path, sync::Arc};

use proofyard_bus::{
    BusOptions,
    nats::{NatsFarm, Role},
};
use proofyard_kernels::Backend;
use proofyard_telemetry::{Traces, metrics::Registrar, operations::Bound, start_logs};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Keys, Parts,
    circuit_prover::CircuitProver,
    config::Config,
    device::Chosen,
    metrics::Metrics,
    operations::{self, Watched},
    run,
    sensors::Sensors,
};

/// Serves a farm until SIGTERM or SIGINT, then drains and returns. Without a file every key has its default; `id` takes the place
/// of the one in it.
pub async fn serve(config: Option<&Path>, id: Option<String>) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = match config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    if let Some(id) = id {
        config.id = id;
        config.validate()?;
    }
    start_logs(&config.log)?;
    let chosen = config.device.open()?;
    let jobs = config.device.jobs_at_once(&chosen);
    let gpu = u32::try_from(config.device.ordinal).ok();
    match chosen {
        Chosen::Cuda(backend) => serve_on(backend, gpu, jobs, &config).await,
        // ICICLE's name of a device is not NVIDIA's number of it.
        Chosen::Icicle(backend) => serve_on(backend, None, jobs, &config).await,
        Chosen::Cpu(backend) => serve_on(backend, None, jobs, &config).await,
    }
}

/// `gpu`: which of NVIDIA's devices that is, if it is one.
async fn serve_on<B: Backend>(
    backend: B,
    gpu: Option<u32>,
    jobs: usize,
    config: &Config,
) -> Result<(), Box<dyn std::error::Error>> {
    let id = config.worker_id()?;
    let mut registrar = Registrar::new("worker");
    let metrics = Arc::new(Metrics::new(&mut registrar));
    let bound = Bound::take(&config.operations).await?;
    let (access, name, options) = (config.bus.access(), config.farm()?, BusOptions::default());
    let farm = NatsFarm::connect(&access, &name, id.as_str(), Role::Worker, options).await?;
    let backend = Arc::new(backend);
    let keys = Keys::new(config.setup.dir.clone(), config.label()?, backend.clone());
    let prover = CircuitProver::new(Arc::new(keys));
    let bus = Arc::new(farm.worker(id.clone()).await?);
    let watched = || Watched {
        metrics: metrics.clone(),
        backend,
        farm: farm.clone(),
        end: bus.clone(),
        sensors: Sensors::open(gpu),
    };
    let _operations = bound.map(|bound| operations::serve(bound, registrar, watched()));
    let parts = Parts {
        bus,
        blobs: Arc::new(farm.blobs()),
        provers: vec![prover; jobs],
        threads: config.threads(),
        limits: config.limits(),
        traces: Traces::start(&config.traces, "proofyard-worker", id.as_str())?,
        metrics,
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
