//! The sidecar as a process: a configuration file, logs, signals.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use crate::{Sidecar, config::Config};

/// Runs a sidecar until SIGTERM or SIGINT. `insecure_setup`: the developers' setup may be used.
pub async fn serve(config: &Path, insecure_setup: bool) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(config)?;
    proofyard_telemetry::start_logs(&config.log)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let sidecar = Sidecar::start(&config, insecure_setup).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    sidecar.stop().await;
    Ok(())
}
