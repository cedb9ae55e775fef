//! The coordinator on L1: ledger, market, submission and the settlement crate around the farm's [`Handle`].
//!
//! [`Settlement::start`] opens the ledger, takes up what it holds, and starts three tasks: one that follows the chain and the farm and does
//! what the groups order ([`crate::submission`]), one that sends transactions, and one that looks after the endpoints. [`SettledDesk`] is its
//! face to the HTTP endpoint. Decisions are in [`crate::market`] and [`crate::submission`]; here are deeds only.

mod chain;
mod chronicle;
mod config;
mod desk;
mod driver;
mod error;
mod journal;
mod office;
mod papers;
mod works;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use proofyard_settlement::{
    config::L1Config,
    rpc::Rpc,
    sidecar_client::{Deployment, SidecarClient, events},
    signer::{Key, SignerConfig, typed::Domain},
    transactions::Manager,
    watcher::Watcher,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tracing::info;

pub use self::{config::SettlementConfig, desk::SettledDesk, error::SettleError, journal::LedgerJournal};
use self::{driver::Driver, office::Office, works::Works};
use crate::{
    endpoint::FarmDesk,
    handle::Handle,
    ledger::{Identity, Ledger, QuoteRecord, SqliteLedger},
    market::{Market, MarketConfig, Ours},
    submission::Farm,
};

/// Blocks whose status is kept for those who ask, once they are over.
const SHOWN_MAX: usize = 256;

/// What the coordinator is on L1.
pub struct Settings {
    /// `[l1]`.
    pub l1: L1Config,
    /// `[signer]`.
    pub signer: SignerConfig,
    /// `[settlement]`.
    pub settlement: SettlementConfig,
    /// `[market]`.
    pub market: MarketConfig,
}

/// The coordinator on L1, as long as it is held.
pub struct Settlement {
    desk: SettledDesk,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Settlement {
    /// Opens ledger, key and contracts, takes up what the ledger holds, and starts.
    pub async fn start(settings: Settings, farm: FarmDesk) -> Result<Self, SettleError> {
        let deployment = Deployment::read(&settings.settlement.deployment)?;
        let key = settings.signer.open()?;
        Self::start_with(settings, deployment, key, farm).await
    }

    /// The same with a deployment and a key at hand.
    pub async fn start_with(
        settings: Settings,
        deployment: Deployment,
        key: Key,
        farm: FarmDesk,
    ) -> Result<Self, SettleError> {
        let Settings { mut l1, settlement, market, .. } = settings;
        if deployment.chain_id != l1.chain_id {
            let (found, wanted) = (deployment.chain_id, l1.chain_id);
            let message = format!("the deployment is on chain {found}, l1.chain_id is {wanted}; correct one of them");
            return Err(SettleError::Contradiction(message));
        }
        let identity =
            Identity { chain_id: deployment.chain_id, sidecar: deployment.sidecar, escrow: deployment.escrow };
        let path = settlement.ledger.clone();
        let ledger: Arc<dyn Ledger> =
            Arc::new(tokio::task::spawn_blocking(move || SqliteLedger::open(&path, identity)).await??);
        let rpc = Rpc::connect(&l1)?;
        let client = SidecarClient::new(rpc.clone(), deployment.clone());
        client.check().await?;
        let head = rpc.head().await?.number;
        let version = client.version_of(client.current_version().await?).await?;

        let journal = Arc::new(LedgerJournal(ledger.clone()));
        let manager = Manager::open(rpc.clone(), key.transactions(), journal, &l1).await?;
        let handle = farm.handle().clone();
        let (notices, inbox) = mpsc::unbounded_channel();
        let office = Arc::new(Office {
            policy: settlement.policy(l1.finality_depth),
            config: settlement,
            ledger,
            market: Mutex::new(Market::new(market, ours(&deployment, &key, &handle))),
            books: Mutex::default(),
            client,
            manager,
            domain: Domain { chain_id: deployment.chain_id, escrow: deployment.escrow },
            key,
            handle,
            notices,
        });
        let records = office.take_up(head.saturating_sub(l1.finality_depth)).await?;

        // Far enough back for everything that concerns an open quote: its height may have opened before it was quoted.
        let (all, _) = chain::lengths(&version);
        let since = records.iter().map(|record| record.reservation.quoted_at).min().unwrap_or(head).min(head);
        l1.watcher.first_block = since.saturating_sub(all).max(deployment.first_block);
        let watcher = Watcher::new(rpc.clone(), &l1, events::watched(&deployment));
        let driver = Driver {
            office: office.clone(),
            watcher,
            notices: inbox,
            works: Works::default(),
            changes: VecDeque::new(),
            told: None,
            unwritten: BTreeSet::new(),
            alarms: BTreeMap::new(),
        };
        let sender = office.clone();
        let tasks = vec![tokio::spawn(driver.run()), tokio::spawn(async move { sender.manager.run().await })];
        Ok(Self { desk: SettledDesk { office, farm }, tasks })
    }

    /// Its face to the endpoint.
    pub fn desk(&self) -> SettledDesk {
        self.desk.clone()
    }
}

/// What this farm serves.
fn ours(deployment: &Deployment, key: &Key, handle: &Handle) -> Ours {
    let setups = handle.setups();
    Ours {
        chain_id: deployment.chain_id,
        sidecar: deployment.sidecar,
        escrow: deployment.escrow,
        prover: key.address(),
        rows_log2: setups.rows_log2(),
        transfers_per_subtree: u32::try_from(setups.circuit().slots()).unwrap_or(u32::MAX),
        subtrees_max: proofyard_rollup::subtree_inputs::SUBTREES_MAX as u32,
    }
}

impl Office {
    /// Takes up what the ledger holds: open quotes and those that ended in `since` or later.
    async fn take_up(&self, since: u64) -> Result<Vec<QuoteRecord>, SettleError> {
        let (work, ended) = self.on_disk(move |ledger| Ok((ledger.open_work()?, ledger.ended_quotes(since)?))).await?;
        let mut records = ended;
        records.extend(work.quotes);
        for record in &records {
            let commitment = record.terms.block_commitment;
            let nonce = record.terms.nonce;
            let found = move |ledger: &dyn Ledger| {
                Ok((ledger.receipt(nonce)?, ledger.block(commitment)?, ledger.proof(commitment)?.is_some()))
            };
            let (receipt, block, proven) = self.on_disk(found).await?;
            let given_up = block.as_ref().and_then(|block| block.given_up.clone());
            let farm = match (receipt, given_up) {
                (None, _) => Farm::Missing,
                (Some(_), _) if proven => Farm::Proven,
                (Some(_), Some(message)) => Farm::Failed { code: "PY-C-306".to_owned(), message },
                (Some(_), None) => Farm::Waiting,
            };
            self.market().restore(record);
            self.open_case(record, farm);
            if let Some(block) = block {
                self.show(&block, record.reservation.rows_log2);
            }
        }
        if !records.is_empty() {
            let (unproven, unsettled) = (work.unproven.len(), work.unsettled.len());
            info!(quotes = records.len(), unproven, unsettled, "taken up from the ledger");
        }
        Ok(records)
    }
}
