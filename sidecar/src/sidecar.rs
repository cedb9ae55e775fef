//! Puts a sidecar together from its configuration.

use std::{
    net::SocketAddr,
    path::Path,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use proofyard_embedded_farm::coordinator::{
    SetupSource,
    endpoint::{Connections, serve},
};
use proofyard_settlement::{
    alloy::primitives::Address as L1Address,
    contracts::bls::SecretKey,
    rpc::Rpc,
    sidecar_client::{Deployment, SidecarClient},
    transactions::Manager,
    watcher::Watcher,
};
use proofyard_telemetry::{
    metrics::Registrar,
    operations::{Bound, Operations},
    start_logs,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};
use tracing::{info, warn};

use crate::{
    blocks::Classes,
    config::{Config, PersonaConfig},
    core::{State, types::Hash},
    driver::{Shared, drive},
    endpoint::{public_router, router},
    error::StartError,
    journal::StoreJournal,
    l1::{Acts, Ends, Reader, Sender, bytes},
    market::Market,
    metrics::Metrics,
    operations,
    prover::Prover,
    retention::drop_old_files,
    store::{Store, identity},
    watch::{watch_l1, watched},
};

/// How long a stopped sidecar's tasks may take to let go of the file.
const RELEASE: Duration = Duration::from_secs(2);
/// Connections to the endpoint at once.
const CONNECTIONS_MAX: usize = 256;

/// Runs a sidecar until `stop` is done: then nothing new begins, and requests under way get a few seconds.
pub async fn run(config: &Config, insecure_setup: bool, stop: impl Future<Output = ()>) -> Result<(), StartError> {
    let mut stop = pin!(stop);
    let sidecar = tokio::select! {
        started = Sidecar::start(config, insecure_setup) => started?,
        () = &mut stop => return Ok(()),
    };
    stop.await;
    sidecar.stop().await;
    Ok(())
}

/// The whole process: reads the configuration, starts logging, runs until SIGTERM or SIGINT.
pub async fn run_file(path: &Path, insecure_setup: bool) -> Result<(), StartError> {
    let config = Config::load(path)?;
    start_logs(&config.log)?;
    let listen = |kind| signal(kind).map_err(|source| StartError::System { what: "listening for signals", source });
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    run(&config, insecure_setup, stop).await
}

/// A running sidecar. Dropping it ends it as a crash would; what it began is in its file.
pub struct Sidecar {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    driver: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
    store: Weak<Store>,
    operations: Option<Operations>,
}

impl Sidecar {
    /// Starts everything. `insecure_setup`: the developers' setup may be used.
    pub async fn start(config: &Config, insecure_setup: bool) -> Result<Self, StartError> {
        config.validate()?;
        let deployment = Deployment::read(&config.deployment)?;
        let key = config.signer.open()?;
        let vrf = vrf_key(&config.vrf_key_file)?;
        let setup = SetupSource::new(config.farm.setup_dir.clone(), config.label()?, insecure_setup)?;
        let classes = classes(config, &deployment)?;
        let sequencer = bytes(key.address());
        let owner = identity(deployment.chain_id, bytes(deployment.sidecar), sequencer);
        let store = Arc::new(Store::open(&config.state, &owner)?);
        let mut l1 = config.l1.clone();
        l1.chain_id = deployment.chain_id;
        l1.watcher.first_block = l1.watcher.first_block.max(deployment.first_block);

        let rpc = Rpc::connect(&l1)?;
        let client = SidecarClient::new(rpc.clone(), deployment);
        client.check().await?;
        check_window(config, &client).await?;
        warn_of_key(&client, key.address(), &vrf).await?;
        let journal = Arc::new(StoreJournal(store.clone()));
        let manager = Arc::new(Manager::open(rpc.clone(), key.transactions(), journal, &l1).await?);
        let (share, at_risk) = (config.tip.reward_share_bps, config.tip.at_risk);
        let acts = Arc::new(Acts::new(client.clone(), store.clone(), sequencer, vrf, share, at_risk));
        let held = Arc::downgrade(&store);
        let (events, inbox) = mpsc::unbounded_channel();
        let wait = Duration::from_millis(config.bids.deadline_ms);
        let market = Market::new(&config.coordinators, client.clone(), &key, wait, config.waiting.block_ms)?;
        // The least subtrees of a group that self-proving needs keys for; others open with their first block.
        let subtrees = classes.subtrees_per_group.iter().copied().min().unwrap_or(1) as usize;
        let prover = Prover::start(config.farm.clone(), config.block.rows_log2, subtrees, setup).await?;
        let (listener, address) = listen(config.listen).await?;
        let bound = Bound::take(&config.operations).await?;
        let mut registrar = Registrar::new("sidecar");
        let metrics = Arc::new(Metrics::new(&mut registrar));
        let public = match config.public_listen {
            Some(address) => {
                let (listener, address) = listen(address).await?;
                info!(%address, "serving revealed block files");
                Some(listener)
            }
            None => None,
        };
        let records = store.records()?.unwrap_or_default();
        let shared = Arc::new(Shared {
            store,
            sender: Sender::new(acts.clone(), manager.clone(), events.clone()),
            acts,
            market,
            prover,
            sequencer,
            classes,
            public_url: config.public_url.clone(),
            events,
            rungs: watch::Sender::new(0),
            full: watch::Sender::new(false),
            view: watch::Sender::new(None),
            wanted: watch::Sender::default(),
            metrics,
            block_ms: config.waiting.block_ms,
        });
        let state = State::new(config.policy(sequencer), records);
        let (stop, stopped) = watch::channel(false);
        let driver = tokio::spawn(drive(shared.clone(), state, inbox, stopped));
        let ends = Ends::default();
        let reader = Reader::new(client.clone(), sequencer, config.tip.token, ends.clone());
        let operations = bound.map(|bound| {
            let block = Duration::from_millis(config.waiting.block_ms);
            operations::serve(bound, registrar, shared.clone(), rpc.clone(), manager.clone(), block)
        });
        let watcher = Watcher::new(rpc, &l1, watched(&client));
        let connections = Connections { max: CONNECTIONS_MAX, ..Connections::default() };
        let app = router(shared.clone(), config.block_bytes_max);
        let public = public.map(|listener| tokio::spawn(serve(listener, public_router(shared.clone()), connections)));
        let coordinators = shared.clone();
        let mut others = vec![
            tokio::spawn(async move { manager.run().await }),
            tokio::spawn(drop_old_files(shared.clone(), config.keep_files_hours)),
            tokio::spawn(watch_l1(shared, reader, watcher, ends, client)),
            tokio::spawn(serve(listener, app, connections)),
        ];
        others.extend(public);
        if operations.is_some() {
            others.push(tokio::spawn(operations::watch_coordinators(coordinators)));
        }
        info!(%address, %sequencer, "listening");
        Ok(Self { address, stop, driver, others, store: held, operations })
    }

    /// Where the endpoint listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins nothing new, waits for requests under way, ends. Then the file is free for another.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A panic in it is in the log; all that counts is on disk.
        let _ = (&mut self.driver).await;
        self.others.iter().for_each(JoinHandle::abort);
        self.operations = None;
        let until = Instant::now() + RELEASE;
        while self.store.strong_count() > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        self.driver.abort();
        self.others.iter().for_each(JoinHandle::abort);
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The classes that the deployment has for the configured rows.
fn classes(config: &Config, deployment: &Deployment) -> Result<Classes, StartError> {
    let (rows_log2, groups) = (config.block.rows_log2, config.block.groups);
    let of_rows = deployment.classes.iter().filter(|class| class.rows_log2 == rows_log2);
    let subtrees_per_group: Vec<u32> = of_rows.map(|class| class.subtrees_per_group).collect();
    if subtrees_per_group.is_empty() {
        return Err(StartError::Class { rows_log2, groups });
    }
    Ok(Classes { rows_log2, groups, subtrees_per_group })
}

/// Whether the rules leave a prover any time before the sidecar proves itself.
async fn check_window(config: &Config, client: &SidecarClient) -> Result<(), StartError> {
    if config.persona == PersonaConfig::SelfProve {
        return Ok(());
    }
    let rules = client.version_of(client.current_version().await?).await?;
    let window = u64::from(rules.provingBlocks) + u64::from(rules.submissionBlocks);
    let needed = config.proving.self_prove_blocks.saturating_add(config.proving.submit_blocks);
    if needed >= window {
        return Err(StartError::Window { needed, window });
    }
    if needed.saturating_add(config.proving.rescue_slack_blocks) >= window {
        let remedy = "lower proving.rescue_slack_blocks";
        warn!(window, needed, remedy, "a prover that says nothing of its progress will be given up at once");
    }
    Ok(())
}

/// A key that is registered later is as good, so this is no error.
async fn warn_of_key(client: &SidecarClient, sequencer: L1Address, vrf: &SecretKey) -> Result<(), StartError> {
    if client.key_of(sequencer).await?.publicKey != vrf.public_key() {
        warn!(%sequencer, "the VRF key is not registered for the sequencer: proposals are refused until it is, and active");
    }
    Ok(())
}

/// Reads a VRF key: the first line of the file.
pub fn vrf_key(path: &Path) -> Result<SecretKey, StartError> {
    let refused = |reason: String| StartError::VrfKey { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    // The parser's error would show what it read.
    let secret: Hash = line.parse().map_err(|_| refused("the first line is no key".to_owned()))?;
    SecretKey::from_bytes(&secret.0).map_err(|error| refused(error.to_string()))
}
