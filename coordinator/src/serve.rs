//! The coordinator as a process: bus, setup, L1, endpoint and signals from a configuration file.

use std::{path::Path, sync::Arc};

use proofyard_bus::{BusOptions, FarmName, Start, nats::NatsFarm};
use proofyard_telemetry::start_logs;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing::{info, warn};

use crate::{
    config::Config,
    endpoint::{self, Desk, FarmDesk, Statement, router},
    handle::{Coordinator, Settings},
    settle::{self, Settlement},
    setups::{SetupSource, Setups},
};

/// Runs a coordinator until SIGTERM or SIGINT, then drains and returns. Without a file every key has its default. `insecure_setup`: the
/// developers' setup may be used.
pub async fn serve(config: Option<&Path>, insecure_setup: bool) -> Result<(), Box<dyn std::error::Error>> {
    let config = match config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    start_logs(&config.log)?;
    let source = SetupSource::new(config.setup.dir.clone(), config.label()?, insecure_setup)?;
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

    let statement = Statement {
        chain_id: config.statement.chain_id,
        contract: config.contract()?,
        beneficiary: config.beneficiary()?,
        key_digest: key.digest(),
        insecure_setup: key.is_insecure(),
        blocks_max: config.schedule.blocks_max,
    };
    let farm_desk = FarmDesk::new(handle.clone(), statement);
    // Ends with this function: transactions are followed until then.
    let settlement = match (config.l1.clone(), config.signer.clone()) {
        (Some(l1), Some(signer)) => {
            let (settlement, market) = (config.settlement.clone(), config.market.clone());
            Some(Settlement::start(settle::Settings { l1, signer, settlement, market }, farm_desk.clone()).await?)
        }
        _ => None,
    };
    let limits = config.intake.limits(config.block_bytes_max, settlement.is_some());
    let desk: Arc<dyn Desk> = match &settlement {
        Some(settlement) => Arc::new(settlement.desk()),
        None => Arc::new(farm_desk),
    };
    let routes = router(desk, limits);
    let listener = TcpListener::bind(config.listen).await?;
    info!(address = %listener.local_addr()?, epoch = handle.epoch().0, "listening");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let server = tokio::spawn(endpoint::serve(listener, routes, config.intake.connections()));
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
