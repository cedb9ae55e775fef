//! `proofyard-coordinator`: takes blocks over HTTP, has workers on a NATS server prove them, hands verified root proofs out.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use proofyard_bus::{BusOptions, FarmName, Start, nats::NatsFarm};
use proofyard_coordinator::{
    Coordinator, Settings, SetupSource, Setups,
    config::{Config, LogConfig, LogFormat},
    endpoint::{Endpoint, router},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

/// Takes blocks over HTTP, has workers prove them, hands verified root proofs out.
#[derive(Debug, Parser)]
#[command(name = "proofyard-coordinator", version)]
struct Arguments {
    /// The configuration file; without it every key has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Accept the developers' setup, for whose key anyone can forge proofs.
    #[arg(long)]
    insecure_setup: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proofyard-coordinator: {error}");
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
    let source = SetupSource::new(config.setup.dir.clone(), config.label()?, arguments.insecure_setup)?;
    let setups = Arc::new(Setups::new(source, config.setup.rows_log2)?);
    // The key is the same for every M; opening the smallest finds a missing or refused setup at once.
    let opened = setups.clone();
    let smallest = tokio::task::spawn_blocking(move || {
        opened.get(1, &|stage, done, total| info!(stage, done, total, "making the setup"))
    });
    let key = smallest.await??.verifying_key();
    if key.is_insecure() {
        warn!(dir = %config.setup.dir.display(), "the setup is INSECURE: anyone can forge proofs for its key");
    }

    let farm = FarmName::new(&config.bus.farm)?;
    let farm = NatsFarm::connect(&config.bus.url, &farm, "proofyard-coordinator", BusOptions::default()).await?;
    let bus = Arc::new(farm.coordinator(Start::Fresh).await?);
    let settings = Settings { policy: config.schedule.clone().into(), setups };
    let handle = Coordinator::start(bus, Arc::new(farm.blobs()), settings);

    let endpoint = Endpoint {
        block_bytes_max: config.block_bytes_max,
        chain_id: config.statement.chain_id,
        contract: config.contract()?,
        beneficiary: config.beneficiary()?,
        key_digest: key.digest(),
        insecure_setup: key.is_insecure(),
    };
    let listener = TcpListener::bind(config.listen).await?;
    info!(address = %listener.local_addr()?, epoch = handle.epoch().0, "listening");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = tokio::spawn(axum::serve(listener, router(handle.clone(), endpoint)).into_future());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("draining");
    handle.drain();
    // The endpoint answers until the core has drained: statuses and proofs of finishing blocks can still be fetched.
    handle.stopped().await;
    server.abort();
    Ok(())
}

fn start_logs(config: &LogConfig) -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match config.format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}
