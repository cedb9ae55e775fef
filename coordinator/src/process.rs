//! The coordinator as a process: all that a configuration file names, until it is told to stop.

use std::{io, net::SocketAddr, path::Path, pin::pin, sync::Arc};

use proofyard_bus::{
    BusError, BusOptions, FarmName, Start,
    nats::{NatsFarm, Role},
};
use proofyard_telemetry::{
    LogError, Traces, TracesError,
    metrics::Registrar,
    operations::{Bound, Operations, OperationsError},
    start_logs,
};
use thiserror::Error;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::{JoinError, JoinHandle},
};
use tracing::{info, warn};

use crate::{
    ConfigError, Coordinator, Handle, Settings, SetupSource, Setups, StartError,
    config::Config,
    endpoint::{self, Desk, FarmDesk, Statement, router},
    metrics::Metrics,
    operations::{self, Watched},
    settle::{self, Opened, SettleError, Settlement},
};

/// Why the process did not start.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log filter.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Where traces go.
    #[error(transparent)]
    Traces(#[from] TracesError),
    /// Setup or circuit.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// L1, the ledger or the key.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The address of the endpoint.
    #[error("[PY-C-011] cannot listen on {address}: {source}; free it, or set another `listen`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The address of the operations listener.
    #[error(transparent)]
    Operations(#[from] OperationsError),
    /// SIGTERM cannot be caught.
    #[error("[PY-C-012] cannot wait for signals: {0}")]
    Signals(io::Error),
    /// Opening the setup panicked.
    #[error("[PY-C-013] opening the setup crashed: {0}")]
    Setup(#[from] JoinError),
}

/// Serves a farm until SIGTERM or SIGINT, then drains and returns. Without a file every key has its default.
pub async fn serve(config: Option<&Path>, insecure_setup: bool) -> Result<(), ProcessError> {
    let config = match config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    start_logs(&config.log)?;
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate()).map_err(ProcessError::Signals)?,
        signal(SignalKind::interrupt()).map_err(ProcessError::Signals)?,
    );
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    run(config, insecure_setup, stop).await
}

/// Serves a farm until `stop`, then drains and returns: blocks in work have `schedule.drain_ms` to end, their proofs are written down, and
/// the ledger is closed. Sets up neither logs nor signals.
pub async fn run(config: Config, insecure_setup: bool, stop: impl Future<Output = ()>) -> Result<(), ProcessError> {
    config.validate()?;
    let mut stop = pin!(stop);
    let running = tokio::select! {
        running = Running::start(config, insecure_setup) => running?,
        () = &mut stop => return Ok(()),
    };
    stop.await;
    running.drain().await;
    Ok(())
}

struct Running {
    handle: Handle,
    settlement: Option<Settlement>,
    server: JoinHandle<()>,
    _operations: Option<Operations>,
}

impl Running {
    /// What may be refused comes first: the bus is taken over only by a process that has its setup, its ledger and its address.
    async fn start(config: Config, insecure_setup: bool) -> Result<Self, ProcessError> {
        let source = SetupSource::new(config.setup.dir.clone(), config.label()?, insecure_setup)?;
        let mut registrar = Registrar::new("coordinator");
        let metrics = Arc::new(Metrics::new(&mut registrar));
        let on_l1 = match (config.l1.clone(), config.signer.clone()) {
            (Some(l1), Some(signer)) => {
                let (settlement, market) = (config.settlement.clone(), config.market.clone());
                let settings = settle::Settings { l1, signer, settlement, market };
                Some(Opened::open(settings, Some(metrics.ledger.observer())).await?)
            }
            _ => None,
        };
        let operators = config.intake.operators()?;
        let traces = Traces::start(&config.traces, "proofyard-coordinator", &config.bus.farm)?;
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
        let address = config.listen;
        let bound =
            async { TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener))) };
        let (address, listener) = bound.await.map_err(|source| ProcessError::Listen { address, source })?;

        let bound = Bound::take(&config.operations).await?;
        let farm = FarmName::new(&config.bus.farm)?;
        let (access, options) =
            (config.bus.access(), BusOptions { replicas: config.bus.replicas, ..BusOptions::default() });
        let farm = NatsFarm::connect(&access, &farm, "proofyard-coordinator", Role::Coordinator, options).await?;
        let end = Arc::new(farm.coordinator(Start::Fresh).await?);
        let settings = Settings { policy: config.schedule.clone(), setups, traces, metrics };
        let handle = Coordinator::start(end.clone(), Arc::new(farm.blobs()), settings);
        let statement = Statement {
            chain_id: config.statement.chain_id,
            contract: config.contract()?,
            beneficiary: config.beneficiary()?,
            key_digest: key.digest(),
            insecure_setup: key.is_insecure(),
            blocks_max: config.schedule.blocks_max,
        };
        let farm_desk = FarmDesk::new(handle.clone(), statement);
        let limits = config.intake.limits(config.block_bytes_max, on_l1.is_some(), operators);
        let settlement = match on_l1 {
            Some(opened) => Some(opened.start(farm_desk.clone()).await?),
            None => None,
        };
        let desk: Arc<dyn Desk> = match &settlement {
            Some(settlement) => Arc::new(settlement.desk()),
            None => Arc::new(farm_desk),
        };
        let watched = Watched {
            handle: handle.clone(),
            desk: desk.clone(),
            settled: settlement.as_ref().map(Settlement::desk),
            farm,
            end,
            scaling: config.autoscaling.scaling(),
        };
        let operations = bound.map(|bound| operations::serve(bound, registrar, watched));
        info!(%address, epoch = handle.epoch().0, on_l1 = settlement.is_some(), "listening");
        let server = tokio::spawn(endpoint::serve(listener, router(desk, limits), config.intake.connections()));
        Ok(Self { handle, settlement, server, _operations: operations })
    }

    async fn drain(self) {
        info!("draining");
        self.handle.drain();
        // The endpoint answers until the core has drained: statuses and proofs of finishing blocks can still be fetched.
        self.handle.stopped().await;
        self.server.abort();
        if let Some(settlement) = self.settlement {
            settlement.shutdown().await;
        }
        info!("stopped");
    }
}
