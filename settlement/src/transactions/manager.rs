//! The transaction manager: the core's decisions, carried out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy::primitives::{Address, B256};
use thiserror::Error;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};
use tracing::{debug, error, info, warn};

use super::core::{Core, Draft, Effect, Event, Observation, Preflight};
use super::fees::Market;
use super::figures::{Account, OpenTransactions, Tally};
use super::journal::{Attempt, Intent, IntentId, Journal, JournalError, ObsoleteWhen, Record, State};
use super::sign::{TransactionSigner, sign};
use crate::chain::{At, Call};
use crate::config::L1Config;
use crate::rpc::{Rpc, RpcError, Seen};
use crate::sidecar_client::reasons;

/// Rounds of decisions after one observation; far more than it ever takes.
const ROUNDS: usize = 10_000;

/// What the manager cannot do.
#[derive(Debug, Error)]
pub enum ManagerError {
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// L1 cannot be read.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The same id was used for something else.
    #[error("[PY-L-042] intent {0} exists with other content; use a new id for a new intent")]
    Conflict(IntentId),
    /// Nobody submitted this.
    #[error("[PY-L-043] intent {0} is not known")]
    Unknown(IntentId),
}

/// Sends the transactions of one account. One manager per account, on one machine.
pub struct Manager {
    rpc: Rpc,
    signer: TransactionSigner,
    journal: Arc<dyn Journal>,
    contested_depth: u64,
    finality_depth: u64,
    interval: Duration,
    core: AsyncMutex<Core>,
    /// The next sequence number; held while an intent is accepted, so that one id is accepted once.
    next: AsyncMutex<u64>,
    inbox: Mutex<Vec<Event>>,
    /// Intents that are not final, as written.
    open: Mutex<HashMap<IntentId, Record>>,
    account: Mutex<Account>,
    changes: watch::Sender<u64>,
    wake: Notify,
}

impl Manager {
    /// Takes up what the journal holds for the signer's account.
    pub async fn open(
        rpc: Rpc,
        signer: TransactionSigner,
        journal: Arc<dyn Journal>,
        config: &L1Config,
    ) -> Result<Self, ManagerError> {
        let (records, next) = journal.open(rpc.chain_id(), signer.address()).await?;
        if !records.is_empty() {
            info!(count = records.len(), "transactions of an earlier process are taken up");
        }
        let open = records.iter().map(|record| (record.intent.id.clone(), record.clone())).collect();
        let core = Core::new(config.transactions.clone(), config.finality_depth, records);
        Ok(Self {
            rpc,
            signer,
            journal,
            contested_depth: config.transactions.contested_depth,
            finality_depth: config.finality_depth,
            interval: config.poll_interval(),
            core: AsyncMutex::new(core),
            next: AsyncMutex::new(next),
            inbox: Mutex::default(),
            open: Mutex::new(open),
            account: Mutex::default(),
            changes: watch::Sender::new(0),
            wake: Notify::new(),
        })
    }

    /// The account.
    pub fn sender(&self) -> Address {
        self.signer.address()
    }

    /// Accepts an intent: when this returns it is in the journal. The same intent again changes nothing; where it stands.
    pub async fn submit(&self, intent: Intent) -> Result<State, ManagerError> {
        let mut next = self.next.lock().await;
        if let Some(known) = self.journal.find(self.rpc.chain_id(), self.sender(), &intent.id).await? {
            return if known.intent == intent { Ok(known.state) } else { Err(ManagerError::Conflict(intent.id)) };
        }
        let record = Record {
            sequence: *next,
            chain_id: self.rpc.chain_id(),
            sender: self.sender(),
            intent,
            attempts: Vec::new(),
            state: State::Queued,
            giving_up: None,
            obsolete_since: None,
        };
        self.journal.store(&record).await?;
        *next += 1;
        self.publish(&record);
        self.deliver(Event::Added(Box::new(record)));
        Ok(State::Queued)
    }

    /// Gives an intent up: it is not signed any more, and what is in flight is replaced by a transaction that does nothing. It
    /// may land all the same; its state says so. The wish is kept in memory until the next tick has acted on it.
    pub async fn withdraw(&self, id: &IntentId) -> Result<(), ManagerError> {
        self.record(id).await?;
        self.deliver(Event::Withdrawn(id.clone()));
        Ok(())
    }

    /// All that is written about an intent.
    pub async fn record(&self, id: &IntentId) -> Result<Record, ManagerError> {
        if let Some(record) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(record.clone());
        }
        let known = self.journal.find(self.rpc.chain_id(), self.sender(), id).await?;
        known.ok_or_else(|| ManagerError::Unknown(id.clone()))
    }

    /// Waits until an intent's state is of the wanted kind or final. Somebody must run or tick the manager meanwhile.
    pub async fn wait(&self, id: &IntentId, wanted: impl Fn(&State) -> bool) -> Result<Record, ManagerError> {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let record = self.record(id).await?;
            if wanted(&record.state) || record.state.is_final() {
                return Ok(record);
            }
            // The sender lives as long as self.
            let _ = changes.changed().await;
        }
    }

    /// What has come of transactions in this process.
    pub fn tally(&self) -> Tally {
        self.account().tally()
    }

    /// Transactions that are not final.
    pub fn open_transactions(&self) -> OpenTransactions {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        OpenTransactions::of(open.values())
    }

    /// Changes with every record.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Ticks at every new head, and at once for new intents, until dropped.
    pub async fn run(&self) {
        let mut heads = self.rpc.heads();
        let mut seen = None;
        loop {
            let head = *heads.borrow_and_update();
            let new = !self.inbox().is_empty();
            if head != seen || new {
                match self.tick().await {
                    Ok(()) => seen = head,
                    Err(error) => warn!(%error, "transactions wait for L1"),
                }
            }
            tokio::select! {
                _ = heads.changed() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(self.interval) => {}
            }
        }
    }

    /// Looks at L1 once and does what follows.
    pub async fn tick(&self) -> Result<(), ManagerError> {
        let mut core = self.core.lock().await;
        let inbox = std::mem::take(&mut *self.inbox());
        for event in inbox {
            core.step(event);
        }
        if core.is_empty() {
            return Ok(());
        }
        let seen = self.observe(&core).await?;
        let mut effects = VecDeque::from(core.step(Event::Observed(seen)));
        for _ in 0..ROUNDS {
            let Some(effect) = effects.pop_front() else { break };
            if let Some(event) = self.carry_out(&core, effect).await {
                effects.extend(core.step(event));
            }
        }
        Ok(())
    }

    fn inbox(&self) -> MutexGuard<'_, Vec<Event>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, event: Event) {
        self.inbox().push(event);
        self.wake.notify_one();
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, record: &Record) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let before = if record.state.is_final() {
            open.remove(&record.intent.id)
        } else {
            open.insert(record.intent.id.clone(), record.clone())
        };
        drop(open);
        self.account().changed(before.as_ref(), record);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    async fn observe(&self, core: &Core) -> Result<Observation, RpcError> {
        let wants = core.wants();
        let head = self.rpc.head().await?;
        // The nonce before the receipts: what is included in between has a receipt then, and does not look like somebody else's.
        let nonce = self.rpc.nonce(self.sender(), At::Latest).await?;
        let (mut contested_nonce, mut final_nonce) = (0, 0);
        if wants.in_flight.is_some_and(|in_flight| nonce > in_flight) {
            let at = |depth: u64| At::Number(head.number.saturating_sub(depth));
            contested_nonce = self.rpc.nonce(self.sender(), at(self.contested_depth)).await?;
            final_nonce = self.rpc.nonce(self.sender(), at(self.finality_depth)).await?;
        }
        let mut receipts = BTreeMap::new();
        for hash in wants.receipts {
            let seen = self.rpc.receipt(hash).await?;
            if let Seen::Included(receipt) = &seen {
                self.account().paid(receipt);
            }
            let reason = match &seen {
                Seen::Included(receipt) if !receipt.succeeded() => {
                    Some(self.explain(core, hash, receipt.block_number).await)
                }
                _ => None,
            };
            receipts.insert(hash, (seen, reason));
        }
        let market = Market { base_fee: head.base_fee_per_gas, priority_fee: self.rpc.suggested_priority_fee().await? };
        Ok(Observation { head: head.number, market, nonce, contested_nonce, final_nonce, receipts })
    }

    /// Why a transaction reverted: what it would do on the state before its block, or what was found out before.
    async fn explain(&self, core: &Core, hash: B256, block: u64) -> String {
        let Some(record) = core.record_of(hash) else { return String::new() };
        if let State::Included { hash: known, reverted: Some(reason), .. } = &record.state
            && *known == hash
        {
            return reason.clone();
        }
        let call = self.call_of(&record.intent);
        match self.rpc.call(&call, At::Number(block.saturating_sub(1))).await {
            Ok(_) => {
                "it would not revert on the state before its block; a transaction in that block came first".to_owned()
            }
            Err(error) => match error.revert_data() {
                Some(data) => reasons::explain(&data),
                None => format!("unknown: {error}"),
            },
        }
    }

    fn call_of(&self, intent: &Intent) -> Call {
        Call { from: Some(self.sender()), to: Some(intent.to), data: intent.data.clone(), value: intent.value }
    }

    async fn carry_out(&self, core: &Core, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Check { sequence, when } => {
                let obsolete = self.is_obsolete(&when).await;
                Some(Event::Checked { sequence, obsolete })
            }
            Effect::Preflight { sequence, block } => {
                let outcome = match core.record(sequence) {
                    Some(record) => self.preflight(&record.intent, block).await,
                    None => Preflight::Unavailable,
                };
                Some(Event::Preflighted { sequence, outcome })
            }
            Effect::Sign { sequence, draft } => {
                let attempt = self.sign(draft).await;
                Some(Event::Signed { sequence, attempt })
            }
            Effect::Store { record } => {
                let written = self.journal.store(&record).await;
                if let Err(error) = &written {
                    error!(%error, intent = %record.intent.id, "not written, so not sent");
                }
                Some(Event::Stored { sequence: record.sequence, written: written.is_ok() })
            }
            Effect::Send { sequence, raw } => {
                let sent = self.rpc.send_raw(&raw).await;
                debug!(sequence, ?sent, "transaction sent");
                Some(Event::Sent { sequence, sent })
            }
            Effect::Changed { record } => {
                info!(intent = %record.intent.id, state = ?record.state, attempts = record.attempts.len(), "transaction");
                self.publish(&record);
                None
            }
            Effect::Capped { id, cap } => {
                self.account().capped();
                warn!(intent = %id, cap, "[PY-L-044] fees may not be raised further; raise the value at risk or the caps of l1.transactions");
                None
            }
            Effect::Waits { id, reason } => {
                warn!(intent = %id, reason, "transaction waits");
                None
            }
        }
    }

    async fn is_obsolete(&self, when: &ObsoleteWhen) -> bool {
        let call = Call { from: None, to: Some(when.to), data: when.data.clone(), value: Default::default() };
        match self.rpc.call_is(&call, &when.answer).await {
            Ok(is) => is,
            Err(error) => {
                // To send in vain costs gas, not to send may cost the deposit.
                debug!(%error, "whether an intent is obsolete is not known");
                false
            }
        }
    }

    async fn preflight(&self, intent: &Intent, block: u64) -> Preflight {
        let call = self.call_of(intent);
        match self.rpc.estimate_in_block(&call, block).await {
            Ok(gas) => Preflight::Passes { gas },
            Err(error) => match error.revert_data() {
                Some(data) => Preflight::Reverts { reason: reasons::explain(&data) },
                None => {
                    warn!(%error, intent = %intent.id, "preflight");
                    Preflight::Unavailable
                }
            },
        }
    }

    async fn sign(&self, draft: Draft) -> Option<Attempt> {
        match sign(&self.signer, self.rpc.chain_id(), draft).await {
            Ok(attempt) => Some(attempt),
            Err(error) => {
                error!(%error, "[PY-L-045] the signer failed; check the key or the remote signer");
                None
            }
        }
    }
}
