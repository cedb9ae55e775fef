//! Looking again and again, until told to stop.

use std::{path::Path, sync::Arc, time::Duration};

use proofyard_coordinator_client::{Client, ClientError, Timeouts};
use proofyard_telemetry::{
    LogError,
    metrics::Registrar,
    operations::{Bound, OperationsError},
    start_logs,
};
use thiserror::Error;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};
use tracing::{debug, info, warn};

use crate::{
    cluster::{Cluster, ClusterError},
    config::{Config, ConfigError},
    costs::changes,
    operations::{Health, Metrics},
};

/// Why the process ends.
#[derive(Debug, Error)]
pub enum RunError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log filter.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The operations listener.
    #[error(transparent)]
    Operations(#[from] OperationsError),
    /// The cluster's API.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The coordinator.
    #[error(transparent)]
    Coordinator(#[from] ClientError),
    /// Signals cannot be caught.
    #[error("[PY-D-020] cannot wait for signals: {0}")]
    Signals(std::io::Error),
    /// Too many looks have failed.
    #[error("[PY-D-021] {failures} looks in a row have failed, the last one: {last}")]
    Failing {
        /// How many.
        failures: u32,
        /// Why.
        last: Box<RunError>,
    },
}

/// Keeps the costs of the workers' pods up to date until SIGTERM or SIGINT. Without a file every key has its default.
pub async fn serve(config: Option<&Path>) -> Result<(), RunError> {
    let config = config.map_or_else(|| Ok(Config::default()), Config::load)?;
    start_logs(&config.log)?;
    let bound = Bound::take(&config.operations).await?;
    let cluster = Cluster::open(&config.cluster)?;
    let coordinator =
        Client::new(&config.coordinator, Timeouts { request: Duration::from_secs(10), ..Timeouts::default() })?;
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let mut registrar = Registrar::new("deletion-cost");
    let metrics = Arc::new(Metrics::new(&mut registrar));
    let every = Duration::from_millis(config.every_ms);
    let _operations = bound.map(|bound| bound.serve(registrar, Health { metrics: metrics.clone(), every }));
    info!(coordinator = config.coordinator, selector = config.label_selector, "watching workers");
    tokio::select! {
        ended = look_again_and_again(&config, &cluster, &coordinator, &metrics) => ended,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

async fn look_again_and_again(
    config: &Config,
    cluster: &Cluster,
    coordinator: &Client,
    metrics: &Metrics,
) -> Result<(), RunError> {
    let mut looks = interval(Duration::from_millis(config.every_ms));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = 0;
    loop {
        looks.tick().await;
        let looked = look(config, cluster, coordinator, metrics).await;
        metrics.looked(looked.as_ref().err().map(ToString::to_string));
        match looked {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                warn!(%error, failures, "the costs are not up to date");
                if failures >= config.failures_max {
                    return Err(RunError::Failing { failures, last: Box::new(error) });
                }
            }
        }
    }
}

async fn look(config: &Config, cluster: &Cluster, coordinator: &Client, metrics: &Metrics) -> Result<(), RunError> {
    let workers = coordinator.health().await?.workers;
    let pods = cluster.pods(&config.label_selector).await?;
    metrics.sees(pods.len());
    for change in changes(&pods, &workers) {
        let cost = change.cost.unwrap_or(0);
        let there = cluster.annotate(&change.name, cost).await?;
        metrics.writes();
        debug!(pod = change.name, cost, there, "cost");
    }
    Ok(())
}
