//! `proofyard-worker`: takes jobs from a NATS server and proves them.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use proofyard_bus::{BusOptions, nats::NatsFarm};
use proofyard_worker::{
    CpuKeys, Parts,
    circuit_prover::CircuitProver,
    config::{Config, LogConfig, LogFormat},
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Takes jobs from the farm's bus and proves them.
#[derive(Debug, Parser)]
#[command(name = "proofyard-worker", version)]
struct Arguments {
    /// The configuration file; without it every key has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proofyard-worker: {error}");
            ExitCode::from(5)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let config = match &arguments.config {
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
    proofyard_worker::run(parts, shutdown).await?;
    // What a handed-back proof is still computing is of no use to anybody.
    std::process::exit(0);
}

fn start_logs(config: &LogConfig) -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}
