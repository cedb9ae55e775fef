//! A coordinator in this process, which can be ended and started again on its ledger.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use proofyard_bus::{BusOptions, Start, in_process::InProcessBus};
use proofyard_coordinator::{
    Coordinator, Handle,
    client::{BlockStatus, QuoteRequest, Rung, SignedQuote},
    core::Policy,
    endpoint::{Desk, FarmDesk, Statement},
    ledger::{Identity, Ledger, SqliteLedger, sqlite::Observer},
    market::{MarketConfig, Scaling},
    metrics::Metrics,
    settle::{Opened, Parts, Settings, Settlement, SettlementConfig},
};
use proofyard_job_schema::WorkerId;
use proofyard_settlement::{
    config::L1Config,
    sidecar_client::Deployment,
    signer::{Key, SignerConfig},
};
use proofyard_telemetry::metrics::{Exposition, Registrar};

use crate::{
    stage::{PATIENCE, Stage, setups},
    worker,
};

/// Workers that are asked for.
pub const SCALING: Scaling = Scaling { floor: 1, most: 64, headroom_percent: 0, start_ms: 0 };

/// What a coordinator is started with.
pub struct Plan {
    pub l1: L1Config,
    pub deployment: Deployment,
    pub key: Key,
    pub ledger: Arc<dyn Ledger>,
    pub settlement: SettlementConfig,
    pub market: MarketConfig,
    pub policy: Policy,
    /// Its worker proves; else it only lives.
    pub proves: bool,
}

pub fn open_ledger(path: &Path, deployment: &Deployment, observer: Option<Observer>) -> Arc<SqliteLedger> {
    let Deployment { chain_id, sidecar, escrow, .. } = *deployment;
    let identity = Identity { chain_id, sidecar, escrow };
    Arc::new(SqliteLedger::open_observed(path, identity, observer).expect("a ledger"))
}

impl Plan {
    pub fn new(l1: L1Config, deployment: Deployment, key: Key, ledger: Arc<dyn Ledger>) -> Self {
        let settlement = SettlementConfig { block_ms: 1_000, stale_ms: 600_000, ..SettlementConfig::default() };
        let market = MarketConfig { prior_subtree_ms: 1_000, ..MarketConfig::default() };
        Self { l1, deployment, key, ledger, settlement, market, policy: Policy::default(), proves: false }
    }

    /// Starts, with a bus of its own, empty.
    pub async fn start(self) -> Running {
        let setups = tokio::task::spawn_blocking(setups).await.expect("no panic");
        let bus = InProcessBus::new(BusOptions::default());
        let (end, blobs) = (Arc::new(bus.coordinator(Start::Fresh)), Arc::new(bus.blobs()));
        let mut registrar = Registrar::new("coordinator");
        let metrics = Arc::new(Metrics::new(&mut registrar));
        let settings = proofyard_coordinator::Settings {
            policy: self.policy.clone(),
            setups: setups.clone(),
            traces: Default::default(),
            metrics,
        };
        let handle = Coordinator::start(end, blobs.clone(), settings);
        let id = WorkerId::new("worker").expect("a name");
        let mine = Arc::new(bus.worker(id.clone()));
        let worker = match self.proves {
            true => tokio::spawn(worker::prove(mine, blobs, id, setups)),
            false => tokio::spawn(worker::live(mine, id)),
        };
        let statement = Statement {
            chain_id: self.deployment.chain_id,
            contract: [0; 20],
            beneficiary: [0; 20],
            key_digest: [0; 32],
            insecure_setup: true,
            blocks_max: 16,
        };
        let Self { l1, deployment, key, ledger, settlement, market, .. } = self;
        let settings = Settings { l1, signer: SignerConfig::default(), settlement, market };
        let opened = Opened::with(settings, Parts { deployment, key, ledger }).await.expect("everything is there");
        let settlement = opened.start(FarmDesk::new(handle.clone(), statement)).await.expect("a coordinator on L1");
        let desk = settlement.desk();
        registrar.sampler(move || desk.measure(&SCALING));
        let running = Running { handle, settlement, worker, exposition: registrar.finish() };
        running.until("ready", async || running.settlement.desk().ready().await.ready).await;
        running
    }
}

impl Stage {
    /// A coordinator as most tests need it, to be changed.
    pub fn plan(&self) -> Plan {
        let ledger = open_ledger(&self.ledger_path(), &self.deployment, None);
        Plan::new(self.l1.clone(), self.deployment.clone(), self.prover.clone(), ledger)
    }

    /// A coordinator on the stage's ledger.
    pub async fn coordinator(&self) -> Running {
        self.plan().start().await
    }
}

/// A running coordinator.
pub struct Running {
    pub handle: Handle,
    settlement: Settlement,
    worker: tokio::task::JoinHandle<()>,
    exposition: Exposition,
}

impl Running {
    pub fn desk(&self) -> impl Desk + Clone + use<> {
        self.settlement.desk()
    }

    /// A sample of the metrics, by its series as it is written.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let text = self.exposition.text();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }

    /// Asks for a quote without hurry.
    pub async fn quote(&self, request: QuoteRequest) -> Result<SignedQuote, &'static str> {
        let caller = request.sequencer;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        self.desk().quote(request, caller, deadline).await.map_err(|declined| declined.code)
    }

    /// The block's status as followers see it.
    pub async fn status(&self, id: B256) -> Option<BlockStatus> {
        self.desk().follow(id).await.and_then(|follower| follower.present())
    }

    pub async fn rung(&self, id: B256) -> Option<Rung> {
        self.status(id).await.map(|status| status.ladder.rung)
    }

    /// Waits until the coordinator has seen a block of L1.
    pub async fn sees(&self, block: u64) {
        self.until("the head", async || self.desk().status().await.l1_block >= Some(block)).await;
    }

    /// Waits for something.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let since = Instant::now();
        while !holds().await {
            assert!(since.elapsed() < PATIENCE, "{what} did not come");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it wherever it is; its bus is gone with it. Only the ledger stays.
    pub async fn end(self) {
        self.worker.abort();
        self.handle.abort();
        self.settlement.shutdown().await;
    }
}
