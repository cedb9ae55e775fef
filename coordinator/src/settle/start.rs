//! Starting on L1: first everything that can be refused, then the tasks.

use std::sync::{Arc, Mutex};

use proofyard_settlement::{
    contracts::bindings::IVersionRegistry::Version,
    rpc::Rpc,
    sidecar_client::{Deployment, SidecarClient, events},
    signer::{Key, typed::Domain},
    transactions::Manager,
    watcher::Watcher,
};
use tokio::sync::{mpsc, watch};
use tracing::info;

use super::{
    LedgerJournal, Parts, Settings, SettleError, SettledDesk, Settlement, chain,
    driver::Driver,
    office::{Office, farm_of},
};
use crate::{
    endpoint::FarmDesk,
    handle::Handle,
    ledger::{Identity, Ledger, QuoteRecord, SqliteLedger, sqlite::Observer},
    market::{Market, Ours},
};

/// Ledger, key and contracts, opened and checked. Nothing of the farm was needed for it, nothing is sent yet; the ledger keeps other
/// coordinators out.
pub struct Opened {
    settings: Settings,
    parts: Parts,
    rpc: Rpc,
    client: SidecarClient,
    head: u64,
    version: Version,
}

impl Opened {
    /// Opens what the sections name; the observer hears of the ledger's writes.
    pub async fn open(settings: Settings, observer: Option<Observer>) -> Result<Self, SettleError> {
        let deployment = Deployment::read(&settings.settlement.deployment)?;
        let key = settings.signer.open()?;
        let (path, identity) = (settings.settlement.ledger.clone(), identity(&deployment));
        let ledger =
            tokio::task::spawn_blocking(move || SqliteLedger::open_observed(&path, identity, observer)).await??;
        Self::with(settings, Parts { deployment, key, ledger: Arc::new(ledger) }).await
    }

    /// The same with the parts at hand.
    pub async fn with(settings: Settings, parts: Parts) -> Result<Self, SettleError> {
        let Parts { deployment, ledger, .. } = &parts;
        let (found, wanted) = (deployment.chain_id, settings.l1.chain_id);
        if found != wanted {
            let message = format!("the deployment is on chain {found}, l1.chain_id is {wanted}; correct one of them");
            return Err(SettleError::Contradiction(message));
        }
        let (ours, theirs) = (identity(deployment), ledger.identity());
        if ours != theirs {
            return Err(SettleError::Contradiction(format!("the ledger is of {theirs}, the deployment is {ours}")));
        }
        let rpc = Rpc::connect(&settings.l1)?;
        let client = SidecarClient::new(rpc.clone(), deployment.clone());
        client.check().await?;
        let head = rpc.head().await?.number;
        let version = client.version_of(client.current_version().await?).await?;
        Ok(Self { settings, parts, rpc, client, head, version })
    }

    /// Takes up what the ledger holds, and starts.
    pub async fn start(self, farm: FarmDesk) -> Result<Settlement, SettleError> {
        let Self { settings, parts, rpc, client, head, version } = self;
        let Settings { mut l1, settlement, market, .. } = settings;
        let Parts { deployment, key, ledger } = parts;
        let journal = Arc::new(LedgerJournal(ledger.clone()));
        let manager = Manager::open(rpc.clone(), key.transactions(), journal, &l1).await?;
        let handle = farm.handle().clone();
        let (notices, inbox) = mpsc::unbounded_channel();
        let office = Arc::new(Office {
            policy: settlement.policy(l1.finality_depth),
            config: settlement,
            ledger: ledger.clone(),
            market: Mutex::new(Market::new(market, ours(&deployment, &key, &handle))),
            books: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
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
        let watcher = Watcher::new(rpc, &l1, events::watched(&deployment));
        let driver = Driver::new(office.clone(), watcher, inbox);
        let (sender, stop) = (office.clone(), watch::Sender::new(false));
        let (driver_stop, sender_stop) = (stop.subscribe(), stop.subscribe());
        let driver = tokio::spawn(driver.run(driver_stop));
        let sender = tokio::spawn(async move {
            tokio::select! {
                () = sender.manager.run() => {}
                () = super::stopped(sender_stop) => {}
            }
        });
        Ok(Settlement { desk: SettledDesk { office, farm }, ledger, stop, tasks: vec![driver, sender] })
    }
}

fn identity(deployment: &Deployment) -> Identity {
    Identity { chain_id: deployment.chain_id, sidecar: deployment.sidecar, escrow: deployment.escrow }
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
            let (commitment, nonce) = (record.terms.block_commitment, record.terms.nonce);
            let found = move |ledger: &dyn Ledger| Ok((farm_of(ledger, nonce, commitment)?, ledger.block(commitment)?));
            let (farm, block) = self.on_disk(found).await?;
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
