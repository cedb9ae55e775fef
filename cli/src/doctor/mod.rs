//! `proofyard doctor`: looks at what configurations name and at running coordinators, and says what to do. It opens everything with the
//! code of the processes themselves and changes nothing.

mod clock;
mod config;
mod device;
mod endpoint;
mod files;
mod l1;
mod ledger;
mod money;
mod nats;
mod report;
mod setup;
mod together;

use std::path::Path;

use proofyard_coordinator::{
    bus::{BusOptions, FarmName, nats::Role},
    config::Config as CoordinatorConfig,
    ledger::Identity,
};
use proofyard_settlement::sidecar_client::Deployment;
use proofyard_sidecar::config::Config as SidecarConfig;
use proofyard_worker::config::Config as WorkerConfig;

use self::{
    config::Loaded,
    l1::{OnL1, Part},
    report::{About, Report, State},
    setup::Wanted,
    together::{Farm, Seen},
};
use crate::{args::Doctor, failure::Failure};

/// Checks everything that is named, and shows what was found.
pub async fn run(arguments: &Doctor, json: bool) -> Result<(), Failure> {
    let mut report = Report::default();
    let mut seen = Seen::default();
    for path in &arguments.config {
        let (subject, loaded) = config::load(path, &mut report);
        let mut about = report.about(&subject);
        match loaded {
            Some(Loaded::Coordinator(config)) => coordinator(&subject, &config, &mut about, &mut seen).await,
            Some(Loaded::Worker(config)) => worker(&subject, &config, &mut about, &mut seen).await,
            Some(Loaded::Sidecar(config)) => sidecar(&subject, &config, &mut about, &mut seen).await,
            None => {}
        }
    }
    if let Some(url) = &arguments.coordinator {
        endpoint::check(url, &mut report.about(url), &mut seen).await;
    }
    together::check(&seen, &mut report.about("together"));
    if json {
        println!("{}", report.json());
    } else {
        println!("{}", report.text());
    }
    match report.count(State::Fail) {
        0 => Ok(()),
        1 => Err(Failure::Unhealthy("1 check fails".to_owned())),
        failures => Err(Failure::Unhealthy(format!("{failures} checks fail"))),
    }
}

async fn coordinator(subject: &str, config: &CoordinatorConfig, about: &mut About<'_>, seen: &mut Seen) {
    if let Some(path) = &config.intake.operator_token_file
        && files::secret(about, "intake.operator_token_file", path)
        && let Err(error) = config.intake.operators()
    {
        about.fail("files", error.to_string(), "write a token of 16 characters or more into its first line");
    }
    let key_is_there = config.signer.as_ref().is_some_and(|signer| files::signer(about, signer));
    let label = config.label().ok().flatten();
    let wanted = Wanted { rows_log2: Some(config.setup.rows_log2), makes_missing: true };
    seen.keys.extend(setup::check(subject, &config.setup.dir, label, wanted, about));
    if let Ok(farm) = FarmName::new(&config.bus.farm) {
        let options = BusOptions { replicas: config.bus.replicas, ..BusOptions::default() };
        nats::check(&config.bus.access(), Role::Coordinator, &farm, &options, about).await;
    }
    seen.farms.push(Farm::new(subject, true, &config.bus.url, &config.bus.farm));
    let (Some(l1), Some(signer)) = (&config.l1, &config.signer) else { return };
    let deployment = l1::deployment(&config.settlement.deployment, Some(l1.chain_id), about);
    let path = &config.settlement.ledger;
    ledger::coordinator(path, deployment.as_ref().map(identity), about);
    files::disk(about, path);
    let part = Part::Coordinator { rows_log2: config.setup.rows_log2, gas: config.market.submission_gas };
    let on_l1 = OnL1 {
        config: l1.clone(),
        deployment,
        signer: key_is_there.then_some(signer),
        stale_ms: config.settlement.stale_ms,
        part,
    };
    l1::check(on_l1, about).await;
}

async fn worker(subject: &str, config: &WorkerConfig, about: &mut About<'_>, seen: &mut Seen) {
    let wanted = Wanted { rows_log2: None, makes_missing: false };
    let keys = setup::check(subject, &config.setup.dir, config.label().ok().flatten(), wanted, about);
    device::check(config, keys.iter().map(|key| key.rows_log2).max(), about);
    seen.keys.extend(keys);
    if let Ok(farm) = config.farm() {
        nats::check(&config.bus.access(), Role::Worker, &farm, &BusOptions::default(), about).await;
    }
    seen.farms.push(Farm::new(subject, false, &config.bus.url, &config.bus.farm));
}

async fn sidecar(subject: &str, config: &SidecarConfig, about: &mut About<'_>, seen: &mut Seen) {
    let key_is_there = files::signer(about, &config.signer);
    let vrf_is_there = files::secret(about, "vrf_key_file", &config.vrf_key_file);
    let wanted = Wanted { rows_log2: Some(config.block.rows_log2), makes_missing: true };
    seen.keys.extend(setup::check(subject, &config.farm.setup_dir, config.label().ok().flatten(), wanted, about));
    let deployment = l1::deployment(&config.deployment, None, about);
    let key = if key_is_there { config.signer.open().ok() } else { None };
    ledger::sidecar(&config.state, deployment.as_ref().zip(key.as_ref()), about);
    files::disk(about, &config.state);
    let mut l1 = config.l1.clone();
    if let Some(deployment) = &deployment {
        l1.chain_id = deployment.chain_id;
    }
    let vrf: Option<&Path> = vrf_is_there.then_some(&config.vrf_key_file);
    let part = Part::Sidecar { rows_log2: config.block.rows_log2, vrf };
    // A sidecar waits for L1 as long as it takes; a head of five blocks ago says that something is wrong.
    let stale_ms = 5 * config.waiting.block_ms;
    l1::check(OnL1 { config: l1, deployment, signer: key_is_there.then_some(&config.signer), stale_ms, part }, about)
        .await;
    for coordinator in &config.coordinators {
        endpoint::reachable(&coordinator.name, &coordinator.url, about).await;
    }
}

/// Whose ledger it must be.
fn identity(deployment: &Deployment) -> Identity {
    Identity { chain_id: deployment.chain_id, sidecar: deployment.sidecar, escrow: deployment.escrow }
}
