//! Puts a sidecar together from its configuration.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use proofyard_embedded_farm::coordinator::SetupSource;
use proofyard_settlement::{
    contracts::bls::SecretKey,
    rpc::Rpc,
    sidecar_client::{Deployment, SidecarClient},
    transactions::Manager,
    watcher::Watcher,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tracing::info;

use crate::{
    blocks::Classes,
    config::Config,
    core::{State, types::Hash},
    driver::{Shared, drive},
    endpoint::router,
    error::StartError,
    journal::StoreJournal,
    l1::{Acts, Ends, Reader, Sender, bytes},
    market::Market,
    prover::Prover,
    store::{Store, identity},
    watch::{watch_l1, watched},
};

/// A running sidecar. Dropping it ends it as a crash would; what it began is in its file.
pub struct Sidecar {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    driver: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
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
        let journal = Arc::new(StoreJournal(store.clone()));
        let manager = Arc::new(Manager::open(rpc.clone(), key.transactions(), journal, &l1).await?);
        let (share, at_risk) = (config.tip.reward_share_bps, config.tip.at_risk);
        let acts = Arc::new(Acts::new(client.clone(), store.clone(), sequencer, vrf, share, at_risk));
        let (events, inbox) = mpsc::unbounded_channel();
        let wait = Duration::from_millis(config.bids.deadline_ms);
        let market = Market::new(&config.coordinators, client.clone(), &key, wait, config.waiting.block_ms)?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|source| StartError::Listen { address: config.listen, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { address: config.listen, source })?;
        let prover = Prover::start(config.farm.clone(), config.block.rows_log2, setup)
            .map_err(|source| StartError::Listen { address, source })?;
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
        });
        let state = State::new(config.policy(sequencer), records);
        let (stop, stopped) = watch::channel(false);
        let driver = tokio::spawn(drive(shared.clone(), state, inbox, stopped));
        let ends = Ends::default();
        let reader = Reader::new(client.clone(), sequencer, config.tip.token, ends.clone());
        let watcher = Watcher::new(rpc, &l1, watched(&client));
        let app = router(shared.clone(), config.block_bytes_max);
        let others = vec![
            tokio::spawn(async move { manager.run().await }),
            tokio::spawn(watch_l1(shared, reader, watcher, ends, client)),
            tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, app).await {
                    tracing::error!(%error, "the endpoint has ended");
                }
            }),
        ];
        info!(%address, %sequencer, "listening");
        Ok(Self { address, stop, driver, others })
    }

    /// Where the endpoint listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins nothing new, waits for requests under way, ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A panic in it is in the log; all that counts is on disk.
        let _ = (&mut self.driver).await;
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        self.driver.abort();
        self.others.iter().for_each(JoinHandle::abort);
    }
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

/// Reads a VRF key: the first line of the file.
fn vrf_key(path: &Path) -> Result<SecretKey, StartError> {
    let refused = |reason: String| StartError::VrfKey { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    // The parser's error would show what it read.
    let secret: Hash = line.parse().map_err(|_| refused("the first line is no key".to_owned()))?;
    SecretKey::from_bytes(&secret.0).map_err(|error| refused(error.to_string()))
}
